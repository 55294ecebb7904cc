// The backend's threads: they complete what nobody waits for, and receive from whoever sends first.
// What they run may take long, need Python's lock, start further calls and wait for them; so there
// is always one more than are busy.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>

namespace motet::torch {

class Background {
 public:
  using Task = std::function<void()>;

  // Any thread; never waits for what is under way. Tasks begin in the order in which they are
  // added; none once Python ends. A task must not throw: nobody would hear of it. Throws
  // std::system_error where there is no thread and none can be had.
  void add(Task task);

  // Waits until nothing is left to do, at most so long; not with Python's lock, which tasks may
  // need. Any thread. False if something is left.
  bool drain(std::chrono::milliseconds limit);

 private:
  void start_thread();
  void run();
  bool is_idle() const;

  std::mutex mutex_;  // guards what follows
  std::condition_variable has_tasks_, became_idle_;
  std::deque<Task> tasks_;
  std::size_t threads_ = 0;
  std::size_t idle_ = 0;  // threads that wait for tasks
};

// Those of this process, never destroyed: tasks may be under way when it ends. Of `receivers` they
// wait for messages, perhaps for ever, and use no Python.
Background& background();
Background& receivers();

}  // namespace motet::torch
