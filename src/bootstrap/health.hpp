// Who is alive and who is where: one small thread per process, apart from the data path.
//
// Every rank of a job keeps an authenticated connection to the hub, which runs in rank 0's process;
// where rank 0 has several rails, two by different ones. The hub sees deaths (by pidfd for
// processes of its own machine, else by the closed connection), asks everybody for their latest
// calls when somebody has waited long, and floods one verdict, so that all survivors report the
// same.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/deadline.hpp"
#include "base/error.hpp"
#include "base/types.hpp"
#include "bootstrap/store.hpp"
#include "net/listening_socket.hpp"

namespace motet {

// The counts of a v-form that all ranks give alike: enough to compare and to quote them.
struct CountsRecord {
  static constexpr std::size_t most_quoted = 8;
  std::uint32_t ranks = 0;   // 0: the call has none
  std::uint32_t digest = 0;  // of all counts
  // Of the first ranks; what is longer, as the longest there is.
  std::array<std::uint32_t, most_quoted> first{};

  static CountsRecord of(std::span<const std::size_t> counts);
  bool operator==(const CountsRecord&) const = default;
};

// What a rank called: enough to quote it.
struct CallRecord {
  std::uint64_t sequence = 0;  // 0: none; counts the collectives of one communicator from 1
  Collective collective{};
  DataType type{};
  ReduceOp op{};
  Rank root = 0;
  // Elements, as the caller gave it. v-forms: of all ranks where all know that, else this rank's.
  std::uint64_t count = 0;
  bool is_uneven = false;  // a v-form
  CountsRecord counts{};
  bool operator==(const CallRecord&) const = default;
};
// "allreduce #17 (1 MiB float32 sum)", "allgatherv #3 (24 B int32 in parts of 1 2 3)"
std::string to_text(const CallRecord& record);
// "rank 5 has left the communicator after allreduce #16 (...)"
std::string left_text(Rank rank, const CallRecord& last);
// Whether two ranks' calls with one sequence number may belong together.
bool agree(const CallRecord& a, const CallRecord& b);

// The last calls of one rank on one communicator. Written by the caller's thread on every call
// without locks, read by the health thread at any time.
class CallLog {
 public:
  // More than a rank can be ahead of another (max_ahead), so that their records have calls in
  // common.
  static constexpr int kept = 128;
  // What is kept of a call, but for its sequence.
  struct Words {
    Words() = default;
    explicit Words(const CallRecord& record);
    std::uint64_t count = 0, rest = 0;
    std::array<std::uint64_t, 5> counts{};  // of v-forms
  };
  // One cache line; no fence but release stores. The odd version announces the words to come. That
  // order is kept: who sees a new word sees the odd version or a later one, so a reader that finds
  // the same even version before and after has read one call.
  void write(std::uint64_t sequence, const Words& words) noexcept {
    Entry& entry = entries_[sequence % kept];
    entry.version.store(2 * sequence - 1, std::memory_order_relaxed);
    entry.word[0].store(words.count, std::memory_order_release);
    entry.word[1].store(words.rest, std::memory_order_release);
    entry.version.store(2 * sequence, std::memory_order_release);
  }
  // The same with the counts of a v-form.
  void write_uneven(std::uint64_t sequence, const Words& words) noexcept;
  void write(const CallRecord& record) noexcept {
    if (record.is_uneven) return write_uneven(record.sequence, Words(record));
    write(record.sequence, Words(record));
  }
  std::vector<CallRecord> read() const;  // newest last; torn entries are left out
  // The communicator has been destroyed here: no further call will come.
  void close() noexcept { closed_.store(true, std::memory_order_release); }
  bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

 private:
  struct alignas(64) Entry {
    std::atomic<std::uint64_t> version{0};  // odd while being written; 2 × sequence when complete
    std::array<std::atomic<std::uint64_t>, 7> word{};  // the last five of v-forms alone
  };
  std::array<Entry, kept> entries_;
  std::atomic<bool> closed_{false};
};

// What the hub decided: the first cause, the same text on every rank. {ErrorCode::peer_lost, "rank
// 7 on host b is gone (killed by signal 9)"} or {ErrorCode::invalid_argument, "ranks call different
// collectives: rank 0: ..., rank 1: ..."}.
struct Verdict {
  ErrorCode code{};
  std::string text;
};

// A rank's membership of a job. Created collectively (collective over `store`, which only has to
// live during the call).
class Health {
 public:
  struct Member {
    Rank rank = 0;  // in the job
    int world_size = 1;
    Identity engine;
    ListenOn listen_on{};              // rank 0: for the hub
    std::vector<std::string> rails{};  // rank 0: interfaces by which it can be reached, apart
  };
  // Rank 0 starts the hub and publishes its address in the store; everybody connects. Throws Error
  // naming who is missing.
  static std::unique_ptr<Health> join(const Member& member, const Credentials& credentials,
                                      Store& store, const Deadline& deadline);
  ~Health();  // leaves: an orderly goodbye, not a death

  // A communicator of the job: `members` are job ranks in the order of its ranks. `on_verdict` is
  // called at most once, from the health thread, with no lock held; after unwatch() returns it is
  // not and will not be running.
  void watch(std::uint32_t communicator, std::vector<Rank> members,
             std::shared_ptr<const CallLog> log, std::function<void(const Verdict&)> on_verdict);
  void unwatch(std::uint32_t communicator);  // also tells the hub that this rank has left it

  // This rank has waited 200 ms in call `sequence`: compare records. A differing call of another
  // member, or a member that has left or died, becomes a verdict for all; agreeing ones become
  // nothing. Any thread; does not block.
  void report_wait(std::uint32_t communicator, std::uint64_t sequence);
  // This rank gives up on the communicator (its own error, a timeout, abort()): flooded as a
  // verdict to all members.
  void report_failure(std::uint32_t communicator, const Verdict& verdict);
  // Asks who is where, for the text of a timeout: "rank 2: in allreduce #16; rank 5 does not
  // answer". Waits until `deadline`.
  std::string where_is_everybody(std::uint32_t communicator, std::uint64_t sequence,
                                 const Deadline& deadline);

 private:
  class State;
  explicit Health(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace motet
