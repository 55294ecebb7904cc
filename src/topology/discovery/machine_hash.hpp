// By what a tuning file is found: equal on machines of one kind.
#pragma once

#include <string>

namespace motet {

// Eight hexadecimal digits, of the processor's name and how many of them there are. `proc`: for
// tests.
std::string machine_hash(const std::string& proc = "/proc");

}  // namespace motet
