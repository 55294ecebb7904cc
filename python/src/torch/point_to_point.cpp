// send, recv, and recv from whoever sends first.
#include <c10/util/Exception.h>

#include <algorithm>
#include <thread>

#include "backend.hpp"
#include "background.hpp"

namespace motet::torch {
namespace {

using c10d::OpType;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::microseconds longest(1000);  // between two looks who has sent

const at::Tensor& contiguous(const Backend::Tensors& tensors) {
  TORCH_CHECK_VALUE(tensors.size() == 1, "motet: one tensor is wanted, not ", tensors.size());
  require_dense(tensors.front());
  TORCH_CHECK_VALUE(tensors.front().is_contiguous(), "motet: the tensor is not contiguous");
  return tensors.front();
}

}  // namespace

// Messages between two ranks keep their order, so tags, which say the same, are not needed.
Backend::Started Backend::send(Tensors& tensors, int peer, int /*tag*/) {
  const at::Tensor& tensor = contiguous(tensors);
  auto work = begin({OpType::SEND, "send", c10d::kUnsetTimeout}, tensors, {});
  const Elements in = moved(tensor);
  work->add({tensor}, [&](motet_comm* comm, const motet_call* call) {
    return motet_send(in.data, in.count, in.type, peer, comm, call);
  });
  return seal(work);
}

Backend::Started Backend::recv(Tensors& tensors, int peer, int /*tag*/) {
  const at::Tensor& tensor = contiguous(tensors);
  auto work = begin({OpType::RECV, "recv", c10d::kUnsetTimeout}, tensors, {tensors});
  work->set_source(peer);
  const Elements out = moved(tensor);
  work->add({tensor}, [&](motet_comm* comm, const motet_call* call) {
    return motet_recv(out.data, out.count, out.type, peer, comm, call);
  });
  return seal(work);
}

// The peer whose next message has come. Ends with the group.
int Backend::first_to_arrive(milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  for (auto pause = std::chrono::microseconds(10);; pause = std::min(2 * pause, longest)) {
    const auto communicator = this->communicator();
    for (int peer = 0; peer < getSize(); ++peer) {
      if (peer == getRank()) continue;
      int arrived = 0;
      check(motet_probe(communicator->handle(), peer, &arrived), timeout);
      if (arrived != 0) return peer;
    }
    if (Clock::now() > deadline) {
      fail(motet_timeout, c10::str("rank ", getRank(), ": recv from any rank: nobody has sent"),
           timeout);
    }
    std::this_thread::sleep_for(pause);
  }
}

// Another thread looks who sends: the caller must be free to send meanwhile.
Backend::Started Backend::recvAnysource(Tensors& tensors, int /*tag*/) {
  at::Tensor tensor = contiguous(tensors);
  TORCH_CHECK(coalesced_ == nullptr, "motet: recv from any rank cannot be coalesced");
  auto work =
      begin({OpType::RECVANYSOURCE, "recvAnySource", c10d::kUnsetTimeout}, tensors, {tensors});
  auto self = c10::intrusive_ptr<Backend>::reclaim_copy(this);
  receivers().add([self, work, tensor, ticket = any_source_.take_ticket()]() mutable {
    work->attempt([&] {
      const Turns::Turn turn(self->any_source_, ticket);
      const int peer = self->first_to_arrive(work->getTimeout());
      work->set_source(peer);
      const Elements out = moved(tensor);
      work->add({tensor}, [&](motet_comm* comm, const motet_call* call) {
        return motet_recv(out.data, out.count, out.type, peer, comm, call);
      });
    });
    // What completes it, or is the last to hold it, may need Python.
    background().add([self = std::move(self), work = std::move(work), tensor = std::move(tensor)] {
      work->seal();
    });
  });
  return work;
}

}  // namespace motet::torch
