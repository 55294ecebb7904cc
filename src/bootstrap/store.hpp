// A place where ranks leave words for one another before they are connected.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.hpp"
#include "net/address.hpp"
#include "net/credentials.hpp"
#include "net/listening_socket.hpp"

namespace motet {

// Keys are text, values any bytes up to 64 MiB. Usable from any thread, by one at a time.
class Store {
 public:
  virtual ~Store() = default;
  // The last value set wins.
  virtual void set(const std::string& key, std::string_view value) = 0;
  // Waits until the key is there. Throws Error{timeout} naming the key.
  virtual std::string get(const std::string& key, const Deadline& deadline) = 0;
  // Without waiting: "" and false if absent.
  virtual bool try_get(const std::string& key, std::string* value) = 0;
  // Adds to a counter that starts at 0 and gives the new value. Atomic.
  virtual long add(const std::string& key, long amount) = 0;
};

// Shared by threads of one process.
std::shared_ptr<Store> in_process_store();
// A directory on a file system that all ranks see; files 0600, written by rename. Throws
// Error{system}.
std::unique_ptr<Store> file_store(const std::string& directory);
// Every key gets a prefix. `inner` must outlive it.
std::unique_ptr<Store> prefix_store(Store& inner, std::string prefix);
// A framework's own store.
struct StoreCallbacks {
  std::function<void(const std::string&, std::string_view)> set;
  std::function<std::string(const std::string&, const Deadline&)> get;
  std::function<bool(const std::string&, std::string*)> try_get;
  std::function<long(const std::string&, long)> add;
};
std::unique_ptr<Store> callback_store(StoreCallbacks callbacks);

// Served by a thread of its own in the process of rank 0, over authenticated TCP connections.
class StoreServer {
 public:
  // With `shared_secret`, it is also given to every process of the same user on this
  // machine that asks for the secret of this port (see secret.hpp). Throws as listen_on_tcp() does.
  explicit StoreServer(const Credentials& credentials, const ListenOn& where = {},
                       const std::optional<Secret>& shared_secret = {});
  ~StoreServer();
  std::vector<Address> addresses() const;
  int port() const;
  std::uint64_t dropped() const;  // strangers

 private:
  class State;
  std::unique_ptr<State> state_;
};
// Throws Error{timeout} naming the addresses and what each answered; later calls throw
// Error{unavailable} when the server has gone, Error{timeout} when it does not answer within a
// minute.
std::unique_ptr<Store> tcp_store(const std::vector<Address>& server, const Credentials& credentials,
                                 const Deadline& deadline);

}  // namespace motet
