#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>

#include "net/handshake.hpp"
#include "net/handshake_messages.hpp"
#include "net/listening_socket.hpp"
#include "net/poller.hpp"
#include "net/socket.hpp"

namespace motet {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_pending = 64;
constexpr auto longest_handshake = 5s;
// When all places are taken: honest diallers are done long before, so the oldest is dropped for the
// next.
constexpr auto crowded_handshake = 100ms;
constexpr auto pause_after_failure = 50ms;  // accept failed: out of descriptors or memory

// Somebody who has not proved anything yet.
struct Stranger {
  enum class Stage { hello, proof };

  Descriptor socket;
  Clock::time_point accepted;
  Stage stage = Stage::hello;
  std::size_t received = 0;
  HelloBytes hello_bytes{};
  Hello hello;
  Nonce nonce{};
  Proof proof{};

  std::span<std::byte> missing() {
    const std::span<std::byte> whole = stage == Stage::hello
                                           ? std::span<std::byte>(hello_bytes)
                                           : std::as_writable_bytes(std::span(proof));
    return whole.subspan(received);
  }
};

enum class Outcome { waits, accepted, dropped, left };

struct Job {
  Credentials credentials;
  Identity me;
};

}  // namespace

class Listener::State {
 public:
  explicit State(ListeningSocket socket)
      : addresses_(std::move(socket.addresses)), socket_(std::move(socket.socket)) {
    poller_.add(timer_.descriptor(), EPOLLIN, timer_tag);
    poller_.add(socket_.get(), EPOLLIN, socket_tag);
  }

  const std::vector<Address>& addresses() const { return addresses_; }
  void admit(const Credentials& credentials, const Identity& me) {
    jobs_.insert_or_assign(credentials.job, Job{credentials, me});
  }
  void dismiss(const Identity& job) { jobs_.erase(job); }
  std::vector<Connection> advance();
  int descriptor() const { return poller_.descriptor(); }
  std::uint64_t dropped() const { return dropped_; }

 private:
  Outcome go_on(Stranger& stranger);
  Outcome judge_hello(Stranger& stranger);
  Outcome judge_proof(Stranger& stranger);
  const Job* job_of(const Hello& hello) const;
  void settle(std::size_t index, Outcome outcome, std::vector<Connection>& accepted);
  void accept_some();
  bool accept_one();
  void drop_the_slow();
  void set_timer();

  static constexpr std::uint64_t timer_tag = ~std::uint64_t{0};
  static constexpr std::uint64_t socket_tag = ~std::uint64_t{1};

  std::vector<Address> addresses_;
  Poller poller_;
  Timer timer_;
  Descriptor socket_;
  std::map<Identity, Job> jobs_;
  std::vector<Stranger> strangers_;  // in the order of their arrival; tagged by descriptor
  Clock::time_point no_accept_before_ = Clock::time_point::min();
  bool listens_ = true;  // the listening socket is in the epoll set
  std::uint64_t dropped_ = 0;
};

Outcome Listener::State::go_on(Stranger& stranger) {
  const Moved got = read_some(stranger.socket.get(), stranger.missing());
  stranger.received += got.bytes;
  if (got.broken()) {
    // A dialler that has found a faster address leaves here: nothing strange.
    return stranger.stage == Stranger::Stage::proof ? Outcome::left : Outcome::dropped;
  }
  if (stranger.stage == Stranger::Stage::hello &&
      !may_become_hello(std::span(stranger.hello_bytes).first(stranger.received))) {
    return Outcome::dropped;
  }
  if (!stranger.missing().empty()) return Outcome::waits;
  return stranger.stage == Stranger::Stage::hello ? judge_hello(stranger) : judge_proof(stranger);
}

const Job* Listener::State::job_of(const Hello& hello) const {
  const auto found = jobs_.find(hello.job);
  return found != jobs_.end() && found->second.me == hello.to ? &found->second : nullptr;
}

Outcome Listener::State::judge_hello(Stranger& stranger) {
  const auto hello = decode_hello(stranger.hello_bytes);
  if (!hello) return Outcome::dropped;
  const Job* job = job_of(*hello);
  if (job == nullptr) return Outcome::dropped;
  stranger.hello = *hello;
  stranger.nonce = fresh_nonce();
  const Answer answer{stranger.nonce,
                      prove(Side::acceptor, *hello, stranger.nonce, job->credentials.key)};
  if (write_some(stranger.socket.get(), encode(answer)).bytes != answer_bytes) return Outcome::left;
  stranger.stage = Stranger::Stage::proof;
  stranger.received = 0;
  return Outcome::waits;
}

