// What one call of a process group has started: one or several calls of Motet, and what is done
// with the results when all of them are over.
//
// Whoever waits drives the communicator itself; while nobody does, Motet's progress thread moves
// it. What then remains to be done (copying results out, futures and whoever hangs on them) never
// runs on that thread: the waiter does it, or a thread for such completions.
#pragma once

#include <motet/motet.h>

#include <ATen/core/ivalue.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <torch/csrc/distributed/c10d/Work.hpp>
#include <vector>

#include "communicator.hpp"

namespace motet::torch {

class Work final : public c10d::Work {
 public:
  using Tensors = std::vector<at::Tensor>;

  struct Description {
    int rank = 0;
    c10d::OpType type = c10d::OpType::UNKNOWN;
    std::string title;  // for the profiler: "motet:all_reduce"
    std::uint64_t sequence = 0;
    std::chrono::milliseconds timeout{};
  };
  // `inputs` are for the profiler. `outputs` is what the future holds: a list of tensors, or of
  // lists. The communicator stays until all is over.
  Work(std::shared_ptr<Communicator> communicator, const Description& description,
       const Tensors& inputs, std::vector<Tensors> outputs);
  ~Work() override;

  // Starts one of Motet's calls, which `start` makes. What it reads and writes is in `kept`. Throws
  // what the call throws at once. By one thread, before seal().
  using Start = std::function<motet_status(motet_comm*, const motet_call*)>;
  void add(const Tensors& kept, const Start& start);
  // What has to be done when all of them are over and have gone well.
  void then(std::function<void()> step) { steps_.push_back(std::move(step)); }
  // Runs what may throw; that becomes the failure of the work.
  void attempt(const std::function<void()>& body);
  // Nothing is added any more.
  void seal();
  // Calls are still being coalesced into it: until seal() waiting for it is waiting for nothing.
  void keep_open() { is_open_.store(true); }
  void set_source(int rank) { source_.store(rank); }

  bool isCompleted() override;
  bool wait(std::chrono::milliseconds timeout = kNoTimeout) override;
  // Ends everything that is under way on the communicator, on every rank: a collective cannot be
  // taken back by one.
  void abort() override;
  std::vector<at::Tensor> result() override;
  c10::intrusive_ptr<c10::ivalue::Future> getFuture() override;
  int sourceRank() const override { return source_.load(); }
  std::uint64_t getSequencenumber() const override { return description_.sequence; }
  std::chrono::milliseconds getTimeout() const override { return description_.timeout; }

 private:
  static void on_done(motet_status status, const char* message, void* user);
  void note(std::exception_ptr failure);
  bool is_over() const { return under_way_.load() == 0; }
  std::shared_ptr<Communicator> communicator() const;
  void complete();
  void drive();
  void free_requests();

  const Description description_;
  const std::vector<Tensors> outputs_;
  Tensors kept_;
  std::vector<motet_request*> requests_;  // of whoever sets freeing_
  std::vector<std::function<void()>> steps_;
  std::atomic<int> source_{-1};

  std::atomic<int> under_way_{1};  // calls, and one until sealed; the last one releases the rest
  std::atomic<bool> is_open_{false};
  std::atomic<bool> is_sealed_{false};
  std::atomic<bool> freeing_{false};     // somebody waits for the requests, or has done so
  std::atomic<bool> completing_{false};  // somebody does, or has done, what remains

  mutable std::mutex state_mutex_;              // guards what follows
  std::shared_ptr<Communicator> communicator_;  // null once all is over
  std::exception_ptr failure_;                  // the first
  c10::intrusive_ptr<c10::ivalue::Future> future_;
  bool is_complete_ = false;
};

}  // namespace motet::torch
