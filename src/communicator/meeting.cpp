#include "communicator/meeting.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <sstream>

#include "base/error.hpp"

namespace motet {
namespace {

// Of rank 0, for those who have not heard why they cannot meet.
constexpr std::chrono::seconds longest_parting{2};

// Servers outlive the call that starts them: until rank 0 has joined (unique id), or for later
// communicators at the same address (environment). Part of the per-process registry.
class Servers {
 public:
  void keep(std::shared_ptr<StoreServer> server) {
    const std::scoped_lock lock(mutex_);
    by_port_[server->port()] = std::move(server);
  }
  std::shared_ptr<StoreServer> find(int port) {
    const std::scoped_lock lock(mutex_);
    const auto found = by_port_.find(port);
    return found == by_port_.end() ? nullptr : found->second;
  }
  void forget(int port) {
    const std::scoped_lock lock(mutex_);
    by_port_.erase(port);
  }

 private:
  std::mutex mutex_;  // guards by_port_
  std::map<int, std::shared_ptr<StoreServer>> by_port_;
};

Servers& servers() {
  static Servers all;
  return all;
}

// Prefixes all keys, and owns what it prefixes.
class OwningPrefix final : public Store {
 public:
  OwningPrefix(std::shared_ptr<Store> inner, const std::string& prefix)
      : inner_(std::move(inner)), prefixed_(prefix_store(*inner_, prefix)) {}
  void set(const std::string& key, std::string_view value) override { prefixed_->set(key, value); }
  std::string get(const std::string& key, const Deadline& deadline) override {
    return prefixed_->get(key, deadline);
  }
  bool try_get(const std::string& key, std::string* value) override {
    return prefixed_->try_get(key, value);
  }
  long add(const std::string& key, long amount) override { return prefixed_->add(key, amount); }

 private:
  std::shared_ptr<Store> inner_;
  std::unique_ptr<Store> prefixed_;
};

// Communicators made one after the other over one store must not read each other's words. Ranks
// make them in the same order.
std::string next_generation(const std::string& store_name, Rank rank) {
  static std::mutex mutex;  // guards counts
  static std::map<std::pair<std::string, Rank>, int> counts;
  const std::scoped_lock lock(mutex);
  return fmt::format("motet/{}/", counts[{store_name, rank}]++);
}

void check_rank(Rank rank, int world_size) {
  if (world_size < 1 || rank < 0 || rank >= world_size) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("rank {} of world size {}: ranks are 0 to world size - 1", rank, world_size));
  }
}

// "10.0.0.7,host-b": names are looked up, each may have several addresses.
std::vector<Address> addresses_of(const std::string& hosts, int port) {
  std::vector<Address> addresses;
  for (const std::string& host : split_words(hosts)) {
    const auto found = resolve(host, port);
    addresses.insert(addresses.end(), found.begin(), found.end());
  }
  return addresses;
}

// Runs `body`; its errors say who was joining.
template <class Body>
auto as_rank(Rank rank, Body&& body) {
  try {
    return body();
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("rank {}: joining: {}", rank, error.what()));
  }
}

bool is_loopback(const std::string& host) {
  return host.empty() || host == "localhost" || host.starts_with("127.") || host == "::1";
}

bool is_this_machine(const std::string& host) {
  if (is_loopback(host) || host == host_name()) return true;
  const auto mine = local_addresses(0);
  return std::ranges::any_of(mine, [&](const Address& a) { return host_part(a) == host; });
}

// Launchers that give no MASTER_PORT start the ranks of a machine from one process: its number
// makes a port that the ranks agree on.
int default_port(int launcher) {
  constexpr int lowest = 20'000;
  return lowest + launcher % 10'000;
}

// torchrun's own store listens on MASTER_PORT.
int port_beside(int port) {
  constexpr int highest = 65'535;
  return port < highest ? port + 1 : port - 1;
}

}  // namespace

std::vector<std::string> split_words(const std::string& list) {
  std::vector<std::string> words;
  std::istringstream in(list);
  for (std::string word; std::getline(in, word, ',');) words.push_back(word);
  return words;
}

ListenOn listen_on(const Options& options) {
  return {.interfaces = options.interfaces, .ports = options.ports};
}

UniqueId create_unique_id(const ListenOn& where) {
  UniqueId id;
  id.secret = random_secret();
  auto server = std::make_shared<StoreServer>(Credentials::from_secret(id.secret), where);
  id.port = server->port();
  for (const Address& address : server->addresses()) {
    const std::string host = host_part(address);
    if (host.find('%') != std::string::npos) continue;  // link-local: means nothing elsewhere
    if (id.host.size() + host.size() > 120) break;      // the id has a fixed size
    id.host += (id.host.empty() ? "" : ",") + host;
  }
  servers().keep(std::move(server));
  return id;
}

Meeting meet_by_id(const UniqueId& id, Rank rank, int world_size, const Deadline& deadline) {
  check_rank(rank, world_size);
  Meeting meeting{rank, world_size, Credentials::from_secret(id.secret), nullptr, nullptr};
  if (rank == 0) {
    meeting.server = servers().find(id.port);
    servers().forget(id.port);
  }
  if (world_size == 1) return meeting;
  meeting.store = as_rank(rank, [&] {
    return tcp_store(addresses_of(id.host, id.port), meeting.credentials, deadline);
  });
  return meeting;
}

