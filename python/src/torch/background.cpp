#include "completions.hpp"

#include <pthread.h>

#include <thread>

namespace motet::torch {

void Completions::add(std::function<void()> task) {
  {
    const std::scoped_lock lock(mutex_);
    tasks_.push_back(std::move(task));
    if (tasks_.size() > idle_) {
      std::thread([this] { run(); }).detach();
      ++idle_;
    }
  }
  has_tasks_.notify_one();
}

void Completions::run() {
  pthread_setname_np(pthread_self(), "motet-complete");
  std::unique_lock lock(mutex_);
  for (;;) {
    has_tasks_.wait(lock, [this] { return !tasks_.empty(); });
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    --idle_;
    lock.unlock();
    task();
    task = nullptr;  // what it holds may take as long as it did
    lock.lock();
    ++idle_;
  }
}

Completions& completions() {
  static auto* const all = new Completions;
  return *all;
}

}  // namespace motet::torch
