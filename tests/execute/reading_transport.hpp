// A network of ranks in one process whose peers' memory is read by and by, in any order, and now
// and then refused: what a fabric does, without one.
#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <utility>

#include "transport/fault/random.hpp"
#include "transport/transport.hpp"

namespace motet::test {

class ReadingEndpoint final : public Endpoint, public PeerMemory {
 public:
  // `under_way`: reads of all endpoints of its transport, which outlives it.
  ReadingEndpoint(std::unique_ptr<Endpoint> inner, std::uint64_t seed, std::size_t& under_way)
      : inner_(std::move(inner)), random_(seed), all_under_way_(under_way) {}

  State state() const override { return inner_->state(); }
  const std::string& failure() const override { return inner_->failure(); }
  bool send(const Header& header, const void* data) override { return inner_->send(header, data); }
  const Arrival* front() override { return inner_->front(); }
  void pop() override { inner_->pop(); }
  std::unique_ptr<Aside> set_aside() override { return inner_->set_aside(); }
  bool flushed() const override { return inner_->flushed(); }

  std::optional<Location> publish(const void*, std::size_t) override { return {}; }
  std::shared_ptr<const void> hold(const void*, std::size_t) override { return nullptr; }
  std::optional<Location> publish_for_reading(const void* data, std::size_t) override {
    return Location{1, reinterpret_cast<std::uint64_t>(data)};
  }
  std::byte* reach(const Location&, std::size_t) override { return nullptr; }
  Read read(const Location& location, void* to, std::size_t bytes) override {
    const auto [under_way, is_new] = looks_left_.try_emplace(to, random_.below(4));
    if (is_new) ++all_under_way_;
    if (is_new && random_.happens(0.1)) under_way->second = refuse;
    if (under_way->second != refuse && under_way->second-- > 0) return Read::pending;
    const bool refused = under_way->second == refuse;
    looks_left_.erase(under_way);
    --all_under_way_;
    if (refused) return Read::refused;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): it was a pointer before it travelled
    std::memcpy(to, reinterpret_cast<const void*>(location.offset), bytes);
    return Read::done;
  }
  bool enter(std::uint32_t) override { return true; }
  void leave() override {}
  std::uint32_t epoch() const override { return 0; }

 private:
  static constexpr std::uint64_t refuse = 1000;

  std::unique_ptr<Endpoint> inner_;
  fault::Random random_;
  std::map<void*, std::uint64_t> looks_left_;  // at reads under way
  std::size_t& all_under_way_;
};

class ReadingTransport final : public Transport {
 public:
  ReadingTransport(std::unique_ptr<Transport> inner, std::uint64_t seed)
      : inner_(std::move(inner)), seed_(seed) {}

  bool shares_memory() const override { return inner_->shares_memory(); }
  std::string address() const override { return inner_->address(); }
  bool reaches(std::string_view peer) const override { return inner_->reaches(peer); }
  void admit(const Credentials& credentials) override { inner_->admit(credentials); }
  void dismiss(const Identity& job) override { inner_->dismiss(job); }
  std::unique_ptr<Endpoint> connect(const Peer& peer) override {
    return std::make_unique<ReadingEndpoint>(inner_->connect(peer), ++seed_, under_way_);
  }
  // While a fabric reads there is progress.
  bool progress() override { return inner_->progress() || under_way_ > 0; }
  std::size_t max_block_bytes() const override { return inner_->max_block_bytes(); }
  void announce_sleep() override { inner_->announce_sleep(); }
  void announce_wake() override { inner_->announce_wake(); }
  std::vector<int> descriptors() const override { return inner_->descriptors(); }

 private:
  std::unique_ptr<Transport> inner_;
  std::uint64_t seed_;
  std::size_t under_way_ = 0;
};

}  // namespace motet::test
