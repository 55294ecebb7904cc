// Where a UCX worker can be reached, as text: "ucx;" and its own address in hexadecimal digits.
#pragma once

#include <string>
#include <string_view>

namespace motet::ucx {

std::string to_text(std::string_view worker_address);
// The worker's address; empty if the text is none.
std::string parse_address(std::string_view text);

}  // namespace motet::ucx
