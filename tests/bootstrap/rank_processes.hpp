// Drives health_rank processes.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "net/credentials.hpp"
#include "net/descriptor.hpp"
#include "net/poller.hpp"

namespace motet::testing {

class TemporaryDirectory {
 public:
  TemporaryDirectory() { EXPECT_NE(mkdtemp(name_.data()), nullptr); }
  ~TemporaryDirectory() { std::filesystem::remove_all(name_.data()); }
  std::string name() const { return name_.data(); }

 private:
  std::array<char, 32> name_{"/tmp/motet-test-XXXXXX"};
};

class RankProcess {
 public:
  RankProcess(const std::string& program, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), program);
    std::vector<char*> argv;
    argv.reserve(arguments.size() + 1);
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    std::array<int, 2> to{}, from{};
    EXPECT_EQ(pipe2(to.data(), O_CLOEXEC), 0);
    EXPECT_EQ(pipe2(from.data(), O_CLOEXEC), 0);
    const Descriptor child_in(to[0]), child_out(from[1]);
    in_ = Descriptor(to[1]);
    out_ = Descriptor(from[0]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO);
    EXPECT_EQ(posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
  }
  RankProcess(RankProcess&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)),
        in_(std::move(other.in_)),
        out_(std::move(other.out_)) {}
  ~RankProcess() {
    if (pid_ > 0) kill();
  }

  pid_t pid() const { return pid_; }
  void signal(int number) const {
    ::kill(pid_, number);
    // A stop reaches one thread after the other; afterwards none runs.
    if (number == SIGSTOP) waitpid(pid_, nullptr, WUNTRACED);
  }

  void kill() {
    signal(SIGKILL);
    wait();
  }
  int wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }
  void close_input() { in_.reset(); }

  void tell(const std::string& command) const {
    const std::string line = command + "\n";
    EXPECT_EQ(write(in_.get(), line.data(), line.size()), static_cast<ssize_t>(line.size()));
  }
  // The answer to the oldest command not answered yet.
  std::string hear() const {
    std::string line;
    const Deadline deadline = Deadline::after(std::chrono::seconds(40));
    while (wait_for(out_.get(), POLLIN, deadline)) {
      char c = 0;
      if (read(out_.get(), &c, 1) != 1) return line + "<ended>";
      if (c == '\n') return line;
      line += c;
    }
    return line + "<silent>";
  }
  std::string ask(const std::string& command) const {
    tell(command);
    return hear();
  }

 private:
  pid_t pid_ = -1;
  Descriptor in_, out_;
};

}  // namespace motet::testing
