// PyTorch's process groups over Motet. Every rank of a group makes its backend at the same point of
// the program, as torch.distributed does; their communicator is made then, so that later any two of
// them can talk without the others' help. CPU tensors; those that are not contiguous are copied.
//
// Threads: as torch.distributed has them. Collectives of one group are started in the same order on
// every rank; waiting is possible from any thread.
#pragma once

#include <motet/motet.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <vector>

#include "communicator.hpp"
#include "tensors.hpp"
#include "turns.hpp"
#include "work.hpp"

namespace motet::torch {

class Backend final : public c10d::Backend {
 public:
  struct Options final : c10d::Backend::Options {
    // `name`: as which the backend is registered, the first word of its titles in profiles.
    explicit Options(const std::string& name = "motet",
                     std::chrono::milliseconds limit = kBackendDefaultTimeout)
        : c10d::Backend::Options(name, limit) {}
    c10::intrusive_ptr<c10d::Backend::Options> clone() const override {
      return c10::make_intrusive<Options>(*this);
    }
  };
  using Store = c10::intrusive_ptr<c10d::Store>;
  using Tensors = std::vector<at::Tensor>;
  using Started = c10::intrusive_ptr<c10d::Work>;
  using Splits = std::vector<std::int64_t>;

  // Collective over the group. `group`: its name, the same on every rank.
  Backend(const Store& store, const std::string& group, int rank, int size,
          const c10::intrusive_ptr<Options>& options);
  ~Backend() override;

  // Also in the place of another: PyTorch takes what calls itself gloo for its own class.
  const std::string getBackendName() const override { return "motet"; }
  c10::intrusive_ptr<c10d::Backend::Options> getBackendOptions() override { return options_; }
  void setTimeout(std::chrono::milliseconds timeout) override { options_->timeout = timeout; }
  bool supportsSplitting() const override { return true; }
  bool supportsCoalescing() const override { return true; }
  c10::intrusive_ptr<c10d::Backend> split(
      const Store& store, const std::vector<int>& ranks,
      const c10::intrusive_ptr<c10d::Backend::Options>& options) override;
  std::uint64_t getSequenceNumberForGroup() override { return sequence_.load(); }
  void setSequenceNumberForGroup() override {}
  c10d::ErrorType getError() override;
  void abort() override;
  void shutdown() override;

  Started broadcast(Tensors& tensors, const c10d::BroadcastOptions& options) override;
  Started allreduce(Tensors& tensors, const c10d::AllreduceOptions& options) override;
  Started allreduce_coalesced(Tensors& tensors,
                              const c10d::AllreduceCoalescedOptions& options) override;
  Started allreduce_sparse(Tensors& tensors, const c10d::AllreduceOptions& options) override;
  Started reduce(Tensors& tensors, const c10d::ReduceOptions& options) override;
  Started allgather(std::vector<Tensors>& outputs, Tensors& inputs,
                    const c10d::AllgatherOptions& options) override;
  Started _allgather_base(at::Tensor& output, at::Tensor& input,
                          const c10d::AllgatherOptions& options) override;
  Started allgather_coalesced(std::vector<Tensors>& outputs, Tensors& inputs,
                              const c10d::AllgatherOptions& options) override;
  Started allgather_into_tensor_coalesced(Tensors& outputs, Tensors& inputs,
                                          const c10d::AllgatherOptions& options) override;
  Started gather(std::vector<Tensors>& outputs, Tensors& inputs,
                 const c10d::GatherOptions& options) override;
  Started gather_single(at::Tensor& output, at::Tensor& input,
                        const c10d::GatherOptions& options) override;
  Started scatter(Tensors& outputs, std::vector<Tensors>& inputs,
                  const c10d::ScatterOptions& options) override;
  Started reduce_scatter(Tensors& outputs, std::vector<Tensors>& inputs,
                         const c10d::ReduceScatterOptions& options) override;
  Started _reduce_scatter_base(at::Tensor& output, at::Tensor& input,
                               const c10d::ReduceScatterOptions& options) override;
  Started reduce_scatter_tensor_coalesced(Tensors& outputs, Tensors& inputs,
                                          const c10d::ReduceScatterOptions& options) override;
  Started alltoall_base(at::Tensor& output, at::Tensor& input, Splits& output_splits,
                        Splits& input_splits, const c10d::AllToAllOptions& options) override;
  Started alltoall(Tensors& outputs, Tensors& inputs,
                   const c10d::AllToAllOptions& options) override;
  Started send(Tensors& tensors, int peer, int tag) override;
  Started recv(Tensors& tensors, int peer, int tag) override;
  Started recvAnysource(Tensors& tensors, int tag) override;
  Started barrier(const c10d::BarrierOptions& options) override;
  void monitoredBarrier(const c10d::BarrierOptions& options, bool wait_all_ranks) override;

  // What follows joins one work until endCoalescing() gives it. What an exception has kept from
  // ending before goes on by itself.
  void startCoalescing() override;
  Started endCoalescing() override;

 private:
  struct Asked {
    c10d::OpType type;
    const char* title;
    std::chrono::milliseconds timeout{};
  };
  c10::intrusive_ptr<Work> begin(const Asked& asked, const Tensors& inputs,
                                 std::vector<Tensors> outputs);
  Started seal(const c10::intrusive_ptr<Work>& work);
  std::chrono::milliseconds timeout_of(std::chrono::milliseconds given) const;
  std::shared_ptr<Communicator> communicator() const;

  // Of one tensor each, into the work.
  void add_allreduce(Work& work, const at::Tensor& tensor, const c10d::ReduceOp& op);
  void add_allgather(Work& work, const at::Tensor& output, const at::Tensor& input);
  void add_allgather_list(Work& work, const Tensors& outputs, const at::Tensor& input);
  void add_reduce_scatter(Work& work, const at::Tensor& output, const at::Tensor& input,
                          const c10d::ReduceOp& op);
  void add_alltoall(Work& work, const at::Tensor& output, const at::Tensor& input,
                    std::vector<std::size_t> receive_counts, std::vector<std::size_t> send_counts);
  void add_gather(Work& work, const at::Tensor& output, const at::Tensor& input, int root);
  int first_to_arrive(std::chrono::milliseconds timeout);

  const Store store_;
  const std::string group_;
  const c10::intrusive_ptr<Options> options_;
  mutable std::mutex mutex_;                    // guards communicator_
  std::shared_ptr<Communicator> communicator_;  // null after shutdown()
  std::atomic<std::uint64_t> sequence_{0};
  std::uint64_t monitored_barriers_ = 0;
  Turns any_source_;                    // of recvAnysource()
  c10::intrusive_ptr<Work> coalesced_;  // null unless coalescing
};

}  // namespace motet::torch
