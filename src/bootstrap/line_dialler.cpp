#include "bootstrap/line_dialler.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"

namespace motet {
namespace {

using namespace std::chrono_literals;

// Long enough for an address that loses a packet; the kernel would go on with ever longer pauses,
// and be in the middle of one when the rail returns.
constexpr auto longest_try = 3s;
constexpr auto rest = 1s;

}  // namespace

LineDialler::LineDialler(Ways ways, Poller& poller, std::uint64_t tag)
    : ways_(std::move(ways)), poller_(poller), tag_(tag) {}

LineDialler::~LineDialler() {
  stop();
}

void LineDialler::stop() {
  if (dialler_) poller_.remove(dialler_->descriptor());
  dialler_.reset();
  until_ = idle;
}

// In turns, so that one that never answers does not keep another from being tried.
const std::vector<Address>* LineDialler::free_way(const std::vector<std::string>& used) {
  const auto is_used = [&](const Address& address) {
    return std::ranges::find(used, host_part(address)) != used.end();
  };
  for (std::size_t i = 0; i < ways_.rails.size(); ++i) {
    const std::vector<Address>& way = ways_.rails[next_way_++ % ways_.rails.size()];
    if (!way.empty() && std::ranges::none_of(way, is_used)) return &way;
  }
  return nullptr;
}

void LineDialler::start(const std::vector<Address>& addresses, Clock::time_point now) {
  try {
    dialler_.emplace(Dialler::Target{addresses, Purpose::health, ways_.from, ways_.to},
                     ways_.credentials);
    poller_.add(dialler_->descriptor(), EPOLLIN, tag_);
    until_ = now + longest_try;
  } catch (const Error&) {  // descriptors have run out, perhaps for a while
    dialler_.reset();
    until_ = now + rest;
  }
}

void LineDialler::rest_from(Clock::time_point now) {
  stop();
  until_ = now + rest;
}

std::optional<Descriptor> LineDialler::advance(const std::vector<std::string>& used,
                                               Clock::time_point now) {
  if (dialler_) {
    auto connection = dialler_->advance();  // throws no Error: only the constructor does
    if (connection || now >= until_) rest_from(now);
    return connection ? std::optional(std::move(connection->socket)) : std::nullopt;
  }
  if (ways_.rails.size() < 2 || used.size() >= most_lines) {
    until_ = idle;
  } else if (until_ <= now) {
    until_ = now + rest;
    if (const auto* way = free_way(used)) start(*way, now);
  }
  return {};
}

Clock::time_point LineDialler::next() const {
  return until_ == idle ? Clock::time_point::max() : until_;
}

}  // namespace motet
