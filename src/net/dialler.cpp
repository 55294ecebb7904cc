#include <fmt/core.h>
#include <poll.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "net/handshake.hpp"
#include "net/handshake_messages.hpp"
#include "net/poller.hpp"
#include "net/socket.hpp"

namespace motet {
namespace {

using namespace std::chrono_literals;

constexpr auto retry_refused = 50ms;
// An acceptor that drops us will most likely do it again (another job on that port): do not flood
// it.
constexpr auto retry_rejected = 500ms;

// One address being tried.
struct Attempt {
  enum class Stage { waiting, connecting, greeted, proved };

  Address name;
  SocketAddress address;
  Descriptor socket;
  Stage stage = Stage::waiting;
  Clock::time_point next = Clock::time_point::min();  // of the next try while waiting
  Hello hello;
  AnswerBytes answer{};
  std::size_t received = 0;
  std::string problem;
};

// "Connection refused (errno 111)"
std::string text_of(int error) {
  return fmt::format("{} (errno {})", std::generic_category().message(error), error);
}

std::string status(const Attempt& attempt) {
  if (!attempt.problem.empty()) return attempt.problem;
  if (attempt.stage == Attempt::Stage::connecting) return "no answer yet";
  return "connected, but nobody has answered the handshake yet";
}

}  // namespace

class Dialler::State {
 public:
  State(Target target, const Credentials& credentials)
      : target_(std::move(target)), credentials_(credentials) {
    for (const Address& name : target_.addresses) {
      Attempt attempt;
      attempt.name = name;
      attempt.address = parse_address(name);
      attempts_.push_back(std::move(attempt));
    }
    for (std::size_t i = 0; i < attempts_.size(); ++i) start(i);
    set_timer();
  }

  std::optional<Connection> advance();
  std::string problem() const;
  int descriptor() const { return poller_.descriptor(); }

 private:
  void start(std::size_t index);
  void fail(Attempt& attempt, std::string why, std::chrono::milliseconds pause = retry_rejected);
  void greet(std::size_t index);
  void read_answer(std::size_t index);
  void choose(std::size_t index);
  std::optional<Connection> read_welcome(Attempt& attempt);
  std::optional<Connection> go_on(std::size_t index);
  void start_what_is_due();
  void set_timer();

  static constexpr std::uint64_t timer_tag = ~std::uint64_t{0};
  static constexpr std::size_t none = ~std::size_t{0};

