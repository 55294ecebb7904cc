#include "fleet.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <ostream>
#include <stdexcept>
#include <thread>

#include "base/deadline.hpp"
#include "base/options.hpp"
#include "transport/fault/fault_transport.hpp"
#include "transport/ofi/ofi_transport.hpp"
#include "transport/rails/packet.hpp"
#include "transport/rails/rails_transport.hpp"
#include "transport/tcp/tcp_transport.hpp"

namespace motet::test {
namespace {

// Rare enough to finish soon, frequent enough to happen in every test.
constexpr const char* faults = "seed=7,delay=3,full=0.1,reorder=0.2";

std::uint64_t word(std::uint64_t seed, std::uint64_t index) {
  return (seed + index + 1) * 0x9e3779b97f4a7c15;
}

[[noreturn]] void give_up(const std::string& what) {
  throw std::runtime_error(fmt::format("waited {} s for: {}", patience.count(), what));
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Flavour& flavour) {
  return out << flavour.name;
}

// Two rails where there is one interface, each in trouble of its own.
std::unique_ptr<Transport> open_troubled_rails(const TransportOptions& options) {
  std::vector<rails::Rail> two;
  for (const char* name : {"one", "other"}) {
    TransportOptions longer = options;
    longer.block_bytes += sizeof(rails::Label);
    two.push_back(
        {name, inject_faults(tcp_transport.open(longer), parse_fault_plan(faults), name)});
  }
  return join_rails(std::move(two), options.name);
}

std::vector<Flavour> all_flavours() {
  std::vector<Flavour> flavours{{"rails",
                                 [](TransportOptions options) {
                                   options.rails = {"lo", "lo"};
                                   return rails_transport.open(options);
                                 }},
                                {"rails_fault_tcp", open_troubled_rails}};
  if (ofi_transport.unavailable_because().empty()) {
    flavours.push_back({"rails_ofi", [](TransportOptions options) {
                          options.named_rails = {"*", "*"};  // any device, twice
                          return ofi_transport.open(options);
                        }});
  }
  for (const TransportInfo& info : transports()) {
    if (!info.unavailable_because().empty() || info.name == rails_transport.name) continue;
    flavours.push_back({std::string(info.name), info.open});
    flavours.push_back(
        {"fault_" + std::string(info.name), [&info](const TransportOptions& options) {
           return inject_faults(info.open(options), parse_fault_plan(faults), options.name);
         }});
  }
  return flavours;
}

void fill(std::byte* to, std::size_t bytes, std::uint64_t seed) {
  for (std::size_t at = 0; at < bytes; at += sizeof(std::uint64_t)) {
    const std::uint64_t value = word(seed, at);
    std::memcpy(to + at, &value, std::min(sizeof value, bytes - at));
  }
}

bool is_filled(const std::byte* data, std::size_t bytes, std::uint64_t seed) {
  for (std::size_t at = 0; at < bytes; at += sizeof(std::uint64_t)) {
    const std::uint64_t value = word(seed, at);
    if (std::memcmp(data + at, &value, std::min(sizeof value, bytes - at)) != 0) return false;
  }
  return true;
}

Key key_of(std::uint32_t stream, std::uint32_t index) {
  return Key{stream} << 32 | index;
}

Header header_of(std::uint32_t stream, std::uint32_t index, std::size_t bytes) {
  return {.key = key_of(stream, index),
          .fingerprint = stream ^ 0x5a5a5a5a,
          .consumed = index * 3,
          .bytes = static_cast<std::uint32_t>(bytes),
          .stream = stream};
}

void expect_block(const Arrival& arrival, std::uint32_t stream, std::uint32_t index,
                  std::size_t bytes) {
  const Header& got = arrival.header;
  const Header wanted = header_of(stream, index, bytes);
  if (got.key != wanted.key || got.fingerprint != wanted.fingerprint ||
      got.consumed != wanted.consumed || got.bytes != wanted.bytes || got.stream != wanted.stream) {
    throw std::runtime_error(fmt::format(
        "expected block {} of stream {} with {} bytes; key {:#x} of stream {} with {} bytes came",
        index, stream, bytes, got.key, got.stream, got.bytes));
  }
  if (!is_filled(arrival.data, bytes, wanted.key)) {
    throw std::runtime_error(fmt::format("block {} of stream {} has other bytes", index, stream));
  }
}

Engine::Engine(const Flavour& flavour, int rank, const TransportOptions& options) : rank_(rank) {
  TransportOptions mine = options;
  mine.engine = identity_;
  mine.reads_at_any_price = true;
  mine.name = fmt::format("rank {}", rank);
  if (mine.ofi_provider.empty()) mine.ofi_provider = Options::from_environment().ofi_provider;
  transport_ = flavour.open(mine);
  block_.resize(transport_->max_block_bytes());
}

Transport::Peer Engine::as_peer(const Credentials& credentials) const {
  return {.address = transport_->address(),
          .engine = identity_,
          .name = fmt::format("rank {}", rank_),
          .credentials = credentials};
}

void Engine::connect(const Engine& peer, const Credentials& credentials) {
  connect(peer.rank(), peer.as_peer(credentials));
}

void Engine::connect(int peer_rank, const Transport::Peer& peer) {
  const auto index = static_cast<std::size_t>(peer_rank);
  if (endpoints_.size() <= index) endpoints_.resize(index + 1);
  endpoints_[index] = transport_->connect(peer);
}

bool Engine::all_ready() const {
  for (const auto& endpoint : endpoints_) {
    if (endpoint != nullptr && endpoint->state() != Endpoint::State::ready) return false;
  }
  return true;
}

void Engine::until(const std::function<bool()>& done, const std::string& what) {
  const Deadline deadline = Deadline::after(patience);
  while (!done()) {
    if (deadline.passed()) give_up(fmt::format("rank {}: {}", rank_, what));
    if (!transport_->progress() && sleep(done)) return;
  }
}

bool Engine::sleep(const std::function<bool()>& done) {
  transport_->announce_sleep();
  const bool moved = transport_->progress();
  const bool finished = !moved && done();
  if (!moved && !finished) {
    std::vector<pollfd> wakers;
    for (const int descriptor : transport_->descriptors())
      wakers.push_back({descriptor, POLLIN, 0});
    // A lost wake-up costs all patience, so that the test fails.
    ::poll(wakers.data(), wakers.size(),
           static_cast<int>(std::chrono::milliseconds(patience).count()));
  }
  transport_->announce_wake();
  return finished;
}

void Engine::send(int peer, std::uint32_t stream, std::uint32_t index, std::size_t bytes) {
  const Header header = header_of(stream, index, bytes);
  fill(block_.data(), bytes, header.key);
  until([&] { return to(peer).send(header, block_.data()); },
        fmt::format("room for block {} of stream {} to rank {}", index, stream, peer));
}

void Engine::receive(int peer, std::uint32_t stream, std::uint32_t index, std::size_t bytes) {
  if (take_from_aside(peer, stream, index, bytes)) return;
  const auto next_of_stream = [&] {
    while (const Arrival* front = to(peer).front()) {
      if (front->header.stream == stream) return true;
      kept_.push_back({peer, to(peer).set_aside()});
    }
    return false;
  };
  until(next_of_stream, fmt::format("block {} of stream {} from rank {}", index, stream, peer));
  expect_block(*to(peer).front(), stream, index, bytes);
  to(peer).pop();
}

bool Engine::take_from_aside(int peer, std::uint32_t stream, std::uint32_t index,
                             std::size_t bytes) {
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) {
    return kept.peer == peer && kept.block->arrival().header.stream == stream;
  });
  if (found == kept_.end()) return false;
  expect_block(found->block->arrival(), stream, index, bytes);
  kept_.erase(found);
  return true;
}

