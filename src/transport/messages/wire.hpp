// What a fabric library does for the endpoints of its transport: it moves whole messages, and says
// where they came to lie. Everything else that libfabric and UCX have in common is in this folder.
//
// A message is an Envelope and a payload. Messages may overtake one another: the envelope numbers
// them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "transport/flow/frame.hpp"

namespace motet::messages {

struct Envelope {
  flow::Frame frame;
  std::uint32_t to = 0;      // how the receiver calls its endpoint; 0 in a hello
  std::uint32_t number = 0;  // of this message among all of its endpoint
};
static_assert(sizeof(Envelope) == 48);

// Who hears that a wire has broken.
class WireOwner {
 public:
  virtual ~WireOwner() = default;
  // "ofi: Connection reset by peer". At most once; not out of post().
  virtual void lose(std::string why) = 0;
};

// One direction: to one peer.
class Wire {
 public:
  // What has been posted still goes out, as far as the peer takes it.
  virtual ~Wire() = default;
  // Who hears of failures, before anything is posted; null: nobody any more.
  virtual void set_owner(WireOwner* owner) = 0;
  // Whether another block should be posted now. Control messages always may.
  virtual bool has_room() const = 0;
  // Takes a message, copying it. Dropped once the wire has broken.
  virtual void post(const Envelope& envelope, std::span<const std::byte> payload) = 0;
  // Whether all that was posted reaches the peer without further calls of this rank.
  virtual bool idle() const = 0;
};

// Memory in which a message has arrived, given back when nobody reads it any more. Its lender may
// be outlived by the transport's endpoints and by the transport itself, not by a loan.
class Lender {
 public:
  virtual ~Lender() = default;
  virtual void take_back(void* memory) noexcept = 0;
};

class Loan {
 public:
  Loan() = default;
  Loan(std::shared_ptr<Lender> lender, void* memory)
      : lender_(std::move(lender)), memory_(memory) {}
  Loan(Loan&& other) noexcept
      : lender_(std::move(other.lender_)), memory_(std::exchange(other.memory_, nullptr)) {}
  Loan& operator=(Loan&& other) noexcept {
    std::swap(lender_, other.lender_);
    std::swap(memory_, other.memory_);
    return *this;
  }
  ~Loan() {
    if (lender_ != nullptr) lender_->take_back(memory_);
  }

 private:
  std::shared_ptr<Lender> lender_;
  void* memory_ = nullptr;
};

struct Message {
  Envelope envelope;
  std::span<const std::byte> payload;  // within the loan
  Loan memory;
};

}  // namespace motet::messages
