#include "bootstrap/secret.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "base/log.hpp"
#include "bootstrap/local_secret.hpp"
#include "net/descriptor.hpp"
#include "net/poller.hpp"
#include "net/sodium.hpp"

namespace motet {
namespace {

constexpr std::string_view id_prefix = "motet:";
constexpr int base64 = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
constexpr std::size_t shortest_passphrase = 16;
constexpr std::size_t longest_passphrase = 4096;

Error bad(const std::string& message) {
  return Error(ErrorCode::invalid_argument, message);
}

Error malformed() {
  return bad("the unique id is malformed: it must be what its maker gave, unchanged");
}

// Any text becomes a secret; what it is worth is the user's business, from 16 characters on.
Secret from_passphrase(std::string_view text, const std::string& source) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  if (text.size() < shortest_passphrase) {
    throw bad(fmt::format(
        "{} holds {} characters: at least {} are needed, e.g. from `openssl rand -hex 32`", source,
        text.size(), shortest_passphrase));
  }
  start_sodium();
  Secret secret{};
  crypto_generichash(secret.data(), secret.size(),
                     reinterpret_cast<const unsigned char*>(text.data()), text.size(), nullptr, 0);
  return secret;
}

// A pipe whose writer says nothing, and does not end either, is given up.
ssize_t read_stream(int fd, std::span<char> into, const std::string& source,
                    const Deadline& deadline) {
  if (wait_for(fd, POLLIN, deadline)) return read(fd, into.data(), into.size());
  throw Error(ErrorCode::timeout, "reading " + source + ": nothing more came in time, nor its end");
}

// From the beginning if it is a file: several ranks of one process may read the same descriptor.
std::string read_passphrase(int fd, const std::string& source, const Deadline& deadline) {
  std::string text;
  std::array<char, 512> piece{};
  while (text.size() < longest_passphrase) {
    ssize_t got = pread(fd, piece.data(), piece.size(), static_cast<off_t>(text.size()));
    if (got < 0 && errno == ESPIPE) got = read_stream(fd, piece, source, deadline);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) throw system_error("reading " + source, errno);
    if (got == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  throw bad(source + " is too long for a secret");
}

Secret secret_from_file(const std::string& path, const Deadline& deadline) {
  const std::string source = "MOTET_SECRET_FILE=" + path;
  // Not blocking: a FIFO would wait for its writer before it can be told from a file.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) throw bad(system_error(source, errno).what());
  const Descriptor file(fd);
  struct stat status {};
  if (fstat(fd, &status) != 0) throw system_error(source, errno);
  if (!S_ISREG(status.st_mode)) throw bad(source + " is no ordinary file");
  if (status.st_uid != geteuid() && status.st_uid != 0)
    throw bad(source + " belongs to another user");
  if ((status.st_mode & 077U) != 0) {
    throw bad(fmt::format("{} has mode {:04o}: others can read it; use chmod 600", source,
                          status.st_mode & 07777U));
  }
  return from_passphrase(read_passphrase(fd, source, deadline), source);
}

Secret secret_from_descriptor(const std::string& text, const Deadline& deadline) {
  const std::string source = "MOTET_SECRET_FILE=" + text;
  int fd = -1;
  const std::string_view digits = std::string_view(text).substr(3);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), fd);
  if (error != std::errc() || end != digits.data() + digits.size() || fd < 0) {
    throw bad(source + " names no descriptor, as fd:7 would");
  }
  return from_passphrase(read_passphrase(fd, source, deadline), source);
}

std::optional<Secret> given_secret(const Options& options, const Deadline& deadline) {
  if (options.secret_file.starts_with("fd:"))
    return secret_from_descriptor(options.secret_file, deadline);
  if (!options.secret_file.empty()) return secret_from_file(options.secret_file, deadline);
  if (!options.secret.empty()) return from_passphrase(options.secret, "MOTET_SECRET");
  return {};
}

FoundSecret secret_of_this_machine(const Options& options, const Deadline& deadline) {
  if (options.rank.value_or(0) != 0)
    return {fetch_local_secret(options.master_port, deadline), false};
  // A second communicator of the same job: its server is here already.
  if (const auto served = try_local_secret(options.master_port)) return {*served, false};
  return {random_secret(), true};
}

}  // namespace

FoundSecret find_secret(const Options& options, bool single_machine, const Deadline& deadline) {
  if (const auto given = given_secret(options, deadline)) return {*given, false};
  if (single_machine) return secret_of_this_machine(options, deadline);
  if (options.insecure) {
    log(LogLevel::warning,
        "event=insecure text=\"MOTET_INSECURE: whoever reaches this job's ports can join it\"");
    return {from_passphrase("no secret at all: MOTET_INSECURE", "MOTET_INSECURE"), false};
  }
  throw bad(
      "ranks on several machines need a secret: set MOTET_SECRET_FILE to a file of mode 0600 that "
      "all ranks can read, or "
      "MOTET_SECRET, on every rank (MOTET_INSECURE=1 goes on without)");
}

std::string UniqueId::to_text() const {
  start_sodium();
  std::array<char, sodium_base64_ENCODED_LEN(std::tuple_size_v<Secret>, base64)> encoded{};
  sodium_bin2base64(encoded.data(), encoded.size(), secret.data(), secret.size(), base64);
  return fmt::format("{}{}:{}:{}", id_prefix, host, port, encoded.data());
}

std::string UniqueId::printable() const {
  return fmt::format("{}{}:{}:***", id_prefix, host, port);
}

// From the right: IPv6 addresses hold colons.
UniqueId UniqueId::from_text(const std::string& text) {
  const std::size_t last = text.rfind(':');
  const std::size_t before =
      last == std::string::npos || last == 0 ? last : text.rfind(':', last - 1);
  if (!text.starts_with(id_prefix) || before == std::string::npos || before < id_prefix.size())
    throw malformed();
  UniqueId id;
  id.host = text.substr(id_prefix.size(), before - id_prefix.size());
  const std::string_view digits = std::string_view(text).substr(before + 1, last - before - 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), id.port);
  if (error != std::errc() || end != digits.data() + digits.size() || id.port < 1 ||
      id.port > 65535)
    throw malformed();
  std::size_t bytes = 0;
  const char* stopped = nullptr;
  const char* encoded = text.c_str() + last + 1;
  const bool decoded =
      sodium_base642bin(id.secret.data(), id.secret.size(), encoded, text.size() - last - 1,
                        nullptr, &bytes, &stopped, base64) == 0;
  if (!decoded || bytes != id.secret.size() || *stopped != '\0' || id.host.empty())
    throw malformed();
  return id;
}

}  // namespace motet
