// A group of ranks that make the same calls in the same order. Checks arguments, plans, runs, and
// turns failures into errors that name rank, peer and call.
//
// Several threads may make calls at the same time; those that start collectives must agree among
// themselves on an order that is the same on all ranks. It is destroyed by one thread, when no
// other is inside a call. What calls share is used with the engine held, which they hold anyway.
#pragma once

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "communicator/arguments.hpp"
#include "communicator/choice_cache.hpp"
#include "communicator/completion.hpp"
#include "communicator/job.hpp"
#include "communicator/plan.hpp"
#include "communicator/plan_cache.hpp"
#include "execute/context.hpp"
#include "planner/planner.hpp"

namespace motet {

class Communicator;

// A call under way.
struct Started {
  std::unique_ptr<Operation> operation;
  CachedPlan* plan = nullptr;  // of the communicator
  Operation::Way way{};        // that it goes
  bool is_tried = false;       // how long that takes matters

  CallRecord record() const { return plan->record(operation->call().sequence); }
};

// A call that was started and has not been waited for. A plan's serves one start after the other.
class Request {
 public:
  // Drives progress until the call is over, of the company too. Throws Error: why it failed.
  void wait(const Engine::Company& company = engines_of_this_thread());
  // Drives progress a little. True if it is over. Throws as wait() does.
  bool test();
  ~Request();
  Request(const Request&) = delete;

 private:
  friend class Communicator;
  friend class Plan;
  struct State {
    Started call;
    Engine::Patience patience;
  };
  Request(Communicator& communicator, State state, Plan* plan = nullptr);

  void begin(State state);
  void note_over();

  // The communicator goes first.
  void orphan();

  // Null once the communicator has gone; then there is no operation either.
  Communicator* communicator_;
  Plan* plan_;  // that it belongs to, or null
  State state_;
  std::string lost_;  // the call, when the communicator has gone
};

class Communicator final : private Observer {
 public:
  // All ranks of a job.
  Communicator(const std::shared_ptr<Job>& job, const Options& options);
  ~Communicator() override;
  Communicator(const Communicator&) = delete;

  // Null for a negative colour. Collective.
  std::unique_ptr<Communicator> split(int color, int key);

  // Blocks until the call is over. Throws Error.
  void run(const Arguments& arguments);
  void run_uneven(const Arguments& arguments);  // v-forms
  // Whether run() and start() would take it; plans it. Throws Error as they do.
  void expect_to_start(const Arguments& arguments);
  // Starts it. The buffers stay untouched until the request is done. Throws
  // Error{invalid_argument}, or the first cause of an earlier failure.
  std::unique_ptr<Request> start(const Arguments& arguments, OnDone on_done = {});
  // Likewise, without a request: on_done is all that is heard of it.
  void start_unattended(const Arguments& arguments, OnDone on_done);
  // Does all of it but making the call, and asks nobody. Throws as start() does.
  std::unique_ptr<Plan> bind(const Arguments& arguments);
  void progress();
  // Whether the message that the next recv from `peer` will get has begun to come; moves what can
  // be moved. Throws Error.
  bool has_arrived(Rank peer);

  void abort(const std::string& reason);
  // Throws the first cause if the communicator is aborted.
  void check_failure() const;

  void log_creation() const;

  Rank rank() const { return context_.rank(); }
  int world_size() const { return context_.world_size(); }
  const Topology& topology() const { return topology_; }
  std::string_view transport_to(Rank peer) const;
  // Of the last call on this rank; "" before the first. Valid until the next call.
  const std::string& last_algorithm();
  // Of these, what planning needs; throw Error{invalid_argument}.
  Expectation expect(const Arguments& arguments);
  std::string explain(const Arguments& arguments) const;
  Engine& engine() { return *job_->engine; }
  std::shared_ptr<Engine> shared_engine() const { return job_->engine; }
  // For another one that shares the engine.
  Opened opened() const { return {job_->engine, job_->wanted, job_->missing}; }

