#include "ranks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <numeric>
#include <ostream>
#include <stdexcept>
#include <thread>

#include "algorithms/list.hpp"
#include "base/deadline.hpp"
#include "base/log.hpp"
#include "reading_transport.hpp"
#include "transport/fault/fault_transport.hpp"

namespace motet::test {
namespace {

const TransportInfo& transport_of(const std::string& name) {
  return *std::ranges::find(transports(), name, &TransportInfo::name);
}

// LeakSanitizer crashes when it looks at a process in which UCX has run.
std::atomic<bool> ucx_has_run = false;

std::unique_ptr<Transport> open(const Network& network, Rank rank, const Identity& identity) {
  if (network.transport == "ucx") ucx_has_run = true;
  TransportOptions options = network.options;
  options.engine = identity;
  options.reads_at_any_price = true;
  options.name = fmt::format("rank {}", rank);
  auto transport = transport_of(network.transport).open(options);
  if (network.reads) {
    transport = std::make_unique<ReadingTransport>(std::move(transport),
                                                   static_cast<std::uint64_t>(rank) << 32U);
  }
  if (network.fault.empty()) return transport;
  set_log_level(LogLevel::error);  // each plan is logged as a warning
  FaultPlan plan = parse_fault_plan(network.fault);
  plan.seed = plan.seed * 101 + static_cast<std::uint64_t>(rank);
  return inject_faults(std::move(transport), plan, options.name);
}

// Faults need progress() to be seen, as networks do.
std::string link_name(const Network& network) {
  return network.fault.empty() ? network.transport : "fault_" + network.transport;
}

std::vector<Engine::NamedTransport> transports_of(const Network& network, Rank rank,
                                                  const Identity& identity) {
  std::vector<Engine::NamedTransport> opened;
  opened.push_back({link_name(network), open(network, rank, identity)});
  return opened;
}

std::vector<PeerLink*> links_of(const RankEngine& rank, const std::vector<Rank>& members) {
  std::vector<PeerLink*> links;
  links.reserve(members.size());
  for (const Rank member : members) links.push_back(rank.link(member));
  return links;
}

Parts parts_of(const Ask& ask, int size) {
  switch (ask.collective) {
    case Collective::allgather:
    case Collective::reduce_scatter:
    case Collective::alltoall:
    case Collective::gather:
    case Collective::scatter:
      return Parts::uniform(ask.count, size);
    default:
      return Parts::even(ask.count, size);
  }
}

// Equal at both ends of every message of a call, different from calls that differ in anything.
std::uint32_t fingerprint_of(const Ask& ask) {
  const bool direct = is_point_to_point(ask.collective);
  std::uint64_t hash = direct ? 99 : static_cast<std::uint64_t>(ask.collective);
  for (const std::uint64_t word :
       {static_cast<std::uint64_t>(ask.type), direct ? 0 : static_cast<std::uint64_t>(ask.root),
        static_cast<std::uint64_t>(ask.count)}) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;
  }
  return static_cast<std::uint32_t>(hash >> 32);
}

// Pairs share a node where that comes out even, so that there is a hierarchy.
Topology topology_of(std::size_t size) {
  std::vector<int> node_of(size);
  for (std::size_t i = 0; i < size; ++i) node_of[i] = size % 2 == 0 ? static_cast<int>(i / 2) : 0;
  return Topology::from_nodes(node_of);
}

Problem problem_of(const Ask& ask, const Topology& topology) {
  const bool barrier = ask.collective == Collective::barrier;  // its messages have one byte
  return {.topology = topology,
          .collective = ask.collective,
          .parts = parts_of(ask, topology.world_size()),
          .element_bytes = element_bytes(barrier ? DataType::uint8 : ask.type),
          .root = ask.root,
          .in_place = ask.in_place,
          .params = ask.params};
}

const Algorithm& algorithm_for(const Ask& ask, const Problem& problem) {
  for (const Algorithm* algorithm : algorithms_for(ask.collective)) {
    const bool named = ask.algorithm.empty() || ask.algorithm == algorithm->name;
    if (named && algorithm->supports(problem)) return *algorithm;
  }
  throw std::runtime_error(fmt::format("no algorithm \"{}\"", ask.algorithm));
}

}  // namespace

