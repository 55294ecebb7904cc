// Amounts with their units in text: "12.5 GB/s", "100 Gbit/s"; "2.5 us"; "64 KiB".
#pragma once

#include <string>

#include "base/units.hpp"
#include "topology/reader.hpp"

namespace motet {

// These throw as Reader::fail does; the bandwidth is positive, times and bytes are not negative,
// and all are within what a computer could have.
Bandwidth read_bandwidth(Reader& reader);
Seconds read_time(Reader& reader);
double read_bytes(Reader& reader);

// What is printed reads back as the same value.
std::string to_text(Bandwidth bandwidth);
std::string to_text(Seconds time);
std::string bytes_to_text(double bytes);

}  // namespace motet
