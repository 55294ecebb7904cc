// Stores without a server: within a process, and the decorators.
#include <fmt/core.h>

#include <charconv>
#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>

#include "base/error.hpp"
#include "bootstrap/store.hpp"
#include "bootstrap/store_rules.hpp"

namespace motet {
namespace {

class InProcessStore final : public Store {
 public:
  void set(const std::string& key, std::string_view value) override {
    check_entry(key, value);
    {
      const std::scoped_lock lock(mutex_);
      values_.insert_or_assign(key, std::string(value));
    }
    changed_.notify_all();
  }

  std::string get(const std::string& key, const Deadline& deadline) override {
    std::unique_lock lock(mutex_);
    while (true) {
      const auto found = values_.find(key);
      if (found != values_.end()) return found->second;
      if (deadline.passed()) throw missing_key(key, "by any thread of this process");
      changed_.wait_for(lock, deadline.left());
    }
  }

  bool try_get(const std::string& key, std::string* value) override {
    const std::scoped_lock lock(mutex_);
    const auto found = values_.find(key);
    value->clear();
    if (found == values_.end()) return false;
    *value = found->second;
    return true;
  }

  long add(const std::string& key, long amount) override {
    check_entry(key, {});
    std::optional<long> sum;
    {
      const std::scoped_lock lock(mutex_);
      std::string& value = values_[key];
      sum = counter_sum(value, amount);
      if (!sum) throw no_counter(key);
      value = std::to_string(*sum);
    }
    changed_.notify_all();
    return *sum;
  }

 private:
  std::mutex mutex_;  // guards values_
  std::condition_variable changed_;
  std::map<std::string, std::string> values_;
};

class PrefixStore final : public Store {
 public:
  PrefixStore(Store& inner, std::string prefix) : inner_(inner), prefix_(std::move(prefix)) {}

  void set(const std::string& key, std::string_view value) override {
    check_entry(key, value);
    inner_.set(prefix_ + key, value);
  }
  std::string get(const std::string& key, const Deadline& deadline) override {
    return inner_.get(prefix_ + key, deadline);
  }
  bool try_get(const std::string& key, std::string* value) override {
    return inner_.try_get(prefix_ + key, value);
  }
  long add(const std::string& key, long amount) override {
    return inner_.add(prefix_ + key, amount);
  }

 private:
  Store& inner_;
  std::string prefix_;
};

class CallbackStore final : public Store {
 public:
  explicit CallbackStore(StoreCallbacks callbacks) : callbacks_(std::move(callbacks)) {}

  void set(const std::string& key, std::string_view value) override {
    check_entry(key, value);
    callbacks_.set(key, value);
  }
  std::string get(const std::string& key, const Deadline& deadline) override {
    return callbacks_.get(key, deadline);
  }
  bool try_get(const std::string& key, std::string* value) override {
    return callbacks_.try_get(key, value);
  }
  long add(const std::string& key, long amount) override { return callbacks_.add(key, amount); }

 private:
  StoreCallbacks callbacks_;
};

}  // namespace

void check_entry(std::string_view key, std::string_view value) {
  if (key.empty() || key.size() > longest_key) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("store: a key of {} bytes (1 to {} are allowed)", key.size(), longest_key));
  }
  if (value.size() > longest_value) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("store: {} bytes for key '{}' (at most {})", value.size(), key, longest_value));
  }
}

std::optional<long> counter_sum(std::string_view text, long amount) {
  long value = 0, sum = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool number = error == std::errc() && end == text.data() + text.size();
  if (!number && !text.empty()) return {};
  return __builtin_add_overflow(value, amount, &sum) ? std::nullopt : std::optional(sum);
}

Error no_counter(std::string_view key) {
  return Error(ErrorCode::invalid_argument,
               fmt::format("store: key '{}' holds no number, or one too large to add to", key));
}

Error missing_key(std::string_view key, std::string_view by_whom) {
  return Error(ErrorCode::timeout,
               fmt::format("store: key '{}' was not set {} in time", key, by_whom));
}

std::shared_ptr<Store> in_process_store() {
  return std::make_shared<InProcessStore>();
}

std::unique_ptr<Store> prefix_store(Store& inner, std::string prefix) {
  return std::make_unique<PrefixStore>(inner, std::move(prefix));
}

std::unique_ptr<Store> callback_store(StoreCallbacks callbacks) {
  return std::make_unique<CallbackStore>(std::move(callbacks));
}

}  // namespace motet
