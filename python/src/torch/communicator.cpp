#include "communicator.hpp"

#include <c10/util/Exception.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <mutex>
#include <vector>

namespace motet::torch {
namespace {

using std::chrono::milliseconds;

// Of all communicators that live in this process: new ones share the engine of any of them, so that
// what waits for one moves the others.
class Living {
 public:
  void add(const std::shared_ptr<Communicator>& communicator) {
    const std::scoped_lock lock(mutex_);
    std::erase_if(all_, [](const auto& one) { return one.expired(); });
    all_.push_back(communicator);
  }
  std::shared_ptr<Communicator> any() const {
    const std::scoped_lock lock(mutex_);
    for (const auto& one : all_) {
      if (auto found = one.lock()) return found;
    }
    return nullptr;
  }

 private:
  mutable std::mutex mutex_;  // guards all_
  std::vector<std::weak_ptr<Communicator>> all_;
};

Living& living() {
  static Living all;
  return all;
}

// The callbacks of motet_store: 0 is success.
int set_key(void* user, const char* key, const void* value, std::size_t bytes) {
  try {
    const auto* first = static_cast<const std::uint8_t*>(value);
    static_cast<c10d::Store*>(user)->set(key, std::vector<std::uint8_t>(first, first + bytes));
    return 0;
  } catch (const std::exception&) {
    return 1;
  }
}

int get_key(void* user, const char* key, void* value, std::size_t* bytes, int timeout_ms) {
  try {
    auto& store = *static_cast<c10d::Store*>(user);
    store.wait({key}, milliseconds(std::max(timeout_ms, 1)));  // 0 would be no limit
    const std::vector<std::uint8_t> found = store.get(key);
    std::memcpy(value, found.data(), std::min(*bytes, found.size()));
    *bytes = found.size();
    return 0;
  } catch (const std::exception&) {
    return 1;
  }
}

}  // namespace

int limit_of(milliseconds timeout) {
  constexpr milliseconds longest(std::numeric_limits<int>::max());
  return static_cast<int>(std::clamp(timeout, milliseconds(0), longest).count());
}

void fail(motet_status status, const std::string& text, milliseconds timeout) {
  if (status == motet_timeout) {
    C10_THROW_ERROR(DistBackendError,
                    c10::str("motet: Timed out waiting ", timeout.count(), "ms: ", text));
  }
  C10_THROW_ERROR(DistBackendError, c10::str("motet: ", text));
}

void check(motet_status status, milliseconds timeout) {
  if (status != motet_ok) fail(status, motet_last_error(), timeout);
}

std::shared_ptr<Communicator> Communicator::meet(const c10::intrusive_ptr<c10d::Store>& store,
                                                 const std::string& name, int rank, int size) {
  // Of its own: waiting for a key must not keep others from theirs.
  const c10::intrusive_ptr<c10d::Store> connection = store->clone();
  motet_store keys{};
  keys.size = sizeof keys;
  keys.user = connection.get();
  keys.set = set_key;
  keys.get = get_key;
  keys.name = name.c_str();
  const std::shared_ptr<Communicator> beside = living().any();
  motet_config config{};
  config.size = sizeof config;
  config.rank = rank;
  config.world_size = size;
  config.store = &keys;
  config.beside = beside == nullptr ? nullptr : beside->handle();
  config.progress_thread = 1;
  motet_comm* comm = nullptr;
  check(motet_comm_create(&config, &comm), {});
  auto communicator = std::make_shared<Communicator>(comm);
  living().add(communicator);
  return communicator;
}

Communicator::Communicator(motet_comm* comm) : comm_(comm) {}

Communicator::~Communicator() {
  motet_comm_destroy(comm_);
}

}  // namespace motet::torch
