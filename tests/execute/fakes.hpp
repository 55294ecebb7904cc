// A transport that goes nowhere: what lowering needs to know of links, and nothing else.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "execute/peer_link.hpp"

namespace motet::test {

// Blocks lie where the test puts them.
class FakeEndpoint final : public Endpoint, public SendBack {
 public:
  State state() const override { return State::ready; }
  const std::string& failure() const override { return failure_; }
  bool send(const Header& header, const void*) override {
    if (refusals > 0) {
      --refusals;
      return false;
    }
    sent.push_back(header);
    return true;
  }
  const Arrival* front() override { return arrivals_.empty() ? nullptr : &arrivals_.front(); }
  void pop() override { arrivals_.erase(arrivals_.begin()); }
  std::unique_ptr<Aside> set_aside() override {
    auto aside = std::make_unique<FakeAside>(arrivals_.front());
    pop();
    return aside;
  }
  bool flushed() const override { return true; }
  std::byte* front_to_change() override { return lent; }
  void send_back(const Header& header) override {
    pop();
    sent_back.push_back(header);
  }

  int refusals = 0;           // so many times there is no room first
  std::byte* lent = nullptr;  // where the front block may be changed
  std::vector<Header> sent, sent_back;

  void arrive(Key key) { arrivals_.push_back({.header = {.key = key}, .data = nullptr}); }
  void arrive(const Header& header, const std::byte* data) { arrivals_.push_back({header, data}); }

 private:
  class FakeAside final : public Aside {
   public:
    explicit FakeAside(const Arrival& arrival) : arrival_(arrival) {}
    const Arrival& arrival() const override { return arrival_; }

   private:
    Arrival arrival_;
  };

  std::string failure_;
  std::vector<Arrival> arrivals_;
};

class FakeTransport : public Transport {
 public:
  std::string address() const override { return {}; }
  bool reaches(std::string_view) const override { return true; }
  void admit(const Credentials&) override {}
  void dismiss(const Identity&) override {}
  bool shares_memory() const override { return false; }
  std::unique_ptr<Endpoint> connect(const Peer&) override {
    return std::make_unique<FakeEndpoint>();
  }
  bool progress() override { return false; }
  std::size_t max_block_bytes() const override { return 128 * 1024; }
  void announce_sleep() override {}
  void announce_wake() override {}
  std::vector<int> descriptors() const override { return {}; }
};

class FakeGroupTransport final : public FakeTransport, public GroupSend {
 public:
  bool shares_memory() const override { return true; }
  void send_to_all(std::span<Outgoing> outgoing, const void* data) override {
    readers.push_back(outgoing.size());
    float& first = firsts.emplace_back();
    std::memcpy(&first, data, sizeof first);
    for (Outgoing& one : outgoing) one.taken = true;
  }

  std::vector<std::size_t> readers;  // of each block
  std::vector<float> firsts;         // elements of theirs
};

// Links to `ranks` peers; rank `me` has none to itself.
class FakeLinks {
 public:
  FakeLinks(Transport& transport, int ranks, Rank me, std::string_view name = "shm") {
    for (Rank rank = 0; rank < ranks; ++rank) {
      owned_.push_back(rank == me ? nullptr
                                  : std::make_unique<PeerLink>("peer", name, transport,
                                                               std::make_unique<FakeEndpoint>()));
      links_.push_back(owned_.back().get());
    }
  }
  std::span<PeerLink* const> links() const { return links_; }

 private:
  std::vector<std::unique_ptr<PeerLink>> owned_;
  std::vector<PeerLink*> links_;
};

}  // namespace motet::test
