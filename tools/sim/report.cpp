#include "sim/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace motet_sim {
namespace {

double us(motet::Seconds time) {
  return time.count() * 1e6;
}

std::string time_text(double us) {
  if (us < 100) return fmt::format("{:.2f}", us);
  return us < 10'000 ? fmt::format("{:.1f}", us) : fmt::format("{:.0f}", us);
}

std::string bytes_text(std::size_t bytes) {
  constexpr std::string_view suffixes = "KMG";
  int suffix = -1;
  while (suffix < 2 && bytes >= 1024 && bytes % 1024 == 0) {
    bytes /= 1024;
    ++suffix;
  }
  return suffix < 0 ? std::to_string(bytes) : fmt::format("{}{}", bytes, suffixes[suffix]);
}

struct Setting {
  const Options& options;
  const motet::Fabric& fabric;
  const motet::Bound& bound;

  int ranks() const { return fabric.world_size(); }
  double algbw(std::size_t bytes, const Candidate& c) const {
    return c.result.time.count() > 0 ? static_cast<double>(bytes) / c.result.time.count() / 1e9 : 0;
  }
  double busbw(std::size_t bytes, const Candidate& c) const {
    return algbw(bytes, c) * motet_perf::bus_factor(options.collective.kind, ranks());
  }
  motet::Seconds bound_time(std::size_t bytes) const {
    return bound.time(static_cast<double>(bytes));
  }
  double share(std::size_t bytes, const Candidate& c) const {
    return c.result.time.count() > 0 ? bound_time(bytes) / c.result.time : 0;
  }
  std::string algorithm(const Candidate& c) const {
    const std::string params = to_text(c.params);
    return fmt::format("{}{}{}", c.algorithm->name, params.empty() ? "" : " ", params);
  }
};

std::span<const Candidate> shown(const Options& options, const Found& found) {
  const std::span<const Candidate> all = found.candidates;
  return options.show == Show::all ? all : all.first(1);
}

// ---- a table

class Table : public Report {
 public:
  Table(const Setting& setting, std::FILE* file) : setting_(setting), file_(file) {
    const motet::Fabric& fabric = setting.fabric;
    for (const motet::Link& link : fabric.links()) tiers_.push_back(link.tier);
    std::ranges::sort(tiers_);
    tiers_.erase(std::unique(tiers_.begin(), tiers_.end()), tiers_.end());
  }

  void add(std::size_t bytes, const Found& found) override {
    if (!std::exchange(begun_, true)) {
      print_heading();
    } else if (setting_.options.show == Show::all) {
      fmt::print(file_, "\n");
    }
    for (const Candidate& candidate : shown(setting_.options, found)) print(bytes, candidate);
    if (setting_.options.show == Show::all) print(found.slower);
    std::fflush(file_);
  }

 private:
  void print_heading() {
    const motet::Fabric& fabric = setting_.fabric;
    const Options& options = setting_.options;
    fmt::print(file_, "# motet-sim {}: {} on {}, {} ranks on {} node{}, {}, links {}\n",
               motet_version(), options.collective.name, fabric.name(), setting_.ranks(),
               fabric.topology().node_count(), fabric.topology().node_count() == 1 ? "" : "s",
               options.type.name,
               options.simulation.links == motet::LinkModel::fifo ? "fifo" : "max-min");
    if (setting_.bound.denominator > 0) {
      fmt::print(file_, "# bound: algbw {:.2f} GB/s; {}\n",
                 setting_.bound.algbw().gigabytes_per_second(), setting_.bound.binding);
    }
    fmt::print(file_, "# times in us, GB/s of 1e9 bytes; of a tier: while some link of it works\n");
    fmt::print(file_, "#{:>7} {:>10} {:>8} {:>10} {:>6}", "bytes", "time", "busbw", "bound",
               "share");
    for (const int tier : tiers_) {
      fmt::print(file_, " {:>10}", fabric.topology().tiers()[tier].name);
    }
    fmt::print(file_, "  {:<41} busiest link\n", "algorithm");
  }

  void print(std::span<const Slower> slower) {
    if (slower.empty()) return;
    std::string list;
    for (const Slower& one : slower) {
      list += fmt::format("{}{} ({})", list.empty() ? "" : ", ", one.algorithm->name,
                          time_text(us(one.expected)));
    }
    fmt::print(file_, "# not simulated, since they are expected to take: {}\n", list);
  }

