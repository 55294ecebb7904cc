#include "bootstrap/process_identity.hpp"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <sstream>

#include "net/address.hpp"
#include "net/own.hpp"

namespace motet {
namespace {

struct ProcessState {
  char state = '?';
  std::uint64_t started = 0;
  int wait_status = 0;
};

// /proc/PID/stat, fields 3, 22 and 52. The name before them may hold anything, but ends at the last
// ')'.
std::optional<ProcessState> read_state(std::int64_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string line;
  if (!std::getline(file, line) || line.rfind(')') == std::string::npos) return {};
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  ProcessState result;
  std::string skipped;
  fields >> result.state;
  for (int field = 4; field < 22; ++field) fields >> skipped;
  fields >> result.started;
  for (int field = 23; field < 52; ++field) fields >> skipped;
  fields >> result.wait_status;
  return fields ? std::optional(result) : std::nullopt;
}

// The kernel's struct pidfd_info and its request, newer than the headers Motet is built with:
// kernels from 6.15 keep the status of a process that has been reaped.
struct PidfdInfo {
  std::uint64_t mask, cgroup;
  std::uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  std::int32_t wait_status;
};
constexpr std::uint64_t exit_wanted = 1U << 3U;

std::optional<int> status_of_reaped(int pidfd) {
  PidfdInfo info{};
  info.mask = exit_wanted;
  if (ioctl(pidfd, _IOWR(0xFF, 11, PidfdInfo), &info) != 0) return {};
  return (info.mask & exit_wanted) != 0 ? std::optional(info.wait_status) : std::nullopt;
}

}  // namespace

ProcessIdentity ProcessIdentity::self() {
  ProcessIdentity result{machine_identity(), host_name(), getpid(), 0};
  if (const auto state = read_state(result.pid)) result.started = state->started;
  return result;
}

std::string ProcessIdentity::to_text() const {
  return fmt::format("on host {} (pid {})", host, pid);
}

Descriptor watch_process(const ProcessIdentity& process) {
  if (process.machine != machine_identity()) return {};
  Descriptor result =
      own(static_cast<int>(syscall(SYS_pidfd_open, static_cast<pid_t>(process.pid), 0U)));
  if (!result) return {};
  // After opening: now the number cannot change its owner any more.
  const auto state = read_state(process.pid);
  return state && state->started == process.started ? std::move(result) : Descriptor();
}

std::string how_it_ended(const ProcessIdentity& process, const Descriptor& watched) {
  std::optional<int> status;
  const auto state = read_state(process.pid);
  if (state && state->state == 'Z' && state->started == process.started) {
    status = state->wait_status;
  } else {
    status = status_of_reaped(watched.get());
  }
  if (!status) return {};
  if (WIFSIGNALED(*status)) return fmt::format(" (killed by signal {})", WTERMSIG(*status));
  return fmt::format(" (exited with status {})", WEXITSTATUS(*status));
}

}  // namespace motet
