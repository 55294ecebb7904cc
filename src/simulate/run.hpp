// Runs a workload on links of one kind: what each step waits for, the processor of each rank, and
// the two ends of each message. The rules are those of execute/operation.hpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "simulate/events.hpp"
#include "simulate/links.hpp"
#include "simulate/simulate.hpp"

namespace motet {

// Seconds that a rank's processor works.
struct ProcessorCost {
  double per_copied_byte = 0;
  double per_reduced_byte = 0;
  double per_block = 0;  // of any step
};

struct RunResult {
  std::vector<double> finish;  // by simulated rank
  std::uint64_t messages = 0;  // blocks
  std::vector<Activity> timeline;
  bool complete = false;  // false: steps wait for each other for ever
};

template <class Links>
class Run {
 public:
  Run(const Ports& ports, const Workload& work, const TieBreaker& ties, const ProcessorCost& cost)
      : ports_(ports),
        work_(work),
        cost_(cost),
        links_(ports, work, ties, events_),
        states_(work.step_count()),
        streams_(work.streams.size()),
        arrived_(work.messages.size(), 0),
        busy_until_(work.first_step.size() - 1, 0),
        open_steps_(work.step_count()) {
    for (std::uint32_t step = 0; step < states_.size(); ++step) {
      states_[step].missing = work.missing[step];
    }
    result_.finish.resize(busy_until_.size(), 0);
  }

  RunResult run(bool with_timeline) {
    with_timeline_ = with_timeline;
    if (with_timeline_) begin_.resize(states_.size(), 0);
    for (std::uint32_t step = 0; step < states_.size(); ++step) {
      attempt(step, 0);
      attempt_waiting(0);
    }
    for (;;) {
      if (links_.must_settle()) {
        links_.settle();
        continue;
      }
      if (events_.empty()) break;
      const Event event = events_.pop();
      fetch_upcoming();
      handle(event);
      attempt_waiting(event.time);
    }
    result_.complete = open_steps_ == 0;
    return std::move(result_);
  }

  const LinkMeter& meter() const { return links_.meter(); }

 private:
  enum class Phase : std::uint8_t {
    idle,
    posted,  // of a rendezvous: ready for the other end
    busy
  };
  struct State {
    std::uint32_t done = 0;     // blocks
    std::uint32_t missing = 0;  // whole dependencies that are not done
    Phase phase = Phase::idle;
  };
  struct StreamState {
    std::uint32_t sent = 0, received = 0;  // whole messages
  };

  void handle(const Event& event) {
    const double now = event.time;
    switch (event.kind) {
      case EventKind::worked:
        return complete_block(event.subject, now);
      case EventKind::met:
        return launch(event.subject, now);
      case EventKind::injected:
        return inject(event.subject, now);
      case EventKind::taken:
        return take(event.subject, now);
      case EventKind::arrived:
        return arrive(event.subject, now);
      case EventKind::hop:
        if constexpr (requires { links_.go_on(0, 0.0); }) links_.go_on(event.subject, now);
        return;
      case EventKind::flowed:
        if constexpr (requires { links_.end(0, 0.0); }) links_.end(event.subject, now);
        return;
    }
  }

  // Thousands of ranks do not fit into the caches, and each event is of another rank: what the
  // coming ones need is asked for while others are handled, first the messages, then their steps.
  void fetch_upcoming() const {
    constexpr std::size_t far = 16, near = 8;
    if (const Event* const event = message_event(far); event != nullptr) {
      __builtin_prefetch(&work_.messages[event->subject]);
      __builtin_prefetch(&arrived_[event->subject]);
    }
    const Event* const event = message_event(near);
    if (event == nullptr) return;
    const WorkMessage& message = work_.messages[event->subject];
    const std::uint32_t step = event->kind == EventKind::arrived ? message.recv : message.send;
    __builtin_prefetch(&streams_[message.stream]);
    // What waits for a step mostly stands close behind it.
    for (const std::uint32_t place : {step, std::min(step + 2, work_.step_count() - 1)}) {
      __builtin_prefetch(&work_.steps[place]);
      __builtin_prefetch(&states_[place]);
    }
  }
  const Event* message_event(std::size_t after) const {
    const Event* const event = events_.upcoming(after);
    if (event == nullptr) return nullptr;
    return event->kind == EventKind::arrived || event->kind == EventKind::taken ? event : nullptr;
  }