// Its question, before it looks for leaks.
extern "C" [[gnu::visibility("default")]] int __lsan_is_turned_off() {
  return ucx_has_run ? 1 : 0;
}

std::vector<std::string> available(std::vector<std::string> transports) {
  std::erase_if(transports, [](const std::string& name) {
    return !transport_of(name).unavailable_because().empty();
  });
  return transports;
}

std::ostream& operator<<(std::ostream& out, const Network& network) {
  return out << link_name(network);
}

Network tiny(Network network) {
  network.options.slots = 1;
  network.options.block_bytes = 1024;
  network.options.ring_lines = 4;
  network.options.ring_bytes = 256;
  network.block_bytes = 1024;
  return network;
}

std::ostream& operator<<(std::ostream& out, const Ask& ask) {
  return out << fmt::format("{} {} of {} x {} root {}{} block {} chunks {} mover {}", ask.algorithm,
                            name(ask.collective), ask.count, name(ask.type), ask.root,
                            ask.in_place ? " in place" : "", ask.block_bytes, ask.params.chunks,
                            static_cast<int>(ask.params.mover));
}

bool supports(const Algorithm& algorithm, const Ask& ask, int size) {
  const Topology topology = topology_of(static_cast<std::size_t>(size));
  return algorithm.supports(problem_of(ask, topology));
}

std::vector<Rank> everybody(int n) {
  std::vector<Rank> ranks(static_cast<std::size_t>(n));
  std::iota(ranks.begin(), ranks.end(), 0);
  return ranks;
}

// ---- RankEngine

RankEngine::RankEngine(const Network& network, Rank rank, int world_size,
                       const Credentials& credentials)
    : network_(network),
      rank_(rank),
      credentials_(credentials),
      endpoints_(static_cast<std::size_t>(world_size)),
      links_(static_cast<std::size_t>(world_size)) {
  const Identity identity = Identity::random();
  engine_ = std::make_unique<Engine>(identity, transports_of(network, rank, identity));
  engine_->transports().front().transport->admit(credentials);
  engine_->share_cores(world_size, static_cast<int>(std::thread::hardware_concurrency()));
}

Card RankEngine::card() const {
  return {engine_->identity(), engine_->transports().front().transport->address()};
}

void RankEngine::connect(const std::vector<Card>& cards) {
  const Engine::Hold hold(*engine_);
  cards_ = cards;
  for (std::size_t peer = 0; peer < cards.size(); ++peer) {
    if (static_cast<Rank>(peer) == rank_) continue;
    endpoints_[peer] = engine_->transports().front().transport->connect(
        {cards[peer].address, cards[peer].engine, fmt::format("rank {}", peer), credentials_});
  }
}

bool RankEngine::connected() {
  engine_->progress();
  for (const auto& endpoint : endpoints_) {
    if (endpoint == nullptr) continue;
    if (endpoint->state() == Endpoint::State::failed) throw std::runtime_error(endpoint->failure());
    if (endpoint->state() == Endpoint::State::connecting) return false;
  }
  return true;
}

void RankEngine::make_links() {
  Transport& transport = *engine_->transports().front().transport;
  const Engine::Hold hold(*engine_);
  for (std::size_t peer = 0; peer < endpoints_.size(); ++peer) {
    if (endpoints_[peer] == nullptr) continue;
    links_[peer] = engine_->add_link(
        cards_[peer].engine,
        std::make_unique<PeerLink>(fmt::format("rank {}", peer), link_name(network_), transport,
                                   std::move(endpoints_[peer])));
  }
}

