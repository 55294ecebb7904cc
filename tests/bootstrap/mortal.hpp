// A process that does nothing until it is killed.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "bootstrap/process_identity.hpp"

namespace motet {

class Mortal {
 public:
  Mortal() {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("pipe");
    identity_ = ProcessIdentity::self();
    pid_ = ::fork();
    if (pid_ == 0) {
      const auto started = ProcessIdentity::self().started;
      if (::write(ends[1], &started, sizeof started) != sizeof started) ::_exit(1);
      while (true) ::pause();
    }
    identity_.pid = pid_;
    EXPECT_EQ(::read(ends[0], &identity_.started, sizeof identity_.started),
              static_cast<ssize_t>(sizeof identity_.started));
    for (const int end : ends) ::close(end);
  }
  Mortal(const Mortal&) = delete;
  Mortal& operator=(const Mortal&) = delete;
  ~Mortal() { kill(); }

  const ProcessIdentity& identity() const { return identity_; }
  // Returns when it has ended.
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  ProcessIdentity identity_;
  pid_t pid_ = -1;
};

}  // namespace motet
