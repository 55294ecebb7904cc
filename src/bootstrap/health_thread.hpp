// The one health thread of a process: sleeps on the descriptors of its tasks and advances those
// that are ready. It starts with the first task and ends after the last.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "net/poller.hpp"

namespace motet {

class HealthTask {
 public:
  virtual ~HealthTask() = default;
  virtual int descriptor() const = 0;  // readable when advance() has something to do
  virtual bool advance() = 0;  // only on the health thread; false or an exception: over, let go
};

class HealthThread {
 public:
  static HealthThread& of_this_process();

  // Throws Error{system}.
  std::uint64_t add(std::shared_ptr<HealthTask> task);
  // Afterwards the task is not and will not be running, unless this is the health thread itself.
  void remove(std::uint64_t id);
  bool is_current() const;

 private:
  HealthThread();
  void run();
  void advance(std::uint64_t id);

  static constexpr std::uint64_t bell_tag = 0;

  Poller poller_;
  Bell bell_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable advanced_;
  std::map<std::uint64_t, std::shared_ptr<HealthTask>> tasks_;
  std::uint64_t next_id_ = bell_tag + 1;
  std::uint64_t running_ = bell_tag;  // the task that is being advanced; bell_tag: none
  std::thread::id thread_;            // no thread: none runs
};

}  // namespace motet