  Target target_;
  Credentials credentials_;
  Poller poller_;
  Timer timer_;
  bool timer_added_ = false;
  std::vector<Attempt> attempts_;
  std::size_t chosen_ = none;  // the only attempt that goes on
  bool finished_ = false;
};

void Dialler::State::start(std::size_t index) {
  Attempt& attempt = attempts_[index];
  attempt.socket = open_stream_socket(attempt.address.family());
  if (!attempt.socket) return fail(attempt, text_of(errno));
  attempt.stage = Attempt::Stage::connecting;
  if (connect(attempt.socket.get(), attempt.address.get(), attempt.address.length) != 0 &&
      errno != EINPROGRESS) {
    return fail(attempt, text_of(errno), retry_refused);
  }
  if (!poller_.try_add(attempt.socket.get(), EPOLLOUT, index)) {
    fail(attempt, text_of(errno));
  }
}

void Dialler::State::fail(Attempt& attempt, std::string why, std::chrono::milliseconds pause) {
  if (attempt.socket) poller_.remove(attempt.socket.get());
  attempt.socket.reset();
  attempt.stage = Attempt::Stage::waiting;
  attempt.received = 0;
  attempt.next = Clock::now() + pause;
  attempt.problem = std::move(why);
  chosen_ = none;  // if it was this one; nobody else fails while one is chosen
}

// Connected (or not): says hello.
void Dialler::State::greet(std::size_t index) {
  Attempt& attempt = attempts_[index];
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(attempt.socket.get(), SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) return fail(attempt, text_of(error), retry_refused);
  if (attempt.address.family() == AF_UNIX && !peer_is_same_user(attempt.socket.get())) {
    return fail(attempt, "belongs to another user");
  }
  attempt.hello = {target_.purpose, credentials_.job, target_.from, target_.to, fresh_nonce()};
  // A fresh socket's buffer takes these few bytes at once, or something is wrong with it.
  const Moved sent = write_some(attempt.socket.get(), encode(attempt.hello));
  if (sent.bytes != hello_bytes) return fail(attempt, sent.why(), retry_refused);
  attempt.stage = Attempt::Stage::greeted;
  attempt.problem.clear();
  poller_.change(attempt.socket.get(), EPOLLIN, index);
}

void Dialler::State::read_answer(std::size_t index) {
  Attempt& attempt = attempts_[index];
  const Moved got =
      read_some(attempt.socket.get(), std::span(attempt.answer).subspan(attempt.received));
  attempt.received += got.bytes;
  if (got.broken()) {
    return fail(attempt,
                fmt::format("{} during the handshake (it does not know this job, this secret "
                            "or this rank)",
                            got.why()));
  }
  if (attempt.received < answer_bytes) return;
  const Answer answer = decode_answer(attempt.answer);
  if (!same(answer.proof, prove(Side::acceptor, attempt.hello, answer.nonce, credentials_.key))) {
    return fail(attempt, "does not know this job's secret");
  }
  choose(index);
}

// The first acceptor that has proved itself gets our proof, the others are left: so the acceptor
// never hands out a connection that nobody wants.
void Dialler::State::choose(std::size_t index) {
  for (Attempt& other : attempts_) {
    if (&other != &attempts_[index] && other.socket)
      fail(other, "another address was faster", retry_refused);
  }
  Attempt& attempt = attempts_[index];
  const Answer answer = decode_answer(attempt.answer);
  const Proof proof = prove(Side::dialler, attempt.hello, answer.nonce, credentials_.key);
  const Moved sent = write_some(attempt.socket.get(), std::as_bytes(std::span(proof)));
  if (sent.bytes != proof.size()) return fail(attempt, sent.why());
  attempt.stage = Attempt::Stage::proved;
  chosen_ = index;
}

std::optional<Connection> Dialler::State::read_welcome(Attempt& attempt) {
  std::byte byte{};
  const Moved got = read_some(attempt.socket.get(), std::span(&byte, 1));
  if (got.bytes == 0 && !got.broken()) return {};
  if (got.broken() || byte != welcome) {
    fail(attempt,
         fmt::format("{} at the end of the handshake", got.broken() ? got.why() : "nonsense"));
    return {};
  }
  poller_.remove(attempt.socket.get());
  finished_ = true;
  return Connection{.socket = std::move(attempt.socket),
                    .purpose = target_.purpose,
                    .job = credentials_.job,
                    .peer = target_.to,
                    .dialled = true};
}

std::optional<Connection> Dialler::State::go_on(std::size_t index) {
  Attempt& attempt = attempts_[index];
  switch (attempt.stage) {
    case Attempt::Stage::waiting:
      break;  // an event of a socket closed meanwhile
    case Attempt::Stage::connecting:
      greet(index);
      break;
    case Attempt::Stage::greeted:
      read_answer(index);
      break;
    case Attempt::Stage::proved:
      return read_welcome(attempt);
  }
  return {};
}

void Dialler::State::start_what_is_due() {
  if (chosen_ != none) return;
  const auto now = Clock::now();
  for (std::size_t i = 0; i < attempts_.size(); ++i) {
    if (attempts_[i].stage == Attempt::Stage::waiting && attempts_[i].next <= now) start(i);
  }
}

void Dialler::State::set_timer() {
  if (!timer_added_) poller_.add(timer_.descriptor(), EPOLLIN, timer_tag);
  timer_added_ = true;
  auto first = Clock::time_point::max();
  for (const Attempt& attempt : attempts_) {
    const bool due = attempt.stage == Attempt::Stage::waiting && chosen_ == none && !finished_;
    if (due && attempt.next < first) first = attempt.next;
  }
  timer_.set(first);
}

std::optional<Connection> Dialler::State::advance() {
  if (finished_) return {};
  std::optional<Connection> result;
  for (const Poller::Event event : poller_.wait(0ms)) {
    if (event.tag != timer_tag && !result) result = go_on(static_cast<std::size_t>(event.tag));
  }
  if (!result) start_what_is_due();
  set_timer();
  return result;
}

std::string Dialler::State::problem() const {
  std::string text;
  for (const Attempt& attempt : attempts_) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", attempt.name, status(attempt));
  }
  return text.empty() ? "no address is known" : text;
}

Dialler::Dialler(Target target, const Credentials& credentials)
    : state_(std::make_unique<State>(std::move(target), credentials)) {}
Dialler::~Dialler() = default;
Dialler::Dialler(Dialler&&) noexcept = default;

std::optional<Connection> Dialler::advance() {
  return state_->advance();
}
std::optional<Connection> Dialler::wait(const Deadline& deadline) {
  while (true) {
    if (auto connection = advance()) return connection;
    if (deadline.passed()) return {};
    wait_for(descriptor(), POLLIN, deadline);
  }
}

std::string Dialler::problem() const {
  return state_->problem();
}
int Dialler::descriptor() const {
  return state_->descriptor();
}

}  // namespace motet
