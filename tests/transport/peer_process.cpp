// A rank in a process of its own: reads "flavour secret engine address" of its peer, answers
// "engine address", and sends blocks to it until it is killed (or the peer is gone).
#include "peer_process.hpp"

#include <algorithm>
#include <iostream>

#include "fleet.hpp"

int main() {
  using namespace motet;
  using namespace motet::test;

  std::string name, secret, identity, address;
  Transport::Peer peer;
  std::cin >> name >> secret >> identity >> address;
  const auto flavours = all_flavours();
  const auto flavour =
      std::find_if(flavours.begin(), flavours.end(),
                   [&](const Flavour& candidate) { return candidate.name == name; });
  if (flavour == flavours.end()) return 1;

  peer.credentials = Credentials::from_secret(unhex<Secret>(secret));
  peer.engine.bytes = unhex<decltype(peer.engine.bytes)>(identity);
  peer.address = unhex<std::string>(address);
  Engine me(*flavour, 1, {});
  me.transport().admit(peer.credentials);
  const Transport::Peer mine = me.as_peer(peer.credentials);
  std::cout << hex(mine.engine.bytes) << ' ' << hex(mine.address) << std::endl;
  me.connect(0, peer);
  for (std::uint32_t i = 0; me.to(0).state() != Endpoint::State::failed; ++i) {
    me.send(0, 1, i, peer_block_bytes(i));
  }
}