  // Memory that ranks of the node reach. Throw Error{unavailable} if no transport in use shares
  // memory, Error{system} and Error{invalid_argument}.
  void* allocate_memory(std::size_t bytes);
  void free_memory(void* memory);
  // Memory without a descriptor (-1) cannot be reached by other processes; it is only remembered.
  // Throw Error{invalid_argument}.
  void register_memory(void* memory, std::size_t bytes, int descriptor, std::uint64_t offset);
  void deregister_memory(void* memory);

 private:
  friend class Request;
  friend class Plan;
  struct Place {
    std::uint32_t id = 0;
    Rank rank = 0;
    std::vector<Rank> job_ranks;  // members, in the order of their ranks here
    Topology topology = Topology::single_node(1);
  };
  Communicator(std::shared_ptr<Job> job, const Options& options, Place place);

  std::uint32_t health_id() const;
  SharedMemory& shared_memory();
  std::uint64_t next_sequence() const;
  template <class Use>
  auto with_plan(const Arguments& arguments, Use&& use);
  template <class Word>
  std::vector<Word> exchange(const Word& mine);
  std::uint32_t take(Turn& turn);
  std::string_view hint_for(const Arguments& arguments, const Problem& problem) const;
  Program make_program(const Arguments& arguments, const Extent& extent);
  Problem problem_for(const Arguments& arguments, Division division, bool in_place) const;
  Choice choose(const Arguments& asked, Problem agreed) const;
  Choice choose_uneven(const Arguments& asked, const Problem& problem);
  CallRecord record_of(const Arguments& arguments) const;
  void prepare(const Arguments& arguments);
  Started launch(CachedPlan& plan, const Arguments& arguments);
  Request::State begin(CachedPlan& plan, const Arguments& arguments, OnDone on_done = {});
  void run_planned(CachedPlan& plan, const Arguments& arguments);
  [[gnu::always_inline]] inline bool run_short(CachedPlan& plan, const Arguments& arguments,
                                               Form form, Operation*& rest);
  // What run() does when it is not over at once; apart from it, so that it stays short.
  [[gnu::noinline]] void run_at_length(const Arguments& arguments);
  [[gnu::noinline]] void run_through(CachedPlan& plan, const Arguments& arguments);
  void wait_for(Started& started, const Arguments& arguments);
  [[gnu::noinline]] void run_rest(CachedPlan& plan, const Arguments& arguments,
                                  Operation* operation);
  [[gnu::noinline]] Operation* resume(CachedPlan& plan, const Arguments& arguments,
                                      const ShortStep* next);
  void see_through(Started started, const Arguments& arguments);
  void finish(Started started, const Arguments& arguments);
  void check_not_failed(const Arguments& arguments) const;
  void end(Started& started, Clock::duration took = {});
  Engine::Patience patience_for(const Arguments& arguments) const;
  std::unique_ptr<Completion> completion_for(const Started& started, OnDone on_done) const;
  // record null: of the communicator, not of a call.
  Error failure_of(const CallRecord* record) const;

  void report_wait(std::uint64_t sequence) override;
  std::string where_is_everybody(std::uint64_t sequence) override;
  void report_failure(const Failure& failure) override;
  void log_failure(const Failure& failure) const;

  std::shared_ptr<Job> job_;
  Options options_;
  std::vector<Rank> job_ranks_;
  Topology topology_;
  const Fabric* fabric_;  // the job's; null where these ranks' is not known
  Planner planner_;
  std::shared_ptr<CallLog> log_;
  PlanCache plans_;
  ChoiceCache choices_;
  std::multiset<const void*> unreachable_memory_;  // registered without a descriptor
  std::vector<Request*> requests_;                 // outstanding
  std::vector<Plan*> bound_;                       // that users hold
  Context context_;                                // dies first: it ends what is outstanding
};

}  // namespace motet
