// What a call is made with and what comes of it: options, requests, groups, errors. Part of
// motet.hpp.
#pragma once

#include <motet/motet.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace motet {
inline namespace api {

// What the library said. status() is never motet_ok.
class Error : public std::runtime_error {
 public:
  Error(motet_status status, const std::string& message)
      : std::runtime_error(message), status_(status) {}
  motet_status status() const noexcept { return status_; }

 private:
  motet_status status_;
};

// Throws what motet_last_error() says unless `status` is motet_ok: for callers of motet.h.
inline void check(motet_status status) {
  if (status != motet_ok) throw Error(status, motet_last_error());
}

enum class ReduceOp : int {
  sum = motet_sum,
  prod = motet_prod,
  min = motet_min,
  max = motet_max,
  avg = motet_avg,
  bit_and = motet_and,
  bit_or = motet_or,
  bit_xor = motet_xor,
  premul_sum = motet_premul_sum
};

// How one call is made; all ranks must give the same algorithm and determinism.
struct CallOptions {
  std::chrono::milliseconds timeout{0};  // 0 or less: the communicator's; at most 24 days
  const char* algorithm = nullptr;       // nullptr: the planner chooses
  bool same_bits_every_run = false;      // false: the same bits on all ranks of one call
  motet_plan** plan = nullptr;           // not nullptr: bound instead of run, see plan.hpp
  double scale = 0;                      // with ReduceOp::premul_sum alone: of this rank's input
};

namespace detail {
inline motet_call call_with(const CallOptions& options) noexcept {
  using std::chrono::milliseconds;
  constexpr milliseconds none{0}, longest{std::numeric_limits<int>::max()};
  motet_call call{};
  call.size = sizeof call;
  call.timeout_ms = static_cast<int>(std::clamp(options.timeout, none, longest).count());
  call.algorithm = options.algorithm;
  call.determinism = options.same_bits_every_run ? 1 : 0;
  call.scale = options.scale;
  call.plan = options.plan;
  return call;
}
}  // namespace detail

class Communicator;
class Plan;

// A call under way. Its buffers belong to it until wait() has returned or test() was true. The
// destructor waits, and swallows a failure: call wait() to hear of it. One of a group must live,
// and may be moved, until the group has ended.
class Request {
 public:
  Request() = default;  // done
  Request(Request&& other) noexcept = default;
  Request& operator=(Request&& other) noexcept {
    std::swap(request_, other.request_);
    return *this;
  }
  ~Request() {
    if (request_ != nullptr) (void)motet_wait(request_.get());
  }

  // Returns when the call is done, throws when it failed. At once when it was done before.
  void wait() {
    if (request_ != nullptr) check(motet_wait(request_.get()));
  }

  // Whether it is done, after moving what can be moved. Throws when it failed.
  [[nodiscard]] bool test() {
    int done = 1;
    if (request_ != nullptr) check(motet_test(request_.get(), &done));
    return done != 0;
  }

 private:
  friend class Communicator;
  friend class Plan;
  std::unique_ptr<motet_request*> request_;  // stays where it is when this is moved
};

// Calls made between its beginning and its end by this thread begin together at the end: see
// motet_group_begin. The destructor ends it and swallows a failure: call end() to hear of it.
// Communicators are made in one by motet_comm_create alone, which fills in its handle at the end.
class Group {
 public:
  Group() {
    check(motet_group_begin());
    ++open;
  }
  ~Group() {
    if (!ended_) (void)close();
  }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  // Throws the first failure, when all is over. Once.
  void end() {
    ended_ = true;
    check(close());
  }

 private:
  friend class Communicator;
  static motet_status close() noexcept {
    --open;
    return motet_group_end();
  }

  static inline thread_local int open = 0;
  bool ended_ = false;
};

}  // namespace api
}  // namespace motet