  void attempt_waiting(double now) {
    for (std::size_t i = 0; i < waiting_.size(); ++i) attempt(waiting_[i], now);
    waiting_.clear();
  }

  bool may_advance(std::uint32_t step) const {
    const State& state = states_[step];
    if (state.missing != 0 || state.phase != Phase::idle) return false;
    const std::uint32_t blocks = work_.steps[step].blocks;
    if (state.done == blocks) return false;
    if (blocks == 1) return true;  // it has whole dependencies alone
    const auto is_done = [&](std::uint32_t on) { return states_[on].done > state.done; };
    return std::ranges::all_of(work_.blockwise_of(step), is_done);
  }

  // Starts on the step's next block if nothing is in the way.
  void attempt(std::uint32_t number, double now) {
    if (!may_advance(number)) return;
    const WorkStep& step = work_.steps[number];
    switch (step.op) {
      case Op::copy:
      case Op::reduce:
        if (with_timeline_) begin_[number] = std::max(now, busy_until_[step.rank]);
        return work(number, per_byte(step.op), now);
      case Op::send:
        if (number_in_stream(step.message) != stream_of(step.message).sent) return;
        if (step.rendezvous) return post(number, work_.messages[step.message].recv, now);
        states_[number].phase = Phase::busy;
        return launch(step.message, now);
      case Op::recv:
      case Op::recv_reduce:
        if (!may_receive(number)) return;
        if (step.rendezvous) return post(number, work_.messages[step.message].send, now);
        if (arrived_[step.message] > states_[number].done) receive(number, now, now);
    }
  }

  void post(std::uint32_t step, std::uint32_t other_end, double now) {
    states_[step].phase = Phase::posted;
    if (states_[other_end].phase != Phase::posted) return;
    states_[step].phase = states_[other_end].phase = Phase::busy;
    const std::uint32_t message = work_.steps[step].message;
    // Not at once: both ranks do first what else they do now, whichever was looked at first.
    events_.push({now, meeting_key(work_.messages[message].send), message, EventKind::met});
  }

  // The sender hands over a block.
  void launch(std::uint32_t message, double now) {
    ++result_.messages;
    const std::uint32_t send = work_.messages[message].send;
    if (cost_.per_block == 0) return inject(message, now);
    double& free = busy_until_[work_.steps[send].rank];
    free = std::max(free, now) + cost_.per_block;
    events_.push({free, rank_key(send, EventKind::injected), message, EventKind::injected});
  }

  void inject(std::uint32_t message, double now) {
    const std::uint32_t send = work_.messages[message].send;
    if (with_timeline_) begin_[send] = now;
    links_.start(message, bytes_now(send), now);
  }

  void take(std::uint32_t message, double now) {
    const std::uint32_t send = work_.messages[message].send;
    if (with_timeline_ && Links::queues) begin_[send] = now - duration(message);
    if (!work_.steps[send].rendezvous) complete_block(send, now);
  }

  void arrive(std::uint32_t message, double now) {
    ++arrived_[message];
    const auto [send, recv, stream] = work_.messages[message];
    if (!work_.steps[send].rendezvous && !may_receive(recv)) return;
    const double begin = with_timeline_ ? now - duration(message) : now;
    if (work_.steps[send].rendezvous) complete_block(send, now);
    receive(recv, begin, now);
  }

  bool may_receive(std::uint32_t step) const {
    const std::uint32_t message = work_.steps[step].message;
    return may_advance(step) && number_in_stream(message) == stream_of(message).received;
  }

  void receive(std::uint32_t step, double begin, double now) {
    if (with_timeline_) begin_[step] = begin;
    work(step, per_byte(work_.steps[step].op), now);
  }

