// A thread that drives an engine while something is under way and nobody waits there, so that what
// was started goes on although its caller computes. Asleep otherwise.
#pragma once

#include <thread>

#include "net/descriptor.hpp"

namespace motet {

class Engine;

class ProgressThread {
 public:
  // Throws Error{system}.
  explicit ProgressThread(Engine& engine);
  // Joins it: not on the thread itself, and without the engine held.
  ~ProgressThread();
  ProgressThread(const ProgressThread&) = delete;

  // Something has begun, or whoever waited has left. With the engine held.
  void ring() noexcept;

 private:
  void run() noexcept;
  bool await_work();
  void drive();

  Engine& engine_;
  Descriptor bell_;  // eventfd
  // With the engine held.
  bool idle_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace motet
