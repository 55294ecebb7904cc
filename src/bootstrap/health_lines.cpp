#include "bootstrap/health_lines.hpp"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "net/socket.hpp"
#include "net/wire.hpp"

namespace motet {
namespace {

// So many the other end keeps at least until it is told that they have come.
constexpr std::uint64_t most_untold = 16;
// In place of a message's: the frame is an acknowledgement only.
constexpr std::uint64_t no_number = 0;

}  // namespace

HealthLines::~HealthLines() {
  close();
}

void HealthLines::close() {
  for (const Line& line : lines_) poller_->remove(line.socket.descriptor());
  lines_.clear();
}

bool HealthLines::add(FramedSocket socket, Standing standing, const std::string& first_words) {
  if (lost() || lines_.size() >= most || !poller_->try_add(socket.descriptor(), EPOLLIN, tag_)) {
    return false;
  }
  Line& line = lines_.emplace_back(Line{std::move(socket), standing});
  if (!first_words.empty()) line.socket.send(first_words);
  put(line, no_number, {});  // a sign for the other end, if it only proposed the line
  std::uint64_t number = sent_ - unacknowledged_.size();
  for (const std::string& message : unacknowledged_) put(line, ++number, message);
  return true;
}

void HealthLines::put(Line& line, std::uint64_t number, const std::string& message) {
  WireWriter writer;
  writer.number(number).number(received_);
  line.socket.send(writer.take() + message);
  watch(line);
}

void HealthLines::watch(const Line& line) {
  if (line.socket.broken()) return;
  const std::uint32_t events = line.socket.has_unsent() ? EPOLLIN | EPOLLOUT : EPOLLIN;
  poller_->change(line.socket.descriptor(), events, tag_);
}

void HealthLines::send(const std::string& message) {
  if (lost()) return;
  ++sent_;
  unacknowledged_.push_back(message);
  told_ = received_;
  for (Line& line : lines_) put(line, sent_, message);
}

void HealthLines::acknowledge() {
  told_ = received_;
  for (Line& line : lines_) put(line, no_number, {});
}

void HealthLines::flush() {
  for (Line& line : lines_) {
    line.socket.flush();
    watch(line);
  }
}

std::optional<std::string> HealthLines::receive() {
  for (Line& line : lines_) {
    while (const auto frame = line.socket.receive()) {
      line.standing = Standing::agreed;
      if (auto message = take(*frame)) return message;
    }
  }
  let_go_of_broken();
  return {};
}

// Nothing: another line has brought it before, or it is none.
std::optional<std::string> HealthLines::take(const std::string& frame) {
  WireReader reader(frame);
  const auto number = reader.number<std::uint64_t>();
  const auto known = std::min(reader.number<std::uint64_t>(), sent_);
  while (sent_ - unacknowledged_.size() < known) unacknowledged_.pop_front();
  if (number != received_ + 1) return {};
  ++received_;
  if (received_ - told_ >= most_untold) acknowledge();
  return std::string(reader.rest());
}

void HealthLines::let_go_of_broken() {
  std::string last;
  std::erase_if(lines_, [&](const Line& line) {
    if (!line.socket.broken()) return false;
    poller_->remove(line.socket.descriptor());
    last = line.socket.why();
    if (line.socket.closed() && line.standing == Standing::agreed && !lost()) why_ = last;
    return true;
  });
  if (lines_.empty() && !lost()) why_ = last;
}

std::vector<std::string> HealthLines::peer_hosts() const {
  std::vector<std::string> hosts;
  for (const Line& line : lines_) hosts.push_back(peer_host(line.socket.descriptor()));
  return hosts;
}

void HealthLines::wait_until_sent(const Deadline& deadline) {
  while (true) {
    std::vector<pollfd> full;
    for (const Line& line : lines_) {
      if (line.socket.can_send() && line.socket.has_unsent())
        full.push_back({line.socket.descriptor(), POLLOUT, 0});
    }
    if (full.empty() || deadline.passed()) return;
    poll(full.data(), full.size(), static_cast<int>(deadline.left().count()) + 1);
    flush();
  }
}

}  // namespace motet
