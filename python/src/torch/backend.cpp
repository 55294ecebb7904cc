#include "backend.hpp"

#include <c10/util/Exception.h>

#include <algorithm>

namespace motet::torch {
namespace {

using std::chrono::milliseconds;

// Groups that are made one after the other under one name on one store must not read each other's
// words. Each has the number that every one of its ranks finds there: how many groups of as many
// ranks there have been. Processes need not remember, so that newcomers can join.
std::string unused_name(c10d::Store& store, const std::string& group, int rank, int size) {
  const std::string name = c10::str("motet/", group, "/", size, "/");
  return c10::str(name, store.add(c10::str(name, "seen_by/", rank), 1));
}

}  // namespace

Backend::Backend(const Store& store, const std::string& group, int rank, int size,
                 const c10::intrusive_ptr<Options>& options)
    : c10d::Backend(rank, size),
      store_(store),
      group_(unused_name(*store, group, rank, size)),
      options_(options),
      communicator_(Communicator::meet(store, group_, {rank, size, options->timeout})) {
  init();
}

Backend::~Backend() = default;

std::shared_ptr<Communicator> Backend::communicator() const {
  const std::scoped_lock lock(mutex_);
  TORCH_CHECK(communicator_ != nullptr, "motet: the process group has been shut down");
  return communicator_;
}

milliseconds Backend::timeout_of(milliseconds given) const {
  return given == c10d::kUnsetTimeout || given == kNoTimeout ? options_->timeout : given;
}

c10::intrusive_ptr<c10d::Backend> Backend::split(
    const Store& store, const std::vector<int>& ranks,
    const c10::intrusive_ptr<c10d::Backend::Options>& options) {
  const auto me = std::ranges::find(ranks, getRank());
  if (me == ranks.end()) return nullptr;
  auto own = c10::make_intrusive<Options>(options_->backend, options->timeout);
  own->group_name = options->group_name;
  own->group_desc = options->group_desc;
  own->global_ranks_in_group = options->global_ranks_in_group;
  return c10::make_intrusive<Backend>(store, c10::str(group_, "/", options->group_name),
                                      static_cast<int>(me - ranks.begin()),
                                      static_cast<int>(ranks.size()), own);
}

c10d::ErrorType Backend::getError() {
  const std::scoped_lock lock(mutex_);
  if (communicator_ == nullptr) return c10d::ErrorType::SUCCESS;
  switch (motet_comm_error(communicator_->handle())) {
    case motet_ok:
      return c10d::ErrorType::SUCCESS;
    case motet_timeout:
      return c10d::ErrorType::TIMEOUT;
    case motet_peer_lost:
      return c10d::ErrorType::REMOTE_ERROR;
    default:
      return c10d::ErrorType::COMM_ERROR;
  }
}

void Backend::abort() {
  std::shared_ptr<Communicator> communicator;
  {
    const std::scoped_lock lock(mutex_);
    communicator = communicator_;
  }
  if (communicator != nullptr) {
    motet_comm_abort(communicator->handle(), "the process group was aborted");
  }
}

void Backend::shutdown() {
  std::shared_ptr<Communicator> last;
  const std::scoped_lock lock(mutex_);
  last.swap(communicator_);
}

c10::intrusive_ptr<Work> Backend::begin(const Asked& asked, const Tensors& inputs,
                                        std::vector<Tensors> outputs) {
  if (coalesced_ != nullptr) return coalesced_;
  const bool is_collective = !c10d::isP2POp(asked.type);
  const std::uint64_t sequence = is_collective ? ++sequence_ : sequence_.load();
  return c10::make_intrusive<Work>(
      communicator(),
      Work::Description{.rank = getRank(),
                        .type = asked.type,
                        .title = c10::str(options_->backend, ":", asked.title),
                        .sequence = sequence,
                        .timeout = timeout_of(asked.timeout)},
      inputs, std::move(outputs));
}

Backend::Started Backend::seal(const c10::intrusive_ptr<Work>& work) {
  if (work != coalesced_) work->seal();
  return work;
}

void Backend::startCoalescing() {
  coalesced_ = nullptr;
  auto work = begin({c10d::OpType::COALESCED, "coalesced", options_->timeout}, {}, {});
  work->keep_open();
  coalesced_ = std::move(work);
}

Backend::Started Backend::endCoalescing() {
  TORCH_CHECK(coalesced_ != nullptr, "motet: no calls are being coalesced");
  auto work = std::exchange(coalesced_, nullptr);
  return seal(work);
}

Backend::Started Backend::barrier(const c10d::BarrierOptions& options) {
  auto work = begin({c10d::OpType::BARRIER, "barrier", options.timeout}, {}, {});
  work->add({}, motet_barrier);
  return seal(work);
}

}  // namespace motet::torch
