// What one thread does between motet_group_begin() and motet_group_end(): recorded there, and done
// together when the outermost group ends. So one thread can be several ranks, whose calls would
// otherwise wait for one another.
#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "communicator/communicator.hpp"
#include "communicator/kept_arguments.hpp"

namespace motet {

class CallGroup {
 public:
  // A call whose arguments have been checked. Without on_done and give_request it is over when the
  // group is. If it fails to start, on_done hears why and give_request is given null.
  struct Call {
    Communicator* communicator;
    KeptArguments arguments;
    OnDone on_done{};
    std::function<void(std::unique_ptr<Request>)> give_request{};
  };
  // A communicator to be made, by a thread of its own. Those of one meeting are ranks of one job,
  // and each gets an engine.
  struct Creation {
    std::string meeting;  // what its ranks meet by
    Rank rank = 0;
    Options options;
    Opened beside{};  // whose engine it shares; none: one of this thread's
    std::function<void(const Opened& opened)> make;
  };

  CallGroup() { open_groups.fetch_add(1, std::memory_order_relaxed); }
  ~CallGroup() { open_groups.fetch_sub(1, std::memory_order_relaxed); }
  CallGroup(const CallGroup&) = delete;

  // This thread's, or null outside of groups.
  static CallGroup* open() { return any_open() ? find_open() : nullptr; }
  static bool any_open() { return open_groups.load(std::memory_order_relaxed) > 0; }
  static void begin();
  // Throws the first failure, when all is over; Error{invalid_argument} outside of groups.
  static void end();
  // Throws Error{invalid_argument} inside of groups: such calls would wait for what has not begun.
  static void refuse_inside(const char* call);

  void add(Call call) { calls_.push_back(std::move(call)); }
  void add(Creation creation) { creations_.push_back(std::move(creation)); }

 private:
  static CallGroup* find_open();
  void make_communicators();
  void make(Call& call);
  void wait_for_calls();
  template <class Body>
  void noting_failure(Body&& body);

  // Of all threads, so that calls outside of groups look no further. Relaxed: a thread sees its
  // own.
  static inline std::atomic<int> open_groups{0};

  int depth_ = 1;
  std::vector<Creation> creations_;
  std::vector<Call> calls_;
  std::vector<std::unique_ptr<Request>> waited_for_;
  std::exception_ptr failure_;
};

}  // namespace motet
