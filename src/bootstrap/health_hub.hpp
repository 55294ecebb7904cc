// What the hub knows and decides: no sockets, no threads, time is handed in.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "bootstrap/health_messages.hpp"

namespace motet {

// One communicator, as far as its members have spoken of it. O(members).
struct WatchedCommunicator {
  std::vector<Rank> members;            // empty until its first member has come
  std::map<Rank, std::uint64_t> waits;  // the latest sequence in which a rank has waited long
  std::map<Rank, CallRecord> left;      // with the last call made
  std::map<std::uint64_t, std::pair<Rank, CallRecord>>
      calls;  // of the current inquiry: the first to name each sequence
  std::optional<Verdict> verdict;
  Clock::time_point last_inquiry = Clock::time_point::min();
  bool inquire_again = false;
};

class HealthHub {
 public:
  using Send = std::function<void(Rank, const HealthMessage&)>;
  HealthHub(int world_size, Send send);

  void handle(Rank from, const HealthMessage& message, Clock::time_point now);
  // Its process or its connection has ended without a goodbye.
  void died(Rank rank, const std::string& how);
  // Does what has become due by now, and when to come back.
  Clock::time_point tick(Clock::time_point now);
  // Who is this rank: "rank 7 on host b (pid 4711)".
  std::string name_of(Rank rank) const;
  bool has_left(Rank rank) const {
    return ranks_[static_cast<std::size_t>(rank)].state == State::left;
  }
  bool finished() const { return present_ == 0 && joined_ > 0; }

 private:
  enum class State : std::uint8_t { missing, present, left, dead };
  struct Member {
    State state = State::missing;
    ProcessIdentity process;
    int unanswered = 0;  // queries
  };
  // Collects where everybody is, for one rank.
  struct Survey {
    Rank asked_by = 0;
    std::uint64_t token = 0;  // the asker's
    std::uint32_t communicator = 0;
    std::uint64_t sequence = 0;
    Clock::time_point until;
    std::map<Rank, HealthMessage> answers;
  };

  Member& member(Rank rank) { return ranks_[static_cast<std::size_t>(rank)]; }
  void join(Rank rank, const HealthMessage& message);
  void fail_joining(ErrorCode code, const std::string& text);
  std::string missing() const;
  WatchedCommunicator* find(std::uint32_t communicator);
  void watch(const HealthMessage& message, Clock::time_point now);
  void leave(Rank rank, std::uint32_t communicator, const CallRecord& last);
  void goodbye(Rank rank);
  void wait(Rank rank, const HealthMessage& message, Clock::time_point now);
  bool judge_absent(std::uint32_t communicator, WatchedCommunicator& watched);
  void inquire(std::uint32_t communicator, WatchedCommunicator& watched, Clock::time_point now);
  void ask(Rank rank, std::uint32_t communicator, std::uint64_t token);
  void answer(Rank rank, const HealthMessage& message);
  void compare(Rank rank, const HealthMessage& message, WatchedCommunicator& watched);
  void decide(std::uint32_t communicator, WatchedCommunicator& watched, Verdict verdict,
              Rank except);
  void survey(Rank rank, const HealthMessage& message, Clock::time_point now);
  bool complete(const Survey& survey);
  void report(const Survey& survey);
  // Where a rank is, seen from the call of the survey; no text: it has called and is still there.
  struct Place {
    bool has_called = false;
    std::string text;
  };
  Place place_of(Rank rank, const Survey& survey);
  void forget_if_over(std::uint32_t communicator);
  void flood(const HealthMessage& message, Rank except);

  static constexpr Rank nobody = -1;

  Send send_;
  std::vector<Member> ranks_;
  int joined_ = 0, present_ = 0;
  std::map<std::uint32_t, WatchedCommunicator> communicators_;
  std::map<std::uint64_t, Survey> surveys_;
  std::uint64_t next_survey_ = 1;  // 0: an inquiry, whose answers are only compared
};

}  // namespace motet
