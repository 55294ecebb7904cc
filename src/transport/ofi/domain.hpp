// An endpoint of libfabric on one network device, with all that it hangs on. Reliable datagrams to
// any number of peers; what has ended comes out of completions().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "transport/ofi/library.hpp"
#include "transport/ofi/listener_probe.hpp"
#include "transport/ofi/peer_address.hpp"
#include "transport/ofi/providers.hpp"

namespace motet::ofi {

struct Line;

// A piece of memory that libfabric sends from or receives into, and what it is used for.
struct Buffer {
  fi_context2 context{};  // libfabric's while an operation is under way; first: that names it
  std::byte* memory = nullptr;
  void* descriptor = nullptr;    // of its registration, if the provider wants one
  std::size_t bytes = 0;         // of the message
  Line* line = nullptr;          // which sends it; null: it receives, or is read into
  bool is_read = false;          // by a ReadBuffer (reads.hpp)
  std::uint32_t connection = 0;  // of its line's route, by which it is sent
  Buffer* next = nullptr;
};

// What has become of an operation.
struct Completion {
  Buffer* buffer = nullptr;
  std::size_t bytes = 0;  // received
  std::string problem;    // "": none
};

class Domain {
 public:
  // Opens it. If that fails problem() says where, and nothing else may be called.
  Domain(const Library& library, Info info);
  Domain(const Domain&) = delete;
  Domain& operator=(const Domain&) = delete;

  const std::string& problem() const { return problem_; }
  // "fi_send: No route to host", of what a call has returned.
  std::string describe(const char* call, long result) const {
    return library_.problem(call, result);
  }
  std::string_view provider() const { return info_->fabric_attr->prov_name; }
  const Provider& traits() const { return traits_; }
  std::string_view device() const { return info_->domain_attr->name; }
  std::size_t max_message_bytes() const { return info_->ep_attr->max_msg_size; }
  std::size_t sends_at_once() const { return info_->tx_attr->size; }

  // For peers.
  const PeerAddress& address() const { return address_; }
  bool may_be_peer(const PeerAddress& address) const;
  // Nothing if the provider refuses the address.
  std::optional<fi_addr_t> insert(const PeerAddress& address);
  // Gives up the connection to the peer: the next message makes another. Only while there is one:
  // right after a message to the peer was accepted. What it is called from now on; unspecified if
  // memory has run out: then it is sent nothing any more.
  fi_addr_t disconnect(fi_addr_t peer);
  // Asks whether anybody still listens there.
  std::unique_ptr<ListenerProbe> probe(fi_addr_t peer) const;

  // Null where the provider does not ask for it. False if it refuses: then problem() has the
  // reason.
  [[nodiscard]] bool register_memory(void* memory, std::size_t bytes, MemoryHandle& registration);

  // Whether peers' memory can be read.
  bool reads() const { return (info_->caps & FI_REMOTE_READ) != 0; }
  // For that; null if the provider refuses.
  enum class Access : std::uint8_t {
    read_into,
    read_by_peers  // and read into
  };
  MemoryHandle register_for(Access access, std::byte* begin, std::size_t bytes);
  // How peers name the first of its bytes.
  std::uint64_t remote_address(const std::byte* begin) const;

  // Each 0, -FI_EAGAIN or what went wrong.
  long send(Buffer& buffer, fi_addr_t to);
  long receive(Buffer& buffer, std::size_t bytes);
  // Into the buffer, as many bytes as it has.
  long read(Buffer& buffer, fi_addr_t from, std::uint64_t address, std::uint64_t key);
  // Some of what has ended; valid until the next call. Also gives the provider its time.
  std::span<const Completion> completions();

  // Readable when something happens, once may_sleep() has said so; -1: the provider has none.
  int descriptor() const { return descriptor_; }
  bool may_sleep();

  // Before the memory goes that it sends from and receives into.
  void close_endpoint() { endpoint_.reset(); }
  bool is_open() const { return endpoint_ != nullptr; }

 private:
  template <class Owner, class Open>
  bool opened(const char* call, Owner& owner, Open&& open);
  bool succeeded(const char* call, long result);
  bool open();
  bool open_completions();
  bool bind_and_enable();
  bool find_address();
  Completion failed_completion();
  PeerAddress address_of(fi_addr_t peer) const;

  const Library library_;
  const Info info_;
  const Provider traits_;
  std::string problem_;
  FabricHandle fabric_;
  DomainHandle domain_;
  AddressesHandle addresses_;
  CompletionsHandle completions_;
  EndpointHandle endpoint_;
  int descriptor_ = -1;
  PeerAddress address_;
  std::array<Completion, 16> read_;
};

}  // namespace motet::ofi
