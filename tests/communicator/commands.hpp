// What a rank can be told to do in a scenario of trouble: the words of scenario_rank's scripts.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "motet/motet.h"

namespace motet::testing {

struct Rank {
  motet_comm* comm = nullptr;
  int number = 0, size = 1;
  int timeout_ms = 0;  // of its calls
  motet_call call() const;
};

// "broadcast:5:1" is the command broadcast with the words 5 and 1.
class Words {
 public:
  explicit Words(const std::string& command);
  const std::string& name() const { return words_.front(); }
  std::string text(std::size_t index, const std::string& otherwise) const;
  int number(std::size_t index, int otherwise) const;

 private:
  std::vector<std::string> words_;
};

using Command = void (*)(Rank&, const Words&);
using Commands = std::map<std::string, Command>;
const Commands& call_commands();
const Commands& end_commands();      // of processes
const Commands& misuse_commands();   // of the interface
const Commands& network_commands();  // of hosts
const Commands& uneven_commands();   // v-forms

// "WHAT|STATUS|MS|TEXT": a line of the rank's output, which trouble_test reads.
void say(const std::string& what, motet_status status, double ms, const std::string& text);
// Makes the call, and says how it ended and how long it took.
motet_status say_how(const std::string& what, const std::function<motet_status()>& call);

}  // namespace motet::testing
