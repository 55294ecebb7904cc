#include <Python.h>  // first, as its manual has it

#include "background.hpp"

#include <pthread.h>

#include <system_error>
#include <thread>

namespace motet::torch {
namespace {

// From then on it kills threads that want its lock.
bool python_ends() {
#if PY_VERSION_HEX >= 0x030D0000
  return Py_IsFinalizing() != 0;
#else
  return _Py_IsFinalizing() != 0;
#endif
}

}  // namespace

void Background::add(Task task) {
  {
    const std::scoped_lock lock(mutex_);
    if (tasks_.size() >= idle_) start_thread();
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
    has_tasks_.wait(lock, [this] { return !tasks_.empty() && !python_ends(); });
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    --idle_;
    lock.unlock();
    task();
    task = nullptr;  // what it holds may take as long as it did
    lock.lock();
    ++idle_;
    if (is_idle()) became_idle_.notify_all();
  }
}

// With mutex_ held.
bool Background::is_idle() const {
  return tasks_.empty() && idle_ == threads_;
}

bool Background::drain(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return became_idle_.wait_for(lock, limit, [this] { return is_idle(); });
}

Background& background() {
  static auto* const all = new Background;
  return *all;
}

Background& receivers() {
  static auto* const all = new Background;
  return *all;
}

}  // namespace motet::torch
