// Collective calls as motet-perf makes them, from run-time type, op and kind.
#pragma once

#include <memory>
#include <motet/motet.hpp>
#include <span>
#include <vector>

#include "options.hpp"
#include "pattern.hpp"

namespace motet_perf {

struct Call {
  Shape shape;
  TypeRow type;
  OpRow op;
  const std::byte* in;
  std::byte* out;
  std::vector<std::size_t> counts{};    // of v-forms: part_counts(shape)
  std::vector<std::size_t> received{};  // of alltoallv
  bool wait_after = false;              // of several: for all that have begun
};

// With the counts that the call of `rank` needs, and no buffers.
Call call_of(const Shape& shape, const TypeRow& type, const OpRow& op, int rank);

// What the library expects of the call; of sendrecv, which is two, zeros. Throws motet::Error.
motet_prediction expect(const motet::Communicator& comm, const Call& call, const How& how);

// Calls as they are made many times, anew each time or by plans. One blocks. Several are a step:
// each begins at once, and all are waited for where a call says so and at the end. sendrecv sends
// to the next rank while it receives from the previous one. Refers to all that it is given.
class Repeated {
 public:
  // Throws motet::Error.
  Repeated(const motet::Communicator& comm, std::span<const Call> calls, const How& how);
  ~Repeated();
  Repeated(const Repeated&) = delete;
  Repeated& operator=(const Repeated&) = delete;

  // All of them, once. Throws motet::Error.
  void run();

 private:
  struct FreePlan {
    void operator()(motet_plan* plan) const noexcept { (void)motet_plan_free(plan); }
  };
  using Forward = motet_status (*)(motet_comm*, const Call&, const motet_call*);

  // One call of the library's.
  struct Piece {
    Forward forward;
    const Call* call;
    motet_call options;
    bool wait_after;
    std::unique_ptr<motet_plan, FreePlan> plan{};  // none if it is made anew
    motet_request* request = nullptr;              // while it is under way
  };

  static std::vector<Forward> forwards(const Call& call);
  void bind(Piece& piece) const;
  void block_on(Piece& piece) const;
  void start(Piece& piece) const;

  motet_comm* comm_;
  std::vector<Piece> pieces_;
};

// Runs them once, without plans. Throws motet::Error.
void invoke(const motet::Communicator& comm, std::span<const Call> calls, const How& how);

}  // namespace motet_perf
