// Threads that take their turns in the order in which their tickets were drawn.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace motet::torch {

class Turns {
 public:
  std::uint64_t take_ticket() {
    const std::scoped_lock lock(mutex_);
    return tickets_++;
  }

  // From when all earlier tickets are through until it is destroyed.
  class Turn {
   public:
    Turn(Turns& turns, std::uint64_t ticket) : turns_(turns) {
      std::unique_lock lock(turns_.mutex_);
      turns_.next_.wait(lock, [&] { return turns_.serving_ == ticket; });
    }
    ~Turn() {
      {
        const std::scoped_lock lock(turns_.mutex_);
        ++turns_.serving_;
      }
      turns_.next_.notify_all();
    }
    Turn(const Turn&) = delete;

   private:
    Turns& turns_;
  };

 private:
  std::mutex mutex_;  // guards tickets_ and serving_
  std::condition_variable next_;
  std::uint64_t tickets_ = 0, serving_ = 0;
};

}  // namespace motet::torch