  // For which the block under way is on its slowest link.
  double duration(std::uint32_t message) const {
    const WorkMessage& ends = work_.messages[message];
    return slowest(ports_, work_.route_of(work_.streams[ends.stream]), bytes_now(ends.recv));
  }

  // The rank's processor does a block.
  void work(std::uint32_t step, double per_byte, double now) {
    const double cost = cost_.per_block + (per_byte > 0 ? per_byte * bytes_now(step) : 0);
    if (cost == 0) return complete_block(step, now);
    states_[step].phase = Phase::busy;
    double& free = busy_until_[work_.steps[step].rank];
    free = std::max(free, now) + cost;
    events_.push({free, rank_key(step, EventKind::worked), step, EventKind::worked});
  }

  void complete_block(std::uint32_t number, double now) {
    State& state = states_[number];
    const WorkStep& step = work_.steps[number];
    if (with_timeline_) note(number, now);
    state.phase = Phase::idle;
    const bool complete = ++state.done == step.blocks;
    if (complete) {
      complete_step(step, now);
    } else {
      waiting_.push_back(number);
    }
    for (const Waiter& waiter : work_.waiters_of(number)) {
      const bool allowed =
          waiter.blockwise() || (complete && --states_[waiter.step()].missing == 0);
      if (allowed) waiting_.push_back(waiter.step());
    }
  }

  void complete_step(const WorkStep& step, double now) {
    --open_steps_;
    double& finish = result_.finish[step.rank];
    finish = std::max(finish, now);
    if (step.op == Op::copy || step.op == Op::reduce) return;
    const bool sends = step.op == Op::send;
    StreamState& stream = stream_of(step.message);
    ++(sends ? stream.sent : stream.received);
    const MessageStream& its = work_.streams[work_.messages[step.message].stream];
    const std::uint32_t next = step.message + 1;
    if (next == its.first_message + its.message_count) return;
    waiting_.push_back(sends ? work_.messages[next].send : work_.messages[next].recv);
  }

  void note(std::uint32_t number, double now) {
    const WorkStep& step = work_.steps[number];
    Activity activity{.rank = static_cast<Rank>(step.rank),
                      .step = number - work_.first_step[step.rank],
                      .block = states_[number].done,
                      .op = step.op,
                      .begin = Seconds(begin_[number]),
                      .end = Seconds(now)};
    if (step.op != Op::copy && step.op != Op::reduce) {
      const MessageStream& stream = work_.streams[work_.messages[step.message].stream];
      activity.peer = step.op == Op::send ? stream.sends_to : stream.hears_of;
      activity.tier = stream.tier;
    }
    result_.timeline.push_back(activity);
  }

  double per_byte(Op op) const {
    if (op == Op::copy) return cost_.per_copied_byte;
    return op == Op::reduce || op == Op::recv_reduce ? cost_.per_reduced_byte : 0;
  }
  double bytes_now(std::uint32_t step) const {
    return work_.bytes_of(work_.steps[step], states_[step].done);
  }
  StreamState& stream_of(std::uint32_t message) { return streams_[work_.messages[message].stream]; }
  const StreamState& stream_of(std::uint32_t message) const {
    return streams_[work_.messages[message].stream];
  }
  std::uint32_t number_in_stream(std::uint32_t message) const {
    return message - work_.streams[work_.messages[message].stream].first_message;
  }

  const Ports& ports_;
  const Workload& work_;
  ProcessorCost cost_;
  EventQueue events_;
  Links links_;
  std::vector<State> states_;  // by step
  std::vector<StreamState> streams_;
  std::vector<std::uint32_t> arrived_;  // by message: blocks
  std::vector<double> busy_until_;      // by rank: its processor
  std::vector<double> begin_;           // by step, of the block under way, for the timeline
  std::vector<std::uint32_t> waiting_;  // steps to look at again
  std::size_t open_steps_;
  bool with_timeline_ = false;
  RunResult result_;
};

}  // namespace motet
