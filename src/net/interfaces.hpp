// Which network interfaces of this host are used: all that are up, or those that the user names.
#pragma once

#include <string_view>

namespace motet {

// Whether `interface` is one of "eth0,ib*", or none of "^docker*,lo". Of an empty choice all are.
bool is_chosen(std::string_view choice, std::string_view interface);

}  // namespace motet
