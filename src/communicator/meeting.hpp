// How ranks find each other: by a unique id, a framework's store, or the environment. Yields a
// store and the job's credentials.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/deadline.hpp"
#include "base/options.hpp"
#include "base/types.hpp"
#include "bootstrap/secret.hpp"
#include "bootstrap/store.hpp"
#include "net/credentials.hpp"
#include "net/listening_socket.hpp"

namespace motet {

struct Meeting {
  Rank rank = 0;
  int world_size = 1;
  Credentials credentials;
  std::shared_ptr<Store> store;  // null in a world of one
  std::shared_ptr<StoreServer>
      server;  // where this rank serves the store: lives as long as the job
};

ListenOn listen_on(const Options& options);

// Starts a store server in this process and gives the id that leads to it. The server is handed to
// rank 0's meeting. Throws as listen_on_tcp() does.
UniqueId create_unique_id(const ListenOn& where);

Meeting meet_by_id(const UniqueId& id, Rank rank, int world_size, const Deadline& deadline);
// Meetings of one name come one after the other, in the same order on every rank. `secret` empty:
// rank 0 makes one and leaves it in the store.
struct SharedStore {
  StoreCallbacks callbacks;
  std::string name;
  std::string secret;
};
Meeting meet_by_store(SharedStore shared, Rank rank, int world_size, const Deadline& deadline);
// RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT and what launchers set. Nothing set: a world of one.
Meeting meet_by_environment(const Options& options, const Deadline& deadline);

// "a,b" → a, b.
std::vector<std::string> split_words(const std::string& list);

// Every rank gives a value and gets everybody's, by rank. `what` names the step in the store.
// Throws Error{timeout} that names the missing ranks, the same on every rank.
std::vector<std::string> exchange(Meeting& meeting, const std::string& what,
                                  const std::string& mine, const Deadline& deadline);

// All ranks of a meeting.
std::vector<Rank> everybody(const Meeting& meeting);

// For those who give up after an exchange of that name: rank 0, whose process may serve the store,
// waits (at most 2 s) until these ranks have come here, so that they have heard why.
void part_ways(Meeting& meeting, const std::string& what, std::vector<Rank> ranks);

}  // namespace motet
