#include "bootstrap/health_thread.hpp"

#include <fmt/core.h>
#include <pthread.h>

#include <exception>
#include <utility>

#include "base/log.hpp"

namespace motet {
namespace {

// The top of the thread: a task that fails, mostly for want of memory, is over; the others go on.
bool goes_on_after_advance(HealthTask& task) {
  try {
    return task.advance();
  } catch (const std::exception& failure) {
    log(LogLevel::error, fmt::format("event=health_task_dropped cause=\"{}\"", failure.what()));
    return false;
  }
}

}  // namespace

// Never destroyed: the hub of rank 0 outlives main() until the process ends or all others have
// left.
HealthThread& HealthThread::of_this_process() {
  static auto* const instance = new HealthThread;
  return *instance;
}

HealthThread::HealthThread() {
  poller_.add(bell_.descriptor(), EPOLLIN, bell_tag);
}

std::uint64_t HealthThread::add(std::shared_ptr<HealthTask> task) {
  const std::scoped_lock lock(mutex_);
  const std::uint64_t id = next_id_++;
  poller_.add(task->descriptor(), EPOLLIN, id);
  tasks_.emplace(id, std::move(task));
  if (thread_ == std::thread::id()) {
    std::thread thread([this] { run(); });
    pthread_setname_np(thread.native_handle(), "motet-health");
    thread_ = thread.get_id();
    thread.detach();
  }
  return id;
}

void HealthThread::remove(std::uint64_t id) {
  std::shared_ptr<HealthTask> removed;  // destroyed after the lock is given back
  std::unique_lock lock(mutex_);
  const auto found = tasks_.find(id);
  if (found != tasks_.end()) {
    poller_.remove(found->second->descriptor());
    removed = std::move(found->second);
    tasks_.erase(found);
  }
  if (thread_ != std::this_thread::get_id()) {
    advanced_.wait(lock, [&] { return running_ != id; });
  }
  bell_.ring();  // nothing may be left to do
}

bool HealthThread::is_current() const {
  const std::scoped_lock lock(mutex_);
  return thread_ == std::this_thread::get_id();
}

void HealthThread::advance(std::uint64_t id) {
  std::shared_ptr<HealthTask> task;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = tasks_.find(id);
    if (found == tasks_.end()) return;
    task = found->second;
    running_ = id;
  }
  const bool goes_on = goes_on_after_advance(*task);
  {
    const std::scoped_lock lock(mutex_);
    running_ = bell_tag;
    if (!goes_on && tasks_.contains(id)) {
      poller_.remove(task->descriptor());
      tasks_.erase(id);
    }
  }
  advanced_.notify_all();
}

void HealthThread::run() {
  while (true) {
    for (const Poller::Event event : poller_.wait(std::chrono::hours(1))) {
      if (event.tag == bell_tag) bell_.silence();
      advance(event.tag);
    }
    const std::scoped_lock lock(mutex_);
    if (!tasks_.empty()) continue;
    thread_ = {};
    return;
  }
}

}  // namespace motet
