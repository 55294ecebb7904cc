// The threads that complete what nobody waits for: they run what hangs on futures, which may take
// long, need Python's lock, start further calls and wait for them. So there is always one more than
// are busy.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>

namespace motet::torch {

class Completions {
 public:
  // Any thread; never waits for what is under way. Tasks begin in the order in which they are
  // added.
  void add(std::function<void()> task);

 private:
  void run();

  std::mutex mutex_;  // guards what follows
  std::condition_variable has_tasks_;
  std::deque<std::function<void()>> tasks_;
  std::size_t idle_ = 0;  // threads that wait for tasks
};

// Of this process. Never destroyed: tasks may wait for Python when the process ends.
Completions& completions();

}  // namespace motet::torch