  void print(std::size_t bytes, const Candidate& candidate) {
    const motet::Simulation& result = candidate.result;
    const double share = setting_.share(bytes, candidate);
    fmt::print(file_, "{:>8} {:>10} {:>8.2f} {:>10} {:>6}", bytes_text(bytes),
               time_text(us(result.time)), setting_.busbw(bytes, candidate),
               time_text(us(setting_.bound_time(bytes))), fmt::format("{:.1f}%", share * 100));
    for (const int tier : tiers_)
      fmt::print(file_, " {:>10}", time_text(us(result.tiers[tier].time)));
    fmt::print(file_, "  {:<41}", setting_.algorithm(candidate));
    if (result.busiest.link >= 0) {
      fmt::print(file_, " {:.0f}% {}", result.busiest.busy / result.time * 100,
                 link_text(setting_.fabric, result.busiest.link));
    }
    fmt::print(file_, "\n");
  }

  Setting setting_;
  std::FILE* file_;
  std::vector<int> tiers_;  // that have links
  bool begun_ = false;
};

// ---- JSON

class Records : public Report {
 public:
  Records(const Setting& setting, std::FILE* file) : setting_(setting), file_(file) {}

  void add(std::size_t bytes, const Found& found) override {
    for (const Candidate& candidate : shown(setting_.options, found)) {
      fmt::print(file_, "{}\n", record(bytes, candidate).dump());
    }
    std::fflush(file_);
  }

 private:
  using Json = nlohmann::ordered_json;

  Json record(std::size_t bytes, const Candidate& candidate) const {
    const motet::Simulation& result = candidate.result;
    const Options& options = setting_.options;
    Json line;
    line["collective"] = options.collective.name;
    line["ranks"] = setting_.ranks();
    line["nodes"] = setting_.fabric.topology().node_count();
    line["bytes"] = bytes;
    line["type"] = options.type.name;
    line["root"] = options.collective.has_root ? Json(options.root) : nullptr;
    line["fabric"] = setting_.fabric.name();
    line["settings"] = options.settings;
    line["algorithm"] = candidate.algorithm->name;
    line["params"] = {
        {"chunks", candidate.params.chunks},
        {"channels", candidate.params.channels},
        {"around_percent", candidate.params.around_percent},
        {"mover", candidate.params.mover == motet::Mover::either ? "either" : "receiver"}};
    line["mode"] = options.simulation.links == motet::LinkModel::fifo ? "fifo" : "max-min";
    line["time_us"] = us(result.time);
    line["algbw_gbps"] = setting_.algbw(bytes, candidate);
    line["busbw_gbps"] = setting_.busbw(bytes, candidate);
    line["bound_us"] = us(setting_.bound_time(bytes));
    line["share_of_bound"] = setting_.share(bytes, candidate);
    line["tiers"] = tiers(result);
    line["busiest_link"] = busiest(result);
    line["messages"] = result.messages;
    line["simulated_ranks"] = result.simulated_ranks;
    return line;
  }

  Json tiers(const motet::Simulation& result) const {
    Json list = Json::array();
    for (std::size_t tier = 0; tier < result.tiers.size(); ++tier) {
      list.push_back({{"name", setting_.fabric.topology().tiers()[tier].name},
                      {"time_us", us(result.tiers[tier].time)},
                      {"bytes", result.tiers[tier].bytes}});
    }
    return list;
  }

  Json busiest(const motet::Simulation& result) const {
    if (result.busiest.link < 0) return nullptr;
    const motet::Link& link = setting_.fabric.links()[result.busiest.link];
    return {{"class", setting_.fabric.class_of(link).name},
            {"from", setting_.fabric.label(link.from)},
            {"to", setting_.fabric.label(link.to)},
            {"busy_us", us(result.busiest.busy)},
            {"use", result.busiest.busy / result.time}};
  }

  Setting setting_;
  std::FILE* file_;
};

}  // namespace

std::string link_text(const motet::Fabric& fabric, int link) {
  const motet::Link& its = fabric.links()[link];
  return fmt::format("{}: {} to {}", fabric.class_of(its).name, fabric.label(its.from),
                     fabric.label(its.to));
}

std::unique_ptr<Report> make_report(const Options& options, const motet::Fabric& fabric,
                                    const motet::Bound& bound, std::FILE* file) {
  const Setting setting{options, fabric, bound};
  if (options.json) return std::make_unique<Records>(setting, file);
  return std::make_unique<Table>(setting, file);
}

}  // namespace motet_sim
