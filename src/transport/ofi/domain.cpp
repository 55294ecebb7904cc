#include "transport/ofi/domain.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "net/handshake_messages.hpp"

namespace motet::ofi {

template <class Owner, class Open>
bool Domain::opened(const char* call, Owner& owner, Open&& open) {
  typename Owner::pointer handle = nullptr;
  if (!succeeded(call, open(&handle))) return false;
  owner.reset(handle);
  return true;
}

bool Domain::succeeded(const char* call, long result) {
  if (result < 0) problem_ = library_.problem(call, result);
  return result >= 0;
}

Domain::Domain(const Library& library, Info info)
    : library_(library), info_(std::move(info)), traits_(traits_of(provider())) {
  constexpr int keep = 0;
  if (traits_.variable != nullptr) ::setenv(traits_.variable, traits_.value, keep);
  static_cast<void>(open() && bind_and_enable() && find_address());
}

bool Domain::open() {
  fi_av_attr addresses{};
  addresses.type = info_->domain_attr->av_type;
  return opened("fi_fabric", fabric_,
                [&](auto to) { return library_.fabric(info_->fabric_attr, to, nullptr); }) &&
         opened("fi_domain", domain_,
                [&](auto to) { return fi_domain(fabric_.get(), info_.get(), to, nullptr); }) &&
         opened("fi_av_open", addresses_,
                [&](auto to) { return fi_av_open(domain_.get(), &addresses, to, nullptr); }) &&
         open_completions() && opened("fi_endpoint", endpoint_, [&](auto to) {
           return fi_endpoint(domain_.get(), info_.get(), to, nullptr);
         });
}

// With a descriptor to sleep on, where the provider has one.
bool Domain::open_completions() {
  fi_cq_attr wishes{};
  wishes.size = info_->tx_attr->size + info_->rx_attr->size;
  wishes.format = FI_CQ_FORMAT_MSG;
  const auto open_with = [&](fi_wait_obj wait) {
    wishes.wait_obj = wait;
    return opened("fi_cq_open", completions_,
                  [&](auto to) { return fi_cq_open(domain_.get(), &wishes, to, nullptr); });
  };
  if (!open_with(FI_WAIT_FD)) {
    problem_.clear();
    return open_with(FI_WAIT_NONE);
  }
  if (fi_control(&completions_->fid, FI_GETWAIT, &descriptor_) != 0) descriptor_ = -1;
  return true;
}

bool Domain::bind_and_enable() {
  return succeeded("fi_ep_bind", fi_ep_bind(endpoint_.get(), &addresses_->fid, 0)) &&
         succeeded("fi_ep_bind",
                   fi_ep_bind(endpoint_.get(), &completions_->fid, FI_TRANSMIT | FI_RECV)) &&
         succeeded("fi_enable", fi_enable(endpoint_.get()));
}

bool Domain::find_address() {
  std::size_t bytes = 0;
  fi_getname(&endpoint_->fid, nullptr, &bytes);  // says how many
  address_.resize(bytes);
  if (!succeeded("fi_getname", fi_getname(&endpoint_->fid, address_.data(), &bytes))) return false;
  address_.resize(bytes);
  return true;
}

bool Domain::may_be_peer(const PeerAddress& address) const {
  if (info_->addr_format == FI_ADDR_STR) {
    return !address.empty() && address.back() == std::byte{0};
  }
  return address.size() == address_.size();
}

std::optional<fi_addr_t> Domain::insert(const PeerAddress& address) {
  fi_addr_t peer = FI_ADDR_UNSPEC;
  if (!may_be_peer(address)) return {};
  if (fi_av_insert(addresses_.get(), address.data(), 1, &peer, 0, nullptr) != 1) return {};
  return peer;
}

PeerAddress Domain::address_of(fi_addr_t peer) const {
  PeerAddress address(address_.size());
  std::size_t bytes = address.size();
  fi_av_lookup(addresses_.get(), peer, address.data(), &bytes);
  return address;
}

fi_addr_t Domain::disconnect(fi_addr_t peer) {
  const PeerAddress address = address_of(peer);
  fi_av_remove(addresses_.get(), &peer, 1, 0);
  return insert(address).value_or(FI_ADDR_UNSPEC);
}

std::unique_ptr<ListenerProbe> Domain::probe(fi_addr_t peer) const {
  return std::make_unique<ListenerProbe>(library_, *info_, address_of(peer));
}

bool Domain::register_memory(void* memory, std::size_t bytes, MemoryHandle& registration) {
  if ((info_->domain_attr->mr_mode & FI_MR_LOCAL) == 0) return true;
  return opened("fi_mr_reg", registration, [&](auto to) {
    return fi_mr_reg(domain_.get(), memory, bytes, FI_SEND | FI_RECV, 0, 0, 0, to, nullptr);
  });
}

// Where Motet chooses the key it is random: a number that nobody guesses is all that keeps
// strangers from reading.
MemoryHandle Domain::register_for(Access access, std::byte* begin, std::size_t bytes) {
  const std::uint64_t rights = FI_READ | (access == Access::read_by_peers ? FI_REMOTE_READ : 0);
  fid_mr* memory = nullptr;
  const Nonce nonce = fresh_nonce();
  std::uint64_t key = 0;
  std::memcpy(&key, nonce.data(), std::min(sizeof key, info_->domain_attr->mr_key_size));
  fi_mr_reg(domain_.get(), begin, bytes, rights, 0, key, 0, &memory, nullptr);
  return MemoryHandle(memory);
}

std::uint64_t Domain::remote_address(const std::byte* begin) const {
  const bool is_virtual = (info_->domain_attr->mr_mode & FI_MR_VIRT_ADDR) != 0;
  return is_virtual ? reinterpret_cast<std::uint64_t>(begin) : 0;
}

long Domain::read(Buffer& buffer, fi_addr_t from, std::uint64_t address, std::uint64_t key) {
  if (from == FI_ADDR_UNSPEC) return -FI_ENOMEM;
  return fi_read(endpoint_.get(), buffer.memory, buffer.bytes, buffer.descriptor, from, address,
                 key, &buffer);
}

long Domain::send(Buffer& buffer, fi_addr_t to) {
  if (to == FI_ADDR_UNSPEC) return -FI_ENOMEM;
  const iovec where{buffer.memory, buffer.bytes};
  fi_msg message{};
  message.msg_iov = &where;
  message.desc = &buffer.descriptor;
  message.iov_count = 1;
  message.addr = to;
  message.context = &buffer;
  // Not fi_inject(): only a completion tells when the message needs this rank no more.
  const bool injected = traits_.injects && buffer.bytes <= info_->tx_attr->inject_size;
  return fi_sendmsg(endpoint_.get(), &message, FI_COMPLETION | (injected ? FI_INJECT : 0));
}

long Domain::receive(Buffer& buffer, std::size_t bytes) {
  return fi_recv(endpoint_.get(), buffer.memory, bytes, buffer.descriptor, FI_ADDR_UNSPEC, &buffer);
}

std::span<const Completion> Domain::completions() {
  std::array<fi_cq_msg_entry, std::tuple_size_v<decltype(read_)>> entries;
  const long count = fi_cq_read(completions_.get(), entries.data(), entries.size());
  if (count == -FI_EAVAIL) {
    read_[0] = failed_completion();
    return {read_.data(), read_[0].buffer != nullptr ? 1U : 0U};
  }
  for (long i = 0; i < count; ++i) {
    const fi_cq_msg_entry& entry = entries[static_cast<std::size_t>(i)];
    read_[static_cast<std::size_t>(i)] = {static_cast<Buffer*>(entry.op_context), entry.len, {}};
  }
  return {read_.data(), count > 0 ? static_cast<std::size_t>(count) : 0};
}

Completion Domain::failed_completion() {
  fi_cq_err_entry entry{};
  if (fi_cq_readerr(completions_.get(), &entry, 0) != 1) return {};
  return {static_cast<Buffer*>(entry.op_context), 0, library_.strerror(entry.err)};
}

bool Domain::may_sleep() {
  if (descriptor_ < 0) return false;
  fid* const watched = &completions_->fid;
  fid* watched_list[] = {watched};
  return fi_trywait(fabric_.get(), watched_list, 1) == 0;
}

}  // namespace motet::ofi
