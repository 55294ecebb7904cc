#include "background.hpp"

#include <pthread.h>

#include <system_error>
#include <thread>

namespace motet::torch {

void Background::add(Task task) {
  {
    const std::scoped_lock lock(mutex_);
    if (tasks_.size() >= idle_ && !is_closed_) start_thread();
    tasks_.push_back(std::move(task));
  }
  has_tasks_.notify_one();
}

// With mutex_ held.
void Background::start_thread() {
  try {
    std::thread([this] { run(); }).detach();
  } catch (const std::system_error&) {
    if (threads_ == 0) throw;
    return;  // those that there are come to it later
  }
  ++threads_;
  ++idle_;
}

void Background::run() {
  pthread_setname_np(pthread_self(), "motet-torch");
  std::unique_lock lock(mutex_);
  for (;;) {
    has_tasks_.wait(lock, [this] { return !tasks_.empty() && !is_closed_; });
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    --idle_;
    lock.unlock();
    task();
    task = nullptr;  // what it holds may take as long as it did
    lock.lock();
    if (++idle_ == threads_) is_idle_.notify_all();
  }
}

void Background::close(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  is_closed_ = true;
  is_idle_.wait_for(lock, limit, [this] { return idle_ == threads_; });
}

bool Background::is_closed() const {
  const std::scoped_lock lock(mutex_);
  return is_closed_;
}

Background& background() {
  static auto* const all = new Background;
  return *all;
}

}  // namespace motet::torch
