#include "communicator/opening.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "execute/waiting.hpp"
#include "net/interfaces.hpp"
#include "topology/discovery/nics.hpp"
#include "topology/discovery/seat.hpp"
#include "transport/fault/fault_transport.hpp"
#include "transport/rails/packet.hpp"

namespace motet {
namespace {

TransportOptions wishes_of(const Options& options, Rank rank, const Identity& engine) {
  TransportOptions wishes;
  wishes.engine = engine;
  wishes.name = fmt::format("rank {}", rank);
  wishes.listen_on = listen_on(options);
  wishes.numa = seat_here(CpuSet::of(allowed_cpus())).numa;
  wishes.rails = rails_of(options);
  if (!options.rails.empty()) wishes.named_rails = wishes.rails;
  wishes.slots = options.slots;
  wishes.block_bytes = static_cast<std::size_t>(options.block_kib) * 1024;
  wishes.reads_peers = options.read_peers > 0;
  wishes.reads_at_any_price = options.read_peers > 1;
  wishes.ofi_provider = options.ofi_provider;
  wishes.ring_lines = static_cast<std::size_t>(options.ring_lines);
  return wishes;
}

// Those that this host's devices speak for.
std::vector<std::string> good_here(const TransportOptions& wishes) {
  std::vector<std::string> names{fabric_transport()};
  if (!wishes.rails.empty()) names.emplace_back("rails");
  return names;
}

// Null, and why, if it cannot be had here. What the user asked for and makes no sense throws.
std::unique_ptr<Transport> try_to_open(const TransportInfo& info, const TransportOptions& wishes,
                                       std::string& why) {
  try {
    why = info.unavailable_because();
    return why.empty() ? info.open(wishes) : nullptr;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::invalid_argument) {
      throw Error(error.code(), fmt::format("{}: joining: {}", wishes.name, error.what()));
    }
    why = error.what();
  }
  return nullptr;
}

[[noreturn]] void nothing_to_use(Rank rank, const std::vector<Missing>& missing) {
  std::string reasons;
  for (const Missing& one : missing) reasons += fmt::format("; {}: {}", one.transport, one.why);
  throw Error(ErrorCode::unavailable,
              fmt::format("rank {}: joining: no transport can be used{}", rank, reasons));
}

Opened open_engine(const Options& options, Rank rank) {
  set_assertion_rank(rank);
  const Identity identity = Identity::random();
  const TransportOptions wishes = wishes_of(options, rank, identity);
  Opened opened;
  std::vector<Engine::NamedTransport> transports;
  for (const TransportInfo* info : wanted_transports(options.transport, good_here(wishes))) {
    opened.wanted.emplace_back(info->name);
    std::string why;
    auto transport = try_to_open(*info, wishes, why);
    if (transport == nullptr) {
      opened.missing.push_back({std::string(info->name), why});
      continue;
    }
    if (!options.fault.empty()) {
      transport = inject_faults(std::move(transport), parse_fault_plan(options.fault), wishes.name);
    }
    transports.push_back({std::string(info->name), std::move(transport)});
  }
  if (transports.empty()) nothing_to_use(rank, opened.missing);
  opened.engine = std::make_shared<Engine>(identity, std::move(transports));
  return opened;
}

}  // namespace

std::vector<std::string> rails_of(const Options& options) {
  if (options.rails == "none") return {};
  std::vector<std::string> rails = split_words(options.rails);
  if (rails.empty()) {
    rails = near_nics(seat_here(CpuSet::of(allowed_cpus())).numa);
    std::erase_if(rails, [&](const std::string& nic) {
      return !is_chosen(options.interfaces, nic) || !has_address(nic);
    });
    if (rails.size() < 2) return {};
  }
  if (rails.size() > rails::most_rails && !options.rails.empty()) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("MOTET_RAILS names {} interfaces; at most {} can be used together",
                            rails.size(), rails::most_rails));
  }
  if (rails.size() > rails::most_rails) rails.resize(rails::most_rails);
  return rails;
}

std::vector<const TransportInfo*> wanted_transports(const std::string& option,
                                                    const std::vector<std::string>& also) {
  std::vector<const TransportInfo*> wanted;
  if (option.empty()) {
    for (const TransportInfo& info : transports()) {
      const bool here = std::ranges::find(also, info.name) != also.end();
      if (here || !info.only_by_name) wanted.push_back(&info);
    }
    return wanted;
  }
  for (const std::string& word : split_words(option)) {
    const auto found = std::ranges::find(transports(), word, &TransportInfo::name);
    if (found == transports().end()) {
      std::vector<std::string_view> names;
      for (const TransportInfo& info : transports()) names.push_back(info.name);
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("transport \"{}\" is none of {}", word, fmt::join(names, ", ")));
    }
    wanted.push_back(&*found);
  }
  return wanted;
}

namespace {

struct Kept {
  std::weak_ptr<Engine> engine;
  Opened opened;  // but for the engine
};

std::vector<Kept>& kept_by_this_thread() {
  thread_local std::vector<Kept> kept;  // by place
  return kept;
}

}  // namespace

Opened engine_of_this_thread(const Options& options, Rank rank, std::size_t place) {
  std::vector<Kept>& kept = kept_by_this_thread();
  if (kept.size() <= place) kept.resize(place + 1);
  Kept& mine = kept[place];
  if (auto engine = mine.engine.lock()) {
    return {std::move(engine), mine.opened.wanted, mine.opened.missing};
  }
  Opened opened = open_engine(options, rank);
  mine = {opened.engine, {nullptr, opened.wanted, opened.missing}};
  return opened;
}

Engine::Company engines_of_this_thread() {
  Engine::Company company;
  const std::vector<Kept>& kept = kept_by_this_thread();
  if (kept.size() < 2) return company;
  for (const Kept& one : kept) {
    if (auto engine = one.engine.lock()) company.push_back(std::move(engine));
  }
  return company;
}

Admission::Admission(Engine* engine, const Meeting& meeting)
    : engine_(engine), job_(meeting.credentials.job) {
  if (meeting.world_size == 1 || engine_ == nullptr) return;
  const Engine::Hold hold(*engine_);
  for (const auto& [name, transport] : engine_->transports()) transport->admit(meeting.credentials);
}

Admission::~Admission() {
  if (engine_ == nullptr) return;
  const Engine::Hold hold(*engine_);
  for (const auto& [name, transport] : engine_->transports()) transport->dismiss(job_);
}

}  // namespace motet