Meeting meet_by_store(SharedStore shared, Rank rank, int world_size, const Deadline& deadline) {
  check_rank(rank, world_size);
  Meeting meeting{rank, world_size, {}, nullptr, nullptr};
  if (world_size == 1) return meeting;
  const std::string prefix = (shared.name.empty() ? "" : shared.name + "/") +
                             next_generation("store " + shared.name, rank);
  meeting.store =
      std::make_shared<OwningPrefix>(callback_store(std::move(shared.callbacks)), prefix);
  if (shared.secret.empty()) {
    if (rank == 0) meeting.store->set("secret", to_hex(random_secret()));
    shared.secret = meeting.store->get("secret", deadline);
  }
  meeting.credentials = Credentials::from_secret(secret_from_hex(shared.secret));
  return meeting;
}

Meeting meet_by_environment(const Options& options, const Deadline& deadline) {
  if (!options.rank && !options.world_size) return {};
  if (!options.rank || !options.world_size) {
    throw Error(ErrorCode::invalid_argument,
                "the environment names only one of RANK and WORLD_SIZE: set both");
  }
  check_rank(*options.rank, *options.world_size);
  Meeting meeting{*options.rank, *options.world_size, {}, nullptr, nullptr};
  if (meeting.world_size == 1) return meeting;
  Options resolved = options;
  if (resolved.master_port == 0) {
    resolved.master_port = default_port(options.launcher);
  } else if (options.has_agent_store) {
    resolved.master_port = port_beside(options.master_port);
  }
  const std::string host = options.master_address.empty() ? "127.0.0.1" : options.master_address;
  const FoundSecret found =
      find_secret(resolved, is_this_machine(options.master_address), deadline);
  meeting.credentials = Credentials::from_secret(found.secret);
  if (meeting.rank == 0) {
    meeting.server = servers().find(resolved.master_port);
    if (meeting.server == nullptr) {
      meeting.server = as_rank(meeting.rank, [&] {
        return std::make_shared<StoreServer>(
            meeting.credentials, ListenOn{{}, PortRange::only(resolved.master_port)},
            found.to_be_shared ? std::optional(found.secret) : std::nullopt);
      });
      servers().keep(meeting.server);
    }
  }
  const std::string name = fmt::format("{}:{}", host, resolved.master_port);
  auto store = as_rank(meeting.rank, [&] {
    return tcp_store(addresses_of(host, resolved.master_port), meeting.credentials, deadline);
  });
  meeting.store =
      std::make_shared<OwningPrefix>(std::move(store), next_generation(name, meeting.rank));
  return meeting;
}

namespace {

// Rank 0's part of exchange(): everybody's values, or who has to be named in the error that
// everybody is to throw.
nlohmann::json collect(Store& store, const std::string& what, int world_size,
                       const Deadline& deadline) {
  std::vector<std::string> values;
  std::vector<Rank> missing;
  for (Rank rank = 0; rank < world_size; ++rank) {
    try {
      values.push_back(store.get(fmt::format("{}/{}", what, rank), deadline));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::timeout) throw;
      missing.push_back(rank);
    }
  }
  if (missing.empty()) return {{"values", values}};
  return {{"missing", missing}, {"of", world_size}};
}

}  // namespace

namespace {

// Rank 0 finds out at the deadline who is missing; the others wait a little longer to hear it.
std::string hear_of_all(Meeting& meeting, const std::string& what, const Deadline& deadline) {
  const auto later = Deadline::after(deadline.left() + std::chrono::seconds(3));
  try {
    return as_rank(meeting.rank, [&] { return meeting.store->get(what + "/all", later); });
  } catch (const Error& error) {
    if (error.code() != ErrorCode::timeout) throw;
    throw Error(ErrorCode::timeout, fmt::format("rank {}: joining: rank 0 did not come ({}): {}",
                                                meeting.rank, what, error.what()));
  }
}

}  // namespace

std::vector<Rank> everybody(const Meeting& meeting) {
  std::vector<Rank> ranks(static_cast<std::size_t>(meeting.world_size));
  std::iota(ranks.begin(), ranks.end(), 0);
  return ranks;
}

void part_ways(Meeting& meeting, const std::string& what, std::vector<Rank> ranks) {
  const auto key = [&](Rank rank) { return fmt::format("{}/heard/{}", what, rank); };
  if (meeting.rank != 0) return meeting.store->set(key(meeting.rank), "yes");
  std::erase(ranks, 0);
  const auto deadline = Deadline::after(longest_parting);
  try {
    for (const Rank rank : ranks) meeting.store->get(key(rank), deadline);
  } catch (const Error&) {
    return;  // it has ended, and hears of nothing any more
  }
}

std::vector<std::string> exchange(Meeting& meeting, const std::string& what,
                                  const std::string& mine, const Deadline& deadline) {
  if (meeting.world_size == 1) return {mine};
  as_rank(meeting.rank, [&] {
    Store& store = *meeting.store;
    store.set(fmt::format("{}/{}", what, meeting.rank), mine);
    if (meeting.rank != 0) return;
    store.set(what + "/all", collect(store, what, meeting.world_size, deadline).dump());
  });
  const auto all = nlohmann::json::parse(hear_of_all(meeting, what, deadline));
  if (!all.contains("missing")) return all["values"].get<std::vector<std::string>>();
  const auto missing = all["missing"].get<std::vector<Rank>>();
  std::vector<Rank> present(static_cast<std::size_t>(meeting.world_size));
  std::iota(present.begin(), present.end(), 0);
  std::erase_if(present, [&](Rank rank) { return std::ranges::count(missing, rank) > 0; });
  part_ways(meeting, what, present);
  throw Error(
      ErrorCode::timeout,
      fmt::format("rank {}: joining: {} of {} ranks did not come ({}): rank {}", meeting.rank,
                  missing.size(), all["of"].get<int>(), what, fmt::join(missing, ", ")));
}

}  // namespace motet
