// A rank's end of its connections to the hub: what it watches, what it has heard, and whom it has
// told.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "bootstrap/health_lines.hpp"
#include "bootstrap/health_messages.hpp"
#include "bootstrap/health_thread.hpp"
#include "bootstrap/line_dialler.hpp"

namespace motet {

class MemberLink final : public HealthTask {
 public:
  // The first line, and what it hangs on; more by these ways, unless the hub is on this machine.
  struct Lines {
    std::unique_ptr<Poller> poller;
    HealthLines lines;
    LineDialler::Ways ways;
  };
  static constexpr std::uint64_t line_tag = 0;  // of the lines in their poller
  // `hub` is the process of rank 0. Throws Error{system}.
  MemberLink(Rank rank, Lines lines, ProcessIdentity hub);

  // Any thread.
  void watch(std::uint32_t communicator, std::vector<Rank> members,
             std::shared_ptr<const CallLog> log, std::function<void(const Verdict&)> on_verdict);
  void unwatch(std::uint32_t communicator);
  void report_wait(std::uint32_t communicator, std::uint64_t sequence);
  void report_failure(std::uint32_t communicator, const Verdict& verdict);
  std::string ask_where(std::uint32_t communicator, std::uint64_t sequence,
                        const Deadline& deadline);
  void say_goodbye();  // nothing is watched any more, nobody is called back

  int descriptor() const override { return poller_->descriptor(); }
  bool advance() override;

 private:
  struct Watch {
    std::vector<Rank> members;
    std::shared_ptr<const CallLog> log;
    std::function<void(const Verdict&)> on_verdict;
    std::optional<Verdict> verdict;        // the first
    std::optional<CallRecord> first_left;  // rank 0 has left it after this call
    bool contains(Rank rank) const;
  };

  void flush_and_receive();
  void dial_more(Clock::time_point now);
  void handle(const HealthMessage& message);
  void answer(const HealthMessage& query);
  void send(const HealthMessage& message);
  void decide(std::uint32_t communicator, Watch& watch, const Verdict& verdict);
  void remember(std::uint32_t communicator, const Verdict& verdict);
  void rank_gone(Rank rank, const std::string& text);
  void hub_ends(Clock::time_point now);
  void hub_gone(const std::string& how);
  void deliver();
  void tell(std::unique_lock<std::mutex>& lock, std::uint32_t communicator, Watch& watch);
  void leave(std::uint32_t communicator);
  void let_callback_end(std::unique_lock<std::mutex>& lock,
                        std::optional<std::uint32_t> communicator);

  const Rank rank_;
  const ProcessIdentity hub_;
  const std::unique_ptr<Poller> poller_;
  Bell bell_;
  Timer timer_;
  Descriptor hub_process_;  // readable when it has ended

  std::mutex mutex_;  // guards what follows
  HealthLines lines_;
  LineDialler dialler_;
  std::map<std::uint32_t, Watch> watches_;
  std::map<Rank, std::string> gone_;                 // with the text of the verdict
  std::map<std::uint32_t, Verdict> early_verdicts_;  // of communicators not watched here yet
  // Of those who wait for one, by token: the answer, once it is here.
  std::map<std::uint64_t, std::optional<std::string>> places_;
  std::uint64_t next_token_ = 1;
  std::condition_variable heard_;
  int unanswered_reports_ = 0;
  bool first_has_left_ = false;
  bool hub_lost_ = false;                 // nobody to talk to any more
  std::optional<std::string> hub_ended_;  // its process, and how
  // The hub's process or its connections have ended; the other is given so long to end too.
  std::optional<Clock::time_point> ends_by_;

  std::deque<std::uint32_t> deliveries_;  // communicators whose verdict is to be told
  std::optional<std::uint32_t> in_callback_;
  std::condition_variable callback_done_;
};

}  // namespace motet
