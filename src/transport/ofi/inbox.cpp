#include "transport/ofi/inbox.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace motet::ofi {
namespace {

using messages::Envelope;
using messages::Loan;
using messages::Message;

// A copy of this costs less than another receive of the longest message kept at hand.
constexpr std::size_t copied_bytes = 4096;
// Posted together: enough for a window of long blocks, and for a burst of short ones.
constexpr std::size_t posted_bytes = 8 << 20;
constexpr std::size_t fewest_posted = 8, most_posted = 64;

// As it lies there.
Message read(const Buffer& buffer, std::size_t bytes) {
  Message message;
  std::memcpy(&message.envelope, buffer.memory, sizeof(Envelope));
  message.payload = {buffer.memory + sizeof(Envelope), bytes};
  return message;
}

}  // namespace

Inbox::Inbox(Domain& domain, std::size_t longest)
    : domain_(domain),
      received_(std::make_shared<Buffers>(longest, &domain)),
      small_copies_(std::make_shared<Buffers>(copied_bytes, nullptr)),
      large_copies_(std::make_shared<Buffers>(longest, nullptr)) {
  const std::size_t count = std::clamp(posted_bytes / longest, fewest_posted, most_posted);
  for (std::size_t i = 0; i < count && problem_.empty(); ++i) {
    Buffer* const buffer = received_->take();
    if (buffer == nullptr) {
      problem_ = domain.problem();
    } else {
      post(*buffer);
    }
  }
}

Inbox::~Inbox() {
  received_->unregister();
}

void Inbox::post(Buffer& buffer) {
  buffer.line = nullptr;
  const long result = domain_.receive(buffer, received_->bytes_each());
  if (result == 0) return;
  if (result != -FI_EAGAIN) problem_ = domain_.describe("fi_recv", result);
  buffer.next = std::exchange(waiting_, &buffer);
}

bool Inbox::advance() {
  if (waiting_ == nullptr || !problem_.empty()) return false;
  Buffer* left = std::exchange(waiting_, nullptr);
  while (left != nullptr) post(*std::exchange(left, left->next));
  return waiting_ == nullptr;
}

std::optional<Message> Inbox::take(const Completion& completion) {
  Buffer& buffer = *completion.buffer;
  if (!completion.problem.empty() || completion.bytes < sizeof(Envelope)) {
    post(buffer);
    return {};
  }
  const std::size_t bytes = completion.bytes - sizeof(Envelope);
  Buffer* const next = bytes <= copied_bytes ? nullptr : received_->take();
  if (next == nullptr) {
    Message message = copy(buffer, bytes);
    post(buffer);
    return message;
  }
  post(*next);
  Message message = read(buffer, bytes);
  message.memory = Loan(received_, &buffer);
  return message;
}

Message Inbox::copy(const Buffer& from, std::size_t bytes) {
  Message message = read(from, bytes);
  if (bytes == 0) return message;
  const auto& copies = bytes <= copied_bytes ? small_copies_ : large_copies_;
  Buffer* const to = copies->take();
  std::copy(message.payload.begin(), message.payload.end(), to->memory);
  message.payload = {to->memory, bytes};
  message.memory = Loan(copies, to);
  return message;
}

}  // namespace motet::ofi
