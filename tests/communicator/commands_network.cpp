// What a host or its network does to a process. For ranks on emulated hosts, where they are root.
#include <signal.h>
#include <unistd.h>

#include <cstdlib>

#include "calls.hpp"
#include "commands.hpp"

namespace motet::testing {
namespace {

std::string seconds(int ms) {
  return std::to_string(ms / 1000) + "." + std::to_string(1000 + ms % 1000).substr(1);
}

void run(const std::string& command) {
  must_be(std::system(command.c_str()) == 0, command);
}

// link_down:AFTER_MS:FOR_MS:NIC: that NIC of this host (0: the first), from now on or later; for 0
// ms: for good.
void link_down(Rank&, const Words& words) {
  const int after = words.number(1, 0), duration = words.number(2, 0);
  const std::string link = "ip link set eth" + std::to_string(words.number(3, 0));
  std::string command = link + " down";
  if (duration > 0) command += "; sleep " + seconds(duration) + "; " + link + " up";
  run(after > 0 ? "(sleep " + seconds(after) + "; " + command + ") &" : command);
}

// stop:MS: the process runs on after that.
void stop(Rank&, const Words& words) {
  const std::string me = std::to_string(getpid());
  run("(sleep " + seconds(words.number(1, 0)) + "; kill -CONT " + me + ") &");
  raise(SIGSTOP);
}

}  // namespace

const Commands& network_commands() {
  static const Commands all{{"link_down", link_down}, {"stop", stop}};
  return all;
}

}  // namespace motet::testing