void Engine::flush() {
  for (const auto& endpoint : endpoints_) {
    if (endpoint == nullptr) continue;
    until([&] { return endpoint->flushed(); }, "everything to be flushed");
  }
}

Fleet::Fleet(const Flavour& flavour, int ranks, const TransportOptions& options)
    : credentials_(Credentials::from_secret(random_secret())) {
  for (int rank = 0; rank < ranks; ++rank) {
    engines_.push_back(std::make_unique<Engine>(flavour, rank, options));
    engines_.back()->transport().admit(credentials_);
  }
}

void Fleet::connect() {
  for (auto& mine : engines_) {
    for (auto& peer : engines_) {
      if (mine != peer) mine->connect(*peer, credentials_);
    }
  }
  const auto ready = [&] {
    for (const auto& engine : engines_) {
      if (!engine->all_ready()) return false;
    }
    return true;
  };
  until(ready, "all endpoints to be ready");
}

void Fleet::until(const std::function<bool()>& done, const std::string& what) {
  const Deadline deadline = Deadline::after(patience);
  while (!done()) {
    if (deadline.passed()) give_up(what);
    bool moved = false;
    for (const auto& engine : engines_)
      moved |= engine != nullptr && engine->transport().progress();
    if (!moved) std::this_thread::yield();
  }
}

void Fleet::run(const std::function<void(Engine&)>& rank) {
  std::vector<std::exception_ptr> problems(engines_.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < engines_.size(); ++i) {
    threads.emplace_back([&, i] {
      try {
        rank(*engines_[i]);
        engines_[i]->flush();
      } catch (...) {
        problems[i] = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& problem : problems) {
    if (problem != nullptr) std::rethrow_exception(problem);
  }
}

Fleet connected_fleet(const Flavour& flavour, int ranks, const TransportOptions& options) {
  Fleet fleet(flavour, ranks, options);
  fleet.connect();
  return fleet;
}

}  // namespace motet::test
