#include "sim/options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <iostream>
#include <stdexcept>

#include "fabrics/fabric_file.hpp"

namespace motet_sim {
namespace {

struct Words {
  std::string collective, type = "float32", smallest = "1K", largest, params, block, mode = "fifo";
  std::vector<std::string> sizes;
  int nodes = 0;
  bool compare = false;
};

std::string notes() {
  std::string fabrics;
  for (const std::string& name : motet::installed_fabrics()) fabrics += " " + name;
  return "Fabrics:" + fabrics +
         "\n"
         "Sizes are those of motet-perf: for allgather, reduce_scatter, alltoall, gather and\n"
         "scatter the bytes of all parts together. Suffixes K, M, G are powers of 1024; GB/s are\n"
         "1e9 bytes. What is modelled: docs/simulator.md.\n"
         "Exit status: 0; 1 after an error; 2 for arguments that make no sense.";
}

void add_what(CLI::App& app, Words& words, Options& options) {
  app.add_option("collective", words.collective,
                 "allreduce, allgather, reduce_scatter, broadcast, reduce, alltoall, gather, "
                 "scatter or barrier")
      ->required();
  app.add_option("--topology", options.fabric, "a fabric's name (see below), or a file")
      ->required();
  app.add_option("--nodes", words.nodes, "so many nodes of it")->check(CLI::Range(1, 1 << 20));
  app.add_option("--set", options.settings, "change the fabric: roce=25GB/s, pcie.latency=2us");
  app.add_option("-b,--minbytes", words.smallest, "smallest size")->capture_default_str();
  app.add_option("-e,--maxbytes", words.largest, "largest size (default 1G)");
  app.add_option("-f,--stepfactor", options.sizes.factor, "factor between sizes")
      ->check(CLI::Range(2, 1 << 20))
      ->capture_default_str();
  app.add_option("--sizes", words.sizes, "a list instead: 8,16K,1M")->delimiter(',');
  app.add_option("-d,--datatype", words.type, "int8 ... float64")->capture_default_str();
  app.add_option("-r,--root", options.root, "root of broadcast, reduce, gather and scatter")
      ->check(CLI::Range(0, 1 << 30))
      ->capture_default_str();
}

void add_how(CLI::App& app, Words& words, Options& options) {
  app.add_option("--algorithm", options.algorithm, "this one only");
  app.add_option("--params", words.params,
                 "chunks=4,channels=2,around_percent=20,trees=2,mover=receiver (default: "
                 "those that the planner finds best)");
  app.add_option("--mode", words.mode, "how messages share a link: fifo or max-min")
      ->check(CLI::IsMember({"fifo", "max-min"}))
      ->capture_default_str();
  app.add_option("--block", words.block,
                 "bytes by which steps advance; 0: messages in one piece (default 128K, at most 8 "
                 "blocks a message, chunks counted)");
  app.add_flag("--compare", words.compare, "all algorithms of each size, best first");
  app.add_flag("--json", options.json, "one JSON object a line");
  app.add_option("--svg", options.svg, "draw who does what when into this file; of one size");
}

int number(const std::string& name, const std::string& word, int least, int most) {
  int value = 0;
  const char* end = word.data() + word.size();
  const auto [rest, failure] = std::from_chars(word.data(), end, value);
  if (failure == std::errc{} && rest == end && value >= least && value <= most) return value;
  throw std::invalid_argument(
      fmt::format("{}={}: expected a number from {} to {}", name, word, least, most));
}

motet::Mover mover(const std::string& word) {
  if (word == "either") return motet::Mover::either;
  if (word == "receiver") return motet::Mover::receiver;
  throw std::invalid_argument("mover=" + word + ": choose from either, receiver");
}

void understand_sizes(const Words& words, motet_perf::Sizes& sizes) {
  for (const std::string& word : words.sizes) sizes.list.push_back(motet_perf::parse_bytes(word));
  std::ranges::sort(sizes.list);
  sizes.smallest = motet_perf::parse_bytes(words.smallest);
  sizes.largest = std::max(std::size_t{1} << 30U, sizes.smallest);
  if (words.largest.empty()) return;
  sizes.largest = motet_perf::parse_bytes(words.largest);
  if (sizes.largest < sizes.smallest)
    throw std::invalid_argument("-e " + words.largest + " is smaller than -b " + words.smallest);
}

motet_perf::CollectiveRow collective(const std::string& word) {
  std::string choices;
  for (const motet_perf::CollectiveRow& row : motet_perf::collectives()) {
    if (row.kind == motet_perf::Kind::sendrecv || row.uneven) continue;
    if (row.name == word) return row;
    choices += (choices.empty() ? "" : ", ") + std::string(row.name);
  }
  throw std::invalid_argument("unknown collective '" + word + "'; choose from " + choices);
}

motet_perf::TypeRow type(const std::string& word) {
  if (word != "all") return motet_perf::types_named(word).front();
  throw std::invalid_argument("name one type");
}

void understand(const Words& words, Options& options) {
  options.collective = collective(words.collective);
  options.type = type(words.type);
  understand_sizes(words, options.sizes);
  if (options.collective.whole == motet_perf::Whole::nothing) options.sizes.list = {0};
  if (words.nodes > 0) options.settings.push_back(fmt::format("nodes={}", words.nodes));
  if (!words.params.empty()) options.params = parse_params(words.params);
  if (!words.block.empty()) {
    options.simulation.block_bytes = motet_perf::parse_bytes(words.block);
    options.simulation.most_blocks = 0;
  }
  if (words.mode == "max-min") options.simulation.links = motet::LinkModel::max_min;
  if (words.compare) options.show = Show::all;
  if (!options.svg.empty() && motet_perf::sizes_of(options.sizes).size() != 1)
    throw std::invalid_argument("--svg draws one size: say --sizes 1M");
}

}  // namespace

motet::Params parse_params(const std::string& words) {
  motet::Params params;
  for (std::size_t begin = 0; begin <= words.size();) {
    const std::size_t end = std::min(words.find(',', begin), words.size());
    const std::string word = words.substr(begin, end - begin);
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
    if (name == "chunks") {
      params.chunks = number(name, value, 1, 4096);
    } else if (name == "channels") {
      params.channels = number(name, value, 1, motet::max_channels);
    } else if (name == "around_percent") {
      params.around_percent = number(name, value, 0, 100);
    } else if (name == "trees") {
      params.trees = number(name, value, 0, 64);
    } else if (name == "mover") {
      params.mover = mover(value);
    } else {
      throw std::invalid_argument("unknown parameter '" + name +
                                  "'; choose from chunks, channels, around_percent, trees, mover");
    }
    begin = end + 1;
  }
  return params;
}

std::string to_text(const motet::Params& params) {
  std::string text;
  const auto add = [&](const std::string& word) { text += (text.empty() ? "" : ",") + word; };
  if (params.chunks > 1) add(fmt::format("chunks={}", params.chunks));
  if (params.channels > 1) add(fmt::format("channels={}", params.channels));
  if (params.around_percent > 0) add(fmt::format("around_percent={}", params.around_percent));
  if (params.trees > 0) add(fmt::format("trees={}", params.trees));
  if (params.mover == motet::Mover::receiver) add("mover=receiver");
  return text;
}

Parsed parse(int argc, const char* const* argv) {
  Words words;
  Parsed parsed;
  CLI::App app("Says how long a collective takes on a fabric, by simulating its schedules.",
               "motet-sim");
  app.set_version_flag("--version", motet_version());
  app.footer(notes());
  add_what(app, words, parsed.options);
  add_how(app, words, parsed.options);
  try {
    app.parse(argc, argv);
    understand(words, parsed.options);
  } catch (const CLI::ParseError& error) {
    parsed.exit_status = app.exit(error) == 0 ? 0 : 2;
  } catch (const std::invalid_argument& error) {
    std::cerr << "motet-sim: " << error.what() << "\n";
    parsed.exit_status = 2;
  }
  return parsed;
}

}  // namespace motet_sim
