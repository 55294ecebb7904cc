#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <exception>
#include <stdexcept>
#include <thread>
#include <utility>

#include "base/deadline.hpp"
#include "ranks.hpp"

namespace motet::test {
namespace {

// One end of a line between parent and child. Not a Descriptor: those close in forked children.
class Wire {
 public:
  explicit Wire(int fd) : fd_(fd) {}
  Wire(Wire&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Wire() { close(); }
  int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

void put(const Wire& to, const std::string& text) {
  const auto bytes = static_cast<std::uint32_t>(text.size());
  std::string message(reinterpret_cast<const char*>(&bytes), sizeof bytes);
  message += text;
  if (send(to.get(), message.data(), message.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(message.size())) {
    throw std::runtime_error("a line has closed");
  }
}

void get_bytes(const Wire& from, char* to, std::size_t bytes) {
  for (std::size_t have = 0; have < bytes;) {
    const ssize_t got = read(from.get(), to + have, bytes - have);
    if (got <= 0) throw std::runtime_error("a line has closed");
    have += static_cast<std::size_t>(got);
  }
}

std::string get(const Wire& from) {
  std::uint32_t bytes = 0;
  get_bytes(from, reinterpret_cast<char*>(&bytes), sizeof bytes);
  std::string text(bytes, '\0');
  get_bytes(from, text.data(), bytes);
  return text;
}

// Nobody leaves before all are through: peers that go away are another test's matter. Meanwhile
// this rank makes no call, which must keep nobody from finishing.
void live(const Network& network, Rank rank, int ranks, const Credentials& credentials,
          const Wire& parent, const std::function<void(RankEngine&)>& body) {
  RankEngine mine(network, rank, ranks, credentials);
  put(parent, mine.card().engine.to_text() + mine.card().address);
  std::vector<Card> cards;
  constexpr std::size_t identity_digits = 32;
  for (int i = 0; i < ranks; ++i) {
    const std::string text = get(parent);
    cards.push_back(
        {Identity::from_text(text.substr(0, identity_digits)), text.substr(identity_digits)});
  }
  mine.connect(cards);
  for (const Deadline deadline = Deadline::after(patience); !mine.connected();) {
    if (deadline.passed()) throw std::runtime_error("ranks do not connect");
    std::this_thread::yield();
  }
  mine.make_links();
  body(mine);
  put(parent, "");
  get(parent);
}

std::string life_of(const Network& network, Rank rank, int ranks, const Credentials& credentials,
                    const Wire& parent, const std::function<void(RankEngine&)>& body) {
  try {
    live(network, rank, ranks, credentials, parent, body);
    return "";
  } catch (const std::exception& error) {
    return fmt::format("rank {}: {}\n", rank, error.what());
  }
}

// Hands every child's card to all, then waits until all are through.
void attend(const std::vector<Wire>& children) {
  std::vector<std::string> cards;
  cards.reserve(children.size());
  for (const Wire& child : children) cards.push_back(get(child));
  for (const Wire& child : children) {
    for (const std::string& card : cards) put(child, card);
  }
  std::string problems;
  for (const Wire& child : children) problems += get(child);
  if (!problems.empty()) throw std::runtime_error(problems);
  for (const Wire& child : children) put(child, "");
}

}  // namespace

std::string run_processes(const Network& network, int ranks,
                          const std::function<void(RankEngine&)>& body) {
  const auto credentials = Credentials::from_secret(random_secret());
  std::vector<Wire> children;
  std::vector<pid_t> pids;
  for (Rank rank = 0; rank < ranks; ++rank) {
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) throw std::runtime_error("no line");
    Wire parent(ends[1]);
    children.emplace_back(ends[0]);
    pids.push_back(fork());
    if (pids.back() != 0) continue;
    children.clear();  // a line ends when its last owner has closed it
    const std::string problem = life_of(network, rank, ranks, credentials, parent, body);
    if (!problem.empty()) put(parent, problem);
    _exit(0);
  }
  std::string problems;
  try {
    attend(children);
  } catch (const std::exception& error) {
    problems = error.what();
  }
  children.clear();  // whoever still waits for the others ends
  for (const pid_t pid : pids) {
    int status = 0;
    waitpid(pid, &status, 0);
    if (status != 0) problems += fmt::format("process {} ended with {}\n", pid, status);
  }
  return problems;
}

}  // namespace motet::test
