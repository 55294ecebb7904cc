// A mapped segment: an engine's own, or a peer's. A sealed memfd without a name: nothing is left
// behind whatever dies, and its length cannot change under a reader.
#pragma once

#include <memory>
#include <optional>

#include "net/credentials.hpp"
#include "net/descriptor.hpp"
#include "transport/shm/layout.hpp"

namespace motet::shm {

// A sealed memfd of `bytes`. Throws Error{system, unavailable}.
Descriptor make_memory(const char* name, std::size_t bytes);
// What make_memory makes can be told from any other descriptor: its length is fixed.
bool is_sealed(int descriptor);

class Segment {
 public:
  // Throws Error{invalid_argument, system}.
  static std::shared_ptr<Segment> create(const Sizes& sizes, const Identity& owner);
  // What a peer handed over. Throws Error{invalid_argument} when it is not what `sizes` say.
  static std::shared_ptr<Segment> attach(Descriptor memory, const Sizes& sizes);
  // That of another engine of this process, null if there is none. Its ranks are threads that share
  // one mapping.
  static std::shared_ptr<Segment> of_this_process(const Identity& owner);

  ~Segment();
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  const Layout& layout() const { return layout_; }
  int descriptor() const { return memory_.get(); }

  EngineWords& engine() { return *at<EngineWords>(0); }
  PeerWords& peer(std::uint32_t index) { return *at<PeerWords>(layout_.peer(index)); }
  Line* lines(std::uint32_t index) { return at<Line>(layout_.lines(index)); }
  std::byte* payload(std::uint32_t index) { return base_ + layout_.payload(index); }
  SlotReaders& readers(std::size_t slot) { return *at<SlotReaders>(layout_.readers(slot)); }
  std::byte* block(std::size_t slot) { return base_ + layout_.block(slot); }

  // Zeroes a peer's part, giving its memory back.
  void clear_peer(std::uint32_t index) noexcept;
  // Gives back the memory of the blocks of these slots.
  void drop_blocks(std::size_t first, std::size_t end) noexcept;

 private:
  Segment(Descriptor memory, const Sizes& sizes);
  template <class T>
  T* at(std::size_t offset) {
    return reinterpret_cast<T*>(base_ + offset);
  }

  Layout layout_;
  Descriptor memory_;
  std::byte* base_ = nullptr;
  std::optional<Identity> owner_;  // when it is in the process's registry
};

}  // namespace motet::shm
