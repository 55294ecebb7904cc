// The communicator of one process group: its ranks meet over the group's store.
#pragma once

#include <motet/motet.h>

#include <chrono>
#include <memory>
#include <string>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace motet::torch {

// As motet.h has it: 0 is its default.
int limit_of(std::chrono::milliseconds timeout);
// Throws c10::DistBackendError: what went wrong in a call that was given so much time.
[[noreturn]] void fail(motet_status status, const std::string& text,
                       std::chrono::milliseconds timeout);
// Likewise, with the text of this thread's last failed call, unless `status` is motet_ok.
void check(motet_status status, std::chrono::milliseconds timeout);

// Owns a motet_comm; whoever works with it keeps it.
class Communicator {
 public:
  struct Place {
    int rank = 0;
    int size = 0;
    std::chrono::milliseconds timeout{};  // of the group's calls; longer ones also of meeting
  };
  // Collective over the group. It shares its progress with the other communicators of this process.
  // `name` tells this group from all others that its store has ever seen, the same on every rank.
  // Throws c10::DistBackendError that names who is missing.
  static std::shared_ptr<Communicator> meet(const c10::intrusive_ptr<c10d::Store>& store,
                                            const std::string& name, const Place& place);
  explicit Communicator(motet_comm* comm);
  ~Communicator();
  Communicator(const Communicator&) = delete;

  motet_comm* handle() const { return comm_; }

 private:
  motet_comm* const comm_;
};

}  // namespace motet::torch
