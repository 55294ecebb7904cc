// Calls that every rank makes, checking every result. Ranks are processes (calls_rank.cpp) or
// threads (threads_test.cpp); a scenario throws what was wrong.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "motet/motet.h"

namespace motet::testing {

struct World {
  motet_comm* comm = nullptr;
  int rank = 0, size = 1;
  explicit World(motet_comm* of) : comm(of), rank(motet_comm_rank(of)), size(motet_comm_size(of)) {}
};

using Scenario = void (*)(const World&);
using Scenarios = std::map<std::string, Scenario>;
const Scenarios& result_scenarios();
const Scenarios& operation_scenarios();
const Scenarios& plan_scenarios();
const Scenarios& uneven_scenarios();
const Scenarios& request_scenarios();
const Scenarios& memory_scenarios();
const Scenarios& thread_scenarios();
const Scenarios& joining_scenarios();  // of processes alone
Scenario find_scenario(const std::string& name);

inline void must(motet_status status) {
  if (status != motet_ok) throw std::runtime_error(motet_last_error());
}
inline void must_be(bool fact, const std::string& what) {
  if (!fact) throw std::runtime_error("wrong: " + what);
}

motet_comm* split(motet_comm* comm, int color, int key);

// One collective of float32, summed where it combines.
struct Asked {
  motet_collective collective{};
  size_t count = 0;
  int root = 0;
  bool in_place = false;
  const char* algorithm = nullptr;
};
std::string to_text(const Asked& asked);

// A call with its buffers, which hold small integers so that sums are exact in every order.
class OneCall {
 public:
  OneCall(const Asked& asked, motet_comm* comm);
  OneCall(OneCall&&) = default;  // the buffers stay where they are

  motet_status run(int timeout_ms = 0);
  using OnDone = void (*)(motet_status status, const char* message, void* user);
  // As a request.
  motet_status start(OnDone on_done = nullptr, void* user = nullptr);
  motet_status start_unattended(OnDone on_done, void* user);
  motet_status bind(motet_plan** plan);
  // As it was before it was made, to be made again.
  void fill();
  motet_request*& request() { return request_; }
  // The result, the input unless in place, and what lies around both.
  void check() const;

 private:
  motet_status call(const motet_call& how);
  float* input();
  float* output();

  Asked asked_;
  World world_;
  std::vector<float> in_, out_;  // both with a guard around; in place: out_ alone
  motet_request* request_ = nullptr;
};

}  // namespace motet::testing
