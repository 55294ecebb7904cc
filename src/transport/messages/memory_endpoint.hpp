// An endpoint whose ranks read each other's memory through a fabric library.
//
// Both say so once they are ready; before the peer has, nothing is published to him. Locations are
// good for one epoch of their owner, who ends it after an error (memory_epoch.hpp): he asks, and
// the peer answers when he does not read any more.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "transport/messages/memory_wire.hpp"
#include "transport/messages/message_endpoint.hpp"

namespace motet::messages {

class MemoryEpoch;

class MemoryEndpoint final : public MessageEndpoint, public PeerMemory {
 public:
  // What the peer reads through: both must outlive it, as must the directory.
  struct Means {
    std::unique_ptr<MemoryWire> memory;
    MemoryEpoch& epoch;
  };
  MemoryEndpoint(const Setup& setup, Transport::Peer peer, std::unique_ptr<Wire> wire,
                 Directory& directory, Means means);
  ~MemoryEndpoint() override;
  MemoryEndpoint(const MemoryEndpoint&) = delete;
  MemoryEndpoint& operator=(const MemoryEndpoint&) = delete;

  std::optional<Location> publish(const void*, std::size_t) override { return {}; }
  std::shared_ptr<const void> hold(const void* data, std::size_t bytes) override;
  std::shared_ptr<const void> hold_target(void* to, std::size_t bytes) override;
  std::optional<Location> publish_for_reading(const void* data, std::size_t bytes) override;
  std::byte* reach(const Location&, std::size_t) override { return nullptr; }
  Read read(const Location& location, void* to, std::size_t bytes) override;
  bool enter(std::uint32_t epoch) override;
  void leave() override {}
  std::uint32_t epoch() const override;

  // For MemoryEpoch.
  void ask_to_withdraw(std::uint32_t new_epoch);
  // Answers the peer, who may have asked as well, once this rank reads nothing of his.
  void answer_withdrawal();
  // Whether the peer may be reading what is withdrawn.
  bool awaits_answer() const { return asked_ && state() != Endpoint::State::failed; }
  // Whether this rank reads anything of his.
  bool reads_anything() const;
  // A peer who does not answer may have asked for something that the library is sending now. What
  // it sends has gone once this rank's words have that come after it.
  void follow_what_was_read();
  bool may_be_sending() const { return awaits_answer() && !has_sent_all(); }
  // Ends what does not end by itself, and forgets what has ended and was not asked for.
  void finish_withdrawing();

 private:
  using Reads = std::list<std::shared_ptr<FabricRead>>;

  void welcome() override;
  void take_about_memory(const flow::Frame& frame) override;
  bool is_exposed();

  std::unique_ptr<MemoryWire> memory_;
  MemoryEpoch& mine_;
  std::optional<std::uint32_t> peer_epoch_;         // nothing: the peer does not read
  std::optional<std::uint32_t> peer_wants_;         // a new one, once nothing is being read
  std::optional<std::uint32_t> asked_;              // the peer has not answered yet
  Reads reads_;                                     // few
  std::vector<std::weak_ptr<const void>> exposed_;  // what the peer may be reading
};

}  // namespace motet::messages
