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
  // added. A task must not throw: nobody would hear of it. Throws std::system_error where
  // there is no thread and none can be had.
  void add(Task task);

  // Begins no more tasks, and waits for those under way, at most so long: the process is about to
  // end, and Python with it, which kills threads that want its lock from then on.
  void close(std::chrono::milliseconds limit);
  // For tasks that might take for ever.
  bool is_closed() const;

 private:
  void start_thread();
  void run();

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable has_tasks_, is_idle_;
  std::deque<Task> tasks_;
  std::size_t threads_ = 0;
  std::size_t idle_ = 0;  // threads that wait for tasks
  bool is_closed_ = false;
};

// Of this process. Never destroyed: tasks may wait for Python when the process ends.
Background& background();

}  // namespace motet::torch