// ---- Call

Call::Call(Comm& comm, std::unique_ptr<Operation> operation)
    : comm_(&comm), operation_(std::move(operation)) {}

Call::~Call() {
  if (operation_ == nullptr) return;
  const Engine::Hold hold(comm_->engine());
  if (operation_->phase < Operation::Phase::done) comm_->context().adopt(std::move(operation_));
}

void Call::wait() {
  comm_->engine().wait(comm_->context(), *operation_, {.timeout = patience});
  expect_success();
}

bool Call::test() {
  if (!comm_->engine().advance(comm_->context(), *operation_, patience_)) return false;
  expect_success();
  return true;
}

void Call::expect_success() const {
  if (operation_->phase == Operation::Phase::done) return;
  throw std::runtime_error(fmt::format("communicator {} rank {}: {}", comm_->context().id(),
                                       comm_->rank(), comm_->context().failure().text));
}

// ---- Comm

Comm::Comm(RankEngine& rank, std::uint32_t id, std::vector<Rank> members)
    : owner_(rank),
      members_(std::move(members)),
      rank_(static_cast<Rank>(std::ranges::find(members_, rank.rank()) - members_.begin())),
      topology_(topology_of(members_.size())),
      context_(rank.engine(), {id, rank_, links_of(rank, members_), nullptr}) {
  rank.engine().use_communicator_id(id);
}

std::shared_ptr<const Program> Comm::program(const Ask& ask) const {
  const Problem problem = problem_of(ask, topology_);
  const Schedule schedule = build_schedule(algorithm_for(ask, problem), problem, rank_);
  const Network& network = owner_.network();
  return std::make_shared<const Program>(
      lower({.schedule = schedule,
             .links = links_of(owner_, members_),
             .element_bytes = problem.element_bytes,
             .block_bytes = ask.block_bytes == 0 ? network.block_bytes : ask.block_bytes,
             .reading = network.reads ? Reading::likely : Reading::never,
             .kernel = reduces(ask.collective) ? reduce_kernel(ReduceOp::sum, ask.type) : nullptr,
             .fingerprint = fingerprint_of(ask),
             .blockwise = network.blockwise,
             .algorithm = std::string(ask.algorithm)}));
}

Call Comm::start(const Ask& ask, const void* input, void* output) {
  auto operation = std::make_unique<Operation>(program(ask));
  operation->go({.past_caches = owner_.network().past_caches});
  const Engine::Hold hold(engine());
  context_.start(
      *operation, {input, output},
      {is_point_to_point(ask.collective) ? ask.root : -1, ask.collective == Collective::recv});
  return {*this, std::move(operation)};
}

// ---- World

World::World(const Network& network, int ranks) {
  const auto credentials = Credentials::from_secret(random_secret());
  std::vector<Card> cards;
  for (Rank rank = 0; rank < ranks; ++rank) {
    ranks_.push_back(std::make_unique<RankEngine>(network, rank, ranks, credentials));
    cards.push_back(ranks_.back()->card());
  }
  for (const auto& rank : ranks_) rank->connect(cards);
  const Deadline deadline = Deadline::after(patience);
  for (bool ready = false; !ready;) {
    if (deadline.passed()) throw std::runtime_error("ranks do not connect");
    ready = true;
    for (const auto& rank : ranks_) ready &= rank->connected();
    if (!ready) std::this_thread::yield();
  }
  for (const auto& rank : ranks_) rank->make_links();
}

void World::run(const std::function<void(RankEngine&)>& body) {
  std::vector<std::exception_ptr> problems(ranks_.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < ranks_.size(); ++i) {
    threads.emplace_back([&, i] {
      try {
        body(*ranks_[i]);
      } catch (...) {
        problems[i] = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& problem : problems) {
    if (problem != nullptr) std::rethrow_exception(problem);
  }
}

}  // namespace motet::test
