#include <fcntl.h>
#include <fmt/core.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <optional>
#include <thread>
#include <utility>

#include "base/error.hpp"
#include "bootstrap/store.hpp"
#include "bootstrap/store_rules.hpp"
#include "net/descriptor.hpp"
#include "net/sodium.hpp"

namespace motet {
namespace {

using namespace std::chrono_literals;

// Network file systems do not tell when a file appears.
constexpr auto first_look = 1ms;
constexpr auto longest_look = 50ms;
constexpr auto longest_lock = 60s;  // counters are held for one read and one write

std::string hash_of(std::string_view key) {
  start_sodium();
  std::array<unsigned char, crypto_generichash_BYTES> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(key.data()),
                     key.size(), nullptr, 0);
  std::string text(2 * hash.size() + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), hash.data(), hash.size());
  text.pop_back();
  return text;
}

// Readable for people by its beginning, distinct by its hash, short enough for any file system.
std::string file_name_of(std::string_view key) {
  std::string readable(key.substr(0, 64));
  for (char& c : readable) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return readable + "-" + hash_of(key);
}

void write_all(const Descriptor& file, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) throw system_error("store: writing " + path, errno);
    if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string read_all(const Descriptor& file, const std::string& path) {
  std::string bytes;
  std::array<char, 16 * 1024> piece{};
  while (bytes.size() <= longest_value) {
    const ssize_t got = read(file.get(), piece.data(), piece.size());
    if (got < 0 && errno != EINTR) throw system_error("store: reading " + path, errno);
    if (got == 0) return bytes;
    if (got > 0) bytes.append(piece.data(), static_cast<std::size_t>(got));
  }
  throw Error(ErrorCode::invalid_argument, "store: " + path + " is too long");
}

std::optional<std::string> read_file(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 && errno == ENOENT) return {};
  if (fd < 0) throw system_error("store: opening " + path, errno);
  return read_all(Descriptor(fd), path);
}

class FileStore final : public Store {
 public:
  explicit FileStore(std::string directory) : directory_(std::move(directory)) {
    if (mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) {
      throw system_error("store: making directory " + directory_, errno);
    }
  }

  void set(const std::string& key, std::string_view value) override {
    check_entry(key, value);
    replace(path_of(key), value);
  }

  std::string get(const std::string& key, const Deadline& deadline) override {
    const std::string path = path_of(key);
    auto pause = std::chrono::milliseconds(first_look);
    while (true) {
      if (auto value = read_file(path)) return std::move(*value);
      if (deadline.passed()) throw missing_key(key, "in directory " + directory_);
      std::this_thread::sleep_for(std::min(pause, deadline.left()));
      pause = std::min<std::chrono::milliseconds>(2 * pause, longest_look);
    }
  }

  bool try_get(const std::string& key, std::string* value) override {
    auto found = read_file(path_of(key));
    *value = found ? std::move(*found) : std::string();
    return found.has_value();
  }

  long add(const std::string& key, long amount) override {
    check_entry(key, {});
    const Descriptor lock = lock_counters();
    const std::string path = path_of(key);
    const auto sum = counter_sum(read_file(path).value_or(""), amount);
    if (!sum) throw no_counter(key);
    replace(path, std::to_string(*sum));
    return *sum;
  }

 private:
  std::string path_of(std::string_view key) const { return directory_ + "/" + file_name_of(key); }

  // By rename, so that readers see the old or the new value and nothing between.
  void replace(const std::string& path, std::string_view value) const {
    const std::string draft = path + "." + Identity::random().to_text();
    const int fd = open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) throw system_error("store: creating " + draft, errno);
    write_all(Descriptor(fd), value, draft);
    if (rename(draft.c_str(), path.c_str()) != 0)
      throw system_error("store: renaming " + draft, errno);
  }

  // Locks of the open file, not of the process: threads exclude one another too, and a lock ends
  // with its holder.
  Descriptor lock_counters() const {
    const std::string path = directory_ + "/.lock";
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) throw system_error("store: opening " + path, errno);
    Descriptor file(fd);
    const Deadline deadline = Deadline::after(longest_lock);
    struct flock whole {};
    whole.l_type = F_WRLCK;
    while (fcntl(fd, F_OFD_SETLK, &whole) != 0) {
      if (errno != EAGAIN && errno != EACCES && errno != EINTR) {
        throw system_error("store: locking " + path, errno);
      }
      if (deadline.passed()) throw Error(ErrorCode::timeout, "store: " + path + " stays locked");
      std::this_thread::sleep_for(first_look);
    }
    return file;
  }

  std::string directory_;
};

}  // namespace

std::unique_ptr<Store> file_store(const std::string& directory) {
  return std::make_unique<FileStore>(directory);
}

}  // namespace motet
