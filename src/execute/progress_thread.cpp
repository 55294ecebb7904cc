#include "execute/progress_thread.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <exception>
#include <optional>
#include <system_error>

#include "base/log.hpp"
#include "execute/engine.hpp"

namespace motet {
namespace {

// Signals are for the threads of the program.
class NoSignals {
 public:
  NoSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~NoSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  NoSignals(const NoSignals&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

ProgressThread::ProgressThread(Engine& engine)
    : engine_(engine), bell_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!bell_) throw system_error("eventfd", errno);
  const NoSignals guard;
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    throw Error(ErrorCode::system, fmt::format("progress thread: {}", error.what()));
  }
  pthread_setname_np(thread_.native_handle(), "motet-progress");
}

ProgressThread::~ProgressThread() {
  {
    const Engine::Hold hold(engine_);
    stopping_ = true;
    ring();
  }
  engine_.wake();
  thread_.join();
}

void ProgressThread::ring() noexcept {
  if (!idle_) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(bell_.get(), &one, sizeof one);
}

// The top of the thread. What fails here, mostly for want of memory, fails for everybody.
void ProgressThread::run() noexcept {
  while (true) {
    try {
      if (!await_work()) return;
      drive();
    } catch (const std::exception& failure) {
      log(LogLevel::error, fmt::format("event=progress_failed cause=\"{}\"", failure.what()));
      engine_.fail_all(
          {ErrorCode::system, fmt::format("the progress thread failed: {}", failure.what())});
    }
  }
}

// False: the engine ends.
bool ProgressThread::await_work() {
  for (;;) {
    {
      const Engine::Hold hold(engine_);
      idle_ = !stopping_ && !engine_.needs_driver();
      if (stopping_) return false;
      if (!idle_) return true;
    }
    pollfd bell{bell_.get(), POLLIN, 0};
    poll(&bell, 1, -1);
    std::uint64_t rings = 0;
    [[maybe_unused]] const auto got = read(bell_.get(), &rings, sizeof rings);
  }
}

void ProgressThread::drive() {
  Waiting waiting(Waiting::Politely::yes);
  for (std::optional<bool> moved = engine_.drive(); moved; moved = engine_.drive()) {
    using enum Waiting::Moved;
    switch (waiting.next(*moved ? here : nothing)) {
      case Waiting::Next::look:
      case Waiting::Next::look_widely:
        pause_cpu();
        break;
      case Waiting::Next::yield:
        sched_yield();
        break;
      case Waiting::Next::sleep:
        engine_.doze();
        break;
    }
  }
}

}  // namespace motet
