#include "communicator/kept_arguments.hpp"

#include <span>

#include "communicator/counts.hpp"

namespace motet {

KeptArguments::KeptArguments(const Arguments& arguments, Rank me, int world_size)
    : arguments_(arguments) {
  if (arguments.details != nullptr) details_ = *arguments.details;
  if (!arguments.is_uneven()) return;
  const auto counts = counts_of(arguments, me, world_size);
  const auto received = received_counts_of(arguments, world_size);
  counts_.assign(counts.begin(), counts.end());
  received_counts_.assign(received.begin(), received.end());
}

Arguments KeptArguments::get() const {
  Arguments arguments = arguments_;
  if (arguments.details != nullptr) arguments.details = &details_;
  arguments.counts = counts_.data();
  arguments.received_counts = received_counts_.data();
  return arguments;
}

}  // namespace motet
