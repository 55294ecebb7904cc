#include "transport/rails/retained.hpp"

#include <cstring>
#include <new>
#include <utility>

namespace motet::rails {

Packet pack(const Header& header, const void* data, flow::BufferPool& pool) {
  Packet packet{.header = header, .memory = pool.take(sizeof(Label) + header.bytes)};
  packet.header.bytes += sizeof(Label);
  new (packet.memory.get()) Label{.header = header, .kind = Kind::block};
  if (header.bytes > 0) std::memcpy(packet.memory.get() + sizeof(Label), data, header.bytes);
  return packet;
}

void Retained::keep(Packet packet) {
  packets_.push_back(std::move(packet));
  ++next_number_;
}

void Retained::release_below(std::uint64_t number) {
  while (!packets_.empty() && packets_.front().number() < number) {
    if (packets_.front().lane == no_lane) --waiting_;
    packets_.pop_front();
  }
}

std::size_t Retained::take_from(std::size_t lane) {
  std::size_t taken = 0;
  for (Packet& packet : packets_) {
    if (packet.lane != lane) continue;
    packet.lane = no_lane;
    ++taken;
  }
  waiting_ += taken;
  return taken;
}

}  // namespace motet::rails
