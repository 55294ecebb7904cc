#include "communicator.hpp"

#include <c10/util/Exception.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <mutex>
#include <vector>

#include "store.hpp"

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

// Never destroyed: a communicator may outlive what runs at the end of a process.
Living& living() {
  static auto* const all = new Living;
  return *all;
}

// The group's store as a motet_store.
class Keys {
 public:
  explicit Keys(const c10::intrusive_ptr<c10d::Store>& store) : store_(store) {}

  motet_store callbacks(const std::string& name) {
    motet_store result{};
    result.size = sizeof result;
    result.user = this;
    result.set = [](void* user, const char* key, const void* value, std::size_t bytes) {
      const auto* first = static_cast<const std::uint8_t*>(value);
      Keys& self = *static_cast<Keys*>(user);
      return self.attempt(
          [&] { self.store_->set(key, std::vector<std::uint8_t>(first, first + bytes)); });
    };
    result.get = [](void* user, const char* key, void* value, std::size_t* bytes, int timeout_ms) {
      Keys& self = *static_cast<Keys*>(user);
      bool is_here = false;
      const int failed = self.attempt([&] {
        is_here = comes(*self.store_, key, milliseconds(timeout_ms));
        if (!is_here) return;
        const std::vector<std::uint8_t> found = self.store_->get(key);
        std::memcpy(value, found.data(), std::min(*bytes, found.size()));
        *bytes = found.size();
      });
      return is_here ? failed : 1;
    };
    result.name = name.c_str();
    return result;
  }
  // Why it failed first, but for keys that did not come; "" if it has not.
  const std::string& why() const { return why_; }

 private:
  template <class Body>
  int attempt(Body&& body) {
    try {
      body();
      return 0;
    } catch (const c10::Error& error) {
      note(error.what_without_backtrace());
    } catch (const std::exception& error) {
      note(error.what());
    }
    return 1;
  }
  void note(const char* text) {
    if (why_.empty()) why_ = text;
  }

  const c10::intrusive_ptr<c10d::Store> store_;
  std::string why_;
};

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
                                                 const std::string& name, const Place& place) {
  // Ranks may come as late to a group as to its calls, but a short limit is meant for those alone.
  constexpr std::chrono::minutes usual_setup(2);
  Keys keys(store);
  const motet_store callbacks = keys.callbacks(name);
  const std::shared_ptr<Communicator> beside = living().any();
  motet_config config{};
  config.size = sizeof config;
  config.rank = place.rank;
  config.world_size = place.size;
  config.store = &callbacks;
  config.setup_timeout_ms = place.timeout > usual_setup ? limit_of(place.timeout) : 0;
  config.beside = beside == nullptr ? nullptr : beside->handle();
  config.progress_thread = 1;
  motet_comm* comm = nullptr;
  if (motet_comm_create(&config, &comm) != motet_ok) {
    const std::string said = keys.why().empty() ? "" : c10::str("; the store: ", keys.why());
    C10_THROW_ERROR(DistBackendError, c10::str("motet: ", motet_last_error(), said));
  }
  auto communicator = std::make_shared<Communicator>(comm);
  living().add(communicator);
  return communicator;
}

Communicator::Communicator(motet_comm* comm) : comm_(comm) {}

Communicator::~Communicator() {
  motet_comm_destroy(comm_);
}

}  // namespace motet::torch