Outcome Listener::State::judge_proof(Stranger& stranger) {
  const Job* job = job_of(stranger.hello);
  if (job == nullptr) return Outcome::dropped;  // dismissed meanwhile
  const Proof expected = prove(Side::dialler, stranger.hello, stranger.nonce, job->credentials.key);
  if (!same(stranger.proof, expected)) return Outcome::dropped;
  const bool told = write_some(stranger.socket.get(), std::span(&welcome, 1)).bytes == 1;
  return told ? Outcome::accepted : Outcome::dropped;
}

void Listener::State::settle(std::size_t index, Outcome outcome,
                             std::vector<Connection>& accepted) {
  if (outcome == Outcome::waits) return;
  Stranger& stranger = strangers_[index];
  poller_.remove(stranger.socket.get());
  if (outcome == Outcome::dropped) ++dropped_;
  if (outcome == Outcome::accepted) {
    accepted.push_back({.socket = std::move(stranger.socket),
                        .purpose = stranger.hello.purpose,
                        .job = stranger.hello.job,
                        .peer = stranger.hello.from,
                        .dialled = false});
  }
  strangers_.erase(strangers_.begin() + static_cast<std::ptrdiff_t>(index));
}

bool Listener::State::accept_one() {
  SocketAddress from;
  from.length = sizeof from.storage;
  const int fd = accept4(socket_.get(), reinterpret_cast<sockaddr*>(&from.storage), &from.length,
                         SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) {
    const bool gone_already = errno == ECONNABORTED || errno == EINTR;
    if (!gone_already && errno != EAGAIN) no_accept_before_ = Clock::now() + pause_after_failure;
    return gone_already;
  }
  Descriptor socket(fd);
  tune_stream_socket(fd, from.family());
  const bool foreign = from.family() == AF_UNIX && !peer_is_same_user(fd);
  if (foreign || !poller_.try_add(fd, EPOLLIN, static_cast<std::uint64_t>(fd))) {
    ++dropped_;
    return true;
  }
  Stranger stranger;
  stranger.socket = std::move(socket);
  stranger.accepted = Clock::now();
  strangers_.push_back(std::move(stranger));
  return true;
}

void Listener::State::accept_some() {
  if (Clock::now() < no_accept_before_) return;
  for (std::size_t i = 0; i < most_pending && strangers_.size() < most_pending; ++i) {
    if (!accept_one()) return;
  }
}

void Listener::State::drop_the_slow() {
  const auto now = Clock::now();
  std::vector<Connection> nobody;
  while (!strangers_.empty() && strangers_.front().accepted + longest_handshake <= now) {
    settle(0, Outcome::dropped, nobody);
  }
  if (strangers_.size() == most_pending && strangers_.front().accepted + crowded_handshake <= now) {
    settle(0, Outcome::dropped, nobody);
  }
}

// Wakes the owner for the next one to drop, or to accept again.
void Listener::State::set_timer() {
  const bool crowded = strangers_.size() == most_pending;
  auto when = Clock::time_point::max();
  if (!strangers_.empty()) {
    when = strangers_.front().accepted +
           (crowded ? Clock::duration(crowded_handshake) : longest_handshake);
  }
  const bool paused = Clock::now() < no_accept_before_;
  if (paused) when = std::min(when, no_accept_before_);
  timer_.set(when);
  const bool listens = !crowded && !paused;
  if (listens != listens_) poller_.change(socket_.get(), listens ? EPOLLIN : 0U, socket_tag);
  listens_ = listens;
}

std::vector<Connection> Listener::State::advance() {
  std::vector<Connection> accepted;
  for (const Poller::Event event : poller_.wait(0ms)) {
    if (event.tag == timer_tag || event.tag == socket_tag) continue;
    const auto found =
        std::find_if(strangers_.begin(), strangers_.end(), [&](const Stranger& stranger) {
          return stranger.socket.get() == static_cast<int>(event.tag);
        });
    if (found == strangers_.end()) continue;
    settle(static_cast<std::size_t>(found - strangers_.begin()), go_on(*found), accepted);
  }
  drop_the_slow();
  accept_some();
  set_timer();
  return accepted;
}

Listener::Listener(std::unique_ptr<State> state) : state_(std::move(state)) {}
Listener::~Listener() = default;
Listener::Listener(Listener&&) noexcept = default;

Listener Listener::tcp(const ListenOn& where) {
  return Listener(std::make_unique<State>(listen_on_tcp(where)));
}

Listener Listener::local() {
  return Listener(std::make_unique<State>(listen_on_name("motet-" + Identity::random().to_text())));
}

std::vector<Address> Listener::addresses() const {
  return state_->addresses();
}
void Listener::admit(const Credentials& credentials, const Identity& me) {
  state_->admit(credentials, me);
}
void Listener::dismiss(const Identity& job) {
  state_->dismiss(job);
}
std::vector<Connection> Listener::advance() {
  return state_->advance();
}
int Listener::descriptor() const {
  return state_->descriptor();
}
std::uint64_t Listener::dropped() const {
  return state_->dropped();
}

}  // namespace motet
