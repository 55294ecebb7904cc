#include "communicator/communicator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "base/log.hpp"
#include "communicator/counts.hpp"
#include "device/host/reduce.hpp"

namespace motet {
namespace {

using std::chrono::milliseconds;

// Of a part, where no rank knows how long those of others are: what experts exchange.
constexpr std::size_t usual_bytes = std::size_t{256} << 10;

std::vector<Rank> all_ranks(int world_size) {
  std::vector<Rank> ranks(static_cast<std::size_t>(world_size));
  std::iota(ranks.begin(), ranks.end(), 0);
  return ranks;
}

Context::Setup context_setup(const Job& job, std::uint32_t id, Rank rank,
                             const std::vector<Rank>& job_ranks, Observer* observer) {
  Context::Setup setup{id, rank, {}, observer, job_ranks[static_cast<std::size_t>(rank)]};
  for (const Rank member : job_ranks) {
    setup.links.push_back(job.links[static_cast<std::size_t>(member)]);
  }
  return setup;
}

// "shm:3 tcp:4": how many peers are reached by what.
std::string transports_in_use(const Context& context) {
  std::map<std::string_view, int> peers;
  for (Rank rank = 0; rank < context.world_size(); ++rank) {
    if (const PeerLink* link = context.link(rank)) ++peers[link->transport_name()];
  }
  std::string text;
  for (const auto& [name, count] : peers) {
    text += fmt::format("{}{}:{}", text.empty() ? "" : " ", name, count);
  }
  return text;
}

}  // namespace

Communicator::Communicator(const std::shared_ptr<Job>& job, const Options& options)
    : Communicator(job, options,
                   Place{job->communicator_id, job->rank,
                         all_ranks(static_cast<int>(job->links.size())), job->topology}) {
  job->turn.reset();
}

Communicator::Communicator(std::shared_ptr<Job> job, const Options& options, Place place)
    : job_(std::move(job)),
      options_(options),
      job_ranks_(std::move(place.job_ranks)),
      topology_(std::move(place.topology)),
      // A part of the job's ranks, or others in their order, may be joined otherwise.
      fabric_(job_->fabric && job_ranks_ == all_ranks(job_->fabric->world_size()) ? &*job_->fabric
                                                                                  : nullptr),
      planner_(machine_of(*job_), job_->tuning),
      log_(std::make_shared<CallLog>()),
      context_(*job_->engine, context_setup(*job_, place.id, place.rank, job_ranks_, this)) {
  if (job_->health == nullptr) return;
  job_->health->watch(health_id(), job_ranks_, log_, [this](const Verdict& verdict) {
    const Failure failure{verdict.code, verdict.text};
    if (context_.fail(failure)) log_failure(failure);
  });
}

void Communicator::log_creation() const {
  log(LogLevel::info,
      fmt::format("rank={} event=created communicator={} world_size={} nodes={} transports=\"{}\"",
                  rank(), context_.id(), world_size(), topology_.node_count(),
                  transports_in_use(context_)));
}

Communicator::~Communicator() {
  log_->close();
  if (job_->health != nullptr) job_->health->unwatch(health_id());
  context_.fail({ErrorCode::aborted, "the communicator was destroyed"});
  {
    const Engine::Hold hold(engine());
    context_.end_pending();
  }
  engine().part_with(context_);
  // Operations may hold memory of transports that another thread drives for other communicators.
  const Engine::Hold hold(engine());
  for (Request* request : requests_) request->orphan();
  for (Plan* plan : bound_) plan->orphan();
  plans_.clear();
}

// For the hub, which hears of all communicators of the job: those without a common rank may have
// the same id.
std::uint32_t Communicator::health_id() const {
  static_assert(max_communicator_id < 1U << 14);
  return static_cast<std::uint32_t>(job_ranks_.front()) << 14 | context_.id();
}

// What each rank has to say, by rank.
template <class Word>
std::vector<Word> Communicator::exchange(const Word& mine) {
  std::vector<Word> words(static_cast<std::size_t>(world_size()));
  run({.collective = Collective::allgather,
       .type = DataType::uint8,
       .input = &mine,
       .output = words.data(),
       .count = sizeof(Word)});
  return words;
}

std::uint32_t Communicator::take(Turn& turn) {
  const auto deadline = Deadline::after(milliseconds(options_.setup_timeout_ms));
  const auto tell_all = [this](const Turn::Word& mine) { return exchange(mine); };
  try {
    return turn.take(tell_all, context_.id(), deadline);
  } catch (const Error& error) {
    if (context_.failed()) throw;
    throw Error(error.code(), fmt::format("rank {}: split: {}", rank(), error.what()));
  }
}

std::unique_ptr<Communicator> Communicator::split(int color, int key) {
  struct Wish {
    std::int32_t color, key;
  };
  // When this is over all have come, so that nobody has a turn and waits for who comes later.
  const std::vector<Wish> wishes = exchange(Wish{color, key});
  Place place;
  Turn turn(engine());
  place.id = take(turn);
  if (color < 0) return nullptr;
  std::vector<Rank> members;
  for (Rank other = 0; other < world_size(); ++other) {
    if (wishes[static_cast<std::size_t>(other)].color == color) members.push_back(other);
  }
  std::ranges::stable_sort(members, {},
                           [&](Rank r) { return wishes[static_cast<std::size_t>(r)].key; });
  place.rank = static_cast<Rank>(std::ranges::find(members, rank()) - members.begin());
  place.topology = topology_.subset(members);
  for (const Rank member : members) {
    place.job_ranks.push_back(job_ranks_[static_cast<std::size_t>(member)]);
  }
  std::unique_ptr<Communicator> made(new Communicator(job_, options_, std::move(place)));
  made->log_creation();
  return made;
}

Problem Communicator::problem_for(const Arguments& arguments, Division division,
                                  bool in_place) const {
  return {.topology = topology_,
          .collective = arguments.collective,
          .parts = std::move(division.parts),
          .received = std::move(division.received),
          .lengths = division.lengths,
          .element_bytes = element_bytes(arguments),
          .root = arguments.root,
          .in_place = in_place,
          .commutative = commutes(arguments),
          .determinism = arguments.determinism,
          .params = {},
          .fabric = fabric_};
}

std::string_view Communicator::hint_for(const Arguments& arguments, const Problem& problem) const {
  if (arguments.algorithm != nullptr) return arguments.algorithm->name;
  if (options_.algorithm.empty()) return {};
  const Algorithm* forced = find_algorithm(problem.collective, options_.algorithm);
  return forced != nullptr && forced->supports(problem) ? forced->name : std::string_view();
}

Choice Communicator::choose(const Arguments& asked, Problem agreed) const {
  agreed.in_place = false;  // ranks may differ in it
  Choice choice =
      planner_.choose(agreed, {.algorithm = hint_for(asked, agreed), .type = asked.type});
  choice.block_bytes =
      std::min(choice.block_bytes, static_cast<std::size_t>(options_.block_kib) * 1024);
  return choice;
}

// By what all ranks know: not by lengths that only the ends do.
Choice Communicator::choose_uneven(const Arguments& asked, const Problem& problem) {
  const bool all_know = problem.lengths == Lengths::known_to_all;
  const Shape shape = all_know ? shape_of(problem.parts) : Shape{};
  const ChoiceKey key{.collective = asked.collective,
                      .type = asked.type,
                      .determinism = asked.determinism,
                      .root = asked.root,
                      .algorithm = asked.algorithm,
                      .element_bytes = problem.element_bytes,
                      .commutative = problem.commutative,
                      .parts = shape.parts,
                      .longest = shape.longest};
  {
    const Engine::Hold hold(engine());
    if (const Choice* const known = choices_.find(key)) return *known;
  }
  const std::size_t usual = usual_bytes / problem.element_bytes;
  Division division =
      all_know ? shape.division(world_size()) : even_division_of(asked, usual, world_size());
  const Choice choice = choose(asked, problem_for(asked, std::move(division), false));
  const Engine::Hold hold(engine());
  return choices_.add(key, choice);
}

CallRecord Communicator::record_of(const Arguments& arguments) const {
  return to_record(arguments, next_sequence(), rank(), world_size());
}

Program Communicator::make_program(const Arguments& arguments, const Extent& extent) {
  // A barrier has no elements; its messages have one.
  Arguments asked = arguments;
  if (asked.collective == Collective::barrier) asked.type = DataType::uint8;
  Problem problem = problem_for(asked, division_of(asked, rank(), world_size()), extent.in_place);
  const Choice choice = asked.is_uneven() ? choose_uneven(asked, problem) : choose(asked, problem);
  log(LogLevel::debug,
      fmt::format("rank={} event=planned communicator={} call=\"{}\" algorithm={}", rank(),
                  context_.id(), to_text(record_of(arguments)), choice.algorithm->name));
  problem.params = choice.params;
  const Schedule schedule = build_schedule(*choice.algorithm, problem, rank());
  std::vector<PeerLink*> links;
  links.reserve(static_cast<std::size_t>(world_size()));
  for (Rank peer = 0; peer < world_size(); ++peer) links.push_back(context_.link(peer));
  const bool multiplies = reduces(asked.collective) && asked.op == ReduceOp::premul_sum;
  const bool averages = reduces(asked.collective) && asked.op == ReduceOp::avg;
  return lower({.schedule = schedule,
                .links = links,
                .element_bytes = problem.element_bytes,
                .block_bytes = choice.block_bytes,
                .reading = asked.is_uneven() ? reading_for(problem) : choice.reading,
                .output_count = extent.output,
                .kernel = reduces(asked.collective) ? reduce_kernel(asked.op, asked.type) : nullptr,
                .divide = averages && extent.output > 0 ? divide_kernel(asked.type) : nullptr,
                .divisor = world_size(),
                .multiply = multiplies && !extent.in_place ? multiply_kernel(asked.type) : nullptr,
                .fingerprint = fingerprint(arguments, record_of(arguments), choice),
                .tells_lengths = problem.lengths == Lengths::known_to_ends,
                .blockwise = options_.blockwise,
                .algorithm = std::string(choice.algorithm->name)});
}

std::uint64_t Communicator::next_sequence() const {
  const Engine::Hold hold(*job_->engine);
  return context_.next_sequence();
}

void Communicator::check_not_failed(const Arguments& arguments) const {
  if (!context_.failed()) return;
  check_words(arguments, rank(), world_size());  // before they are quoted
  const CallRecord record = record_of(arguments);
  throw failure_of(&record);
}

void Communicator::progress() {
  job_->engine->progress();
  for (const auto& engine : engines_of_this_thread()) {
    if (engine != job_->engine) engine->progress();
  }
}

bool Communicator::has_arrived(Rank peer) {
  check_words({.collective = Collective::recv, .root = peer}, rank(), world_size());
  check_failure();
  progress();
  const Engine::Hold hold(engine());
  return context_.has_arrived(peer);
}

Engine::Patience Communicator::patience_for(const Arguments& arguments) const {
  const int timeout_ms = arguments.timeout_ms > 0 ? arguments.timeout_ms : options_.timeout_ms;
  return {.timeout = milliseconds(timeout_ms), .interruption = arguments.interruption};
}

void Communicator::abort(const std::string& reason) {
  const Failure failure{ErrorCode::aborted,
                        fmt::format("rank {} aborted the communicator{}{}", rank(),
                                    reason.empty() ? "" : ": ", reason)};
  if (context_.fail(failure)) report_failure(failure);
}

void Communicator::check_failure() const {
  if (context_.failed()) throw failure_of(nullptr);
}

Error Communicator::failure_of(const CallRecord* record) const {
  const Failure cause = context_.failure();
  const std::string call =
      record == nullptr ? std::string("the communicator is aborted") : to_text(*record);
  // The cause names ranks by their numbers in the job.
  const Rank in_job = job_ranks_[static_cast<std::size_t>(rank())];
  const std::string me = in_job == rank() ? std::to_string(rank())
                                          : fmt::format("{} (rank {} of the job)", rank(), in_job);
  return {cause.code, fmt::format("rank {}: {}: {}", me, call, cause.text)};
}

std::string_view Communicator::transport_to(Rank peer) const {
  const PeerLink* link = context_.link(peer);
  return link == nullptr ? std::string_view("self") : link->transport_name();
}

const std::string& Communicator::last_algorithm() {
  static const std::string none;
  const Engine::Hold hold(engine());
  const CachedPlan* const latest = plans_.latest();
  return latest == nullptr ? none : latest->program().algorithm;
}

Expectation Communicator::expect(const Arguments& arguments) {
  check_words(arguments, rank(), world_size());
  Arguments asked = arguments;
  if (asked.collective == Collective::barrier) asked.type = DataType::uint8;
  // Whatever stands there where no root is asked for.
  if (!has_root(asked.collective) && !is_point_to_point(asked.collective)) asked.root = 0;
  const Problem problem =
      problem_for(asked, even_division_of(asked, asked.count, world_size()), false);
  Hint hint{.algorithm = hint_for(asked, problem), .type = asked.type};
  if (asked.is_uneven()) hint.algorithm = choose_uneven(asked, problem).algorithm->name;
  return planner_.expect(problem, hint);
}

std::string Communicator::explain(const Arguments& arguments) const {
  check_words(arguments, rank(), world_size());
  const bool is_usual = arguments.is_uneven() && !all_know_counts(arguments.collective);
  const std::size_t count =
      is_usual ? usual_bytes / element_bytes(arguments.type) : arguments.count;
  const Problem problem =
      problem_for(arguments, even_division_of(arguments, count, world_size()), false);
  return planner_.explain(problem, arguments.type);
}

SharedMemory& Communicator::shared_memory() {
  SharedMemory* memory = engine().shared_memory();
  if (memory == nullptr) {
    throw Error(ErrorCode::unavailable,
                fmt::format("rank {}: no transport in use shares memory", rank()));
  }
  return *memory;
}

void* Communicator::allocate_memory(std::size_t bytes) {
  const Engine::Hold hold(engine());
  return shared_memory().allocate(bytes);
}

void Communicator::free_memory(void* memory) {
  const Engine::Hold hold(engine());
  shared_memory().free(memory);
}

void Communicator::register_memory(void* memory, std::size_t bytes, int descriptor,
                                   std::uint64_t offset) {
  const Engine::Hold hold(engine());
  if (descriptor >= 0) return shared_memory().add(memory, bytes, descriptor, offset);
  unreachable_memory_.insert(memory);
}

void Communicator::deregister_memory(void* memory) {
  const Engine::Hold hold(engine());
  const auto unreachable = unreachable_memory_.find(memory);
  if (unreachable == unreachable_memory_.end()) return shared_memory().remove(memory);
  unreachable_memory_.erase(unreachable);
}

void Communicator::report_wait(std::uint64_t sequence) {
  if (job_->health != nullptr) job_->health->report_wait(health_id(), sequence);
}

std::string Communicator::where_is_everybody(std::uint64_t sequence) {
  if (job_->health == nullptr) return {};
  return job_->health->where_is_everybody(health_id(), sequence,
                                          Deadline::after(milliseconds(500)));
}

void Communicator::log_failure(const Failure& failure) const {
  log(LogLevel::info, fmt::format("rank={} event=failed communicator={} cause=\"{}\"", rank(),
                                  context_.id(), failure.text));
}

void Communicator::report_failure(const Failure& failure) {
  log_failure(failure);
  if (job_->health != nullptr) {
    job_->health->report_failure(health_id(), {failure.code, failure.text});
  }
}

}  // namespace motet
