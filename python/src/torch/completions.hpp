// The thread that completes what nobody waits for: it runs what hangs on futures, which may take
// long, need Python's lock and start further calls.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

namespace motet::torch {

class Completions {
 public:
  Completions();

  // In the order in which they are added. Any thread; never waits for what is under way.
  void add(std::function<void()> task);

 private:
  void run();

  std::mutex mutex_;  // guards tasks_
  std::condition_variable has_tasks_;
  std::deque<std::function<void()>> tasks_;
};

// Of this process. Never destroyed: tasks may wait for Python when the process ends.
Completions& completions();

}  // namespace motet::torch
