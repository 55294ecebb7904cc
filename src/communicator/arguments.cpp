#include "communicator/arguments.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <limits>

#include "base/error.hpp"
#include "communicator/counts.hpp"

namespace motet {
namespace {

[[noreturn]] void refuse(const Arguments& arguments, const std::string& why) {
  throw Error(ErrorCode::invalid_argument, fmt::format("{}{}: {}", name(arguments.collective),
                                                       arguments.is_uneven() ? "v" : "", why));
}

}  // namespace

std::size_t element_bytes(const Arguments& a) {
  const bool is_users = a.op == ReduceOp::user && a.details != nullptr;
  return is_users ? a.details->reduction->element_bytes : element_bytes(a.type);
}

bool commutes(const Arguments& a) {
  return a.op != ReduceOp::user || a.details->commutative;
}

namespace {

void check_operation(const Arguments& a) {
  if (!reduces(a.collective) || static_cast<int>(a.op) < reduce_op_count) return;
  refuse(a, fmt::format("operation {} does not exist", static_cast<int>(a.op)));
}

void check_detail(const Arguments& a, ReduceOp op, bool given, const char* member) {
  const bool needed = reduces(a.collective) && a.op == op;
  if (needed && !given) {
    refuse(a, fmt::format("{} needs a motet_call with its member `{}`", name(op), member));
  }
  if (needed || !given) return;
  const std::string instead = fmt::format("the operation is {}", name(a.op));
  refuse(a, fmt::format("a {} is given, but {}", member,
                        reduces(a.collective) ? instead : "nothing is combined"));
}

void check_user_element(const Arguments& a) {
  const std::size_t bytes = element_bytes(a);
  if (bytes > max_user_element_bytes) {
    refuse(a,
           fmt::format("elements of {} bytes are longer than {}", bytes, max_user_element_bytes));
  }
  if (bytes % element_bytes(a.type) != 0) {
    refuse(a, fmt::format("elements of {} bytes are not made of {}", bytes, name(a.type)));
  }
}

}  // namespace

void check_details(const Arguments& a) {
  check_operation(a);
  const bool none = a.details == nullptr;
  check_detail(a, ReduceOp::premul_sum, !none && a.details->scale, "scale");
  check_detail(a, ReduceOp::user, !none && a.details->reduction, "reduction");
}

void check_words(const Arguments& a, Rank me, int world_size) {
  if (static_cast<int>(a.collective) >= collective_count) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("collective {} does not exist", static_cast<int>(a.collective)));
  }
  if (static_cast<int>(a.type) >= data_type_count) {
    refuse(a, fmt::format("type {} does not exist", static_cast<int>(a.type)));
  }
  check_operation(a);
  if (a.op == ReduceOp::user) {
    check_user_element(a);
  } else if (reduces(a.collective) && !is_defined(a.op, a.type)) {
    refuse(a, fmt::format("{} is not defined for {}", name(a.op), name(a.type)));
  }
  const bool names_rank = has_root(a.collective) || is_point_to_point(a.collective);
  if (names_rank && (a.root < 0 || a.root >= world_size)) {
    refuse(a,
           fmt::format("{} {} is not a rank: there are 0 to {}",
                       is_point_to_point(a.collective) ? "peer" : "root", a.root, world_size - 1));
  }
  if (is_point_to_point(a.collective) && a.root == me) refuse(a, "a rank cannot be its own peer");
  const std::size_t most = std::numeric_limits<std::size_t>::max() / 2 / element_bytes(a);
  if (a.count > most / static_cast<std::size_t>(world_size)) {
    refuse(a, fmt::format("{} elements do not fit into memory", a.count));
  }
}

namespace {

// What the buffers hold.
Extent extent_of(const Arguments& a, Rank me, int world_size) {
  const std::size_t all = a.count * static_cast<std::size_t>(world_size);
  const bool at_root = a.root == me;
  switch (a.collective) {
    case Collective::allreduce:
      return {a.count, a.count};
    case Collective::reduce:
      return {a.count, at_root ? a.count : 0};
    case Collective::broadcast:
      return {at_root ? a.count : 0, a.count};
    case Collective::allgather:
      return {a.count, all};
    case Collective::reduce_scatter:
      return {all, a.count};
    case Collective::alltoall:
      return {all, all};
    case Collective::gather:
      return {a.count, at_root ? all : 0};
    case Collective::scatter:
      return {at_root ? all : 0, a.count};
    case Collective::barrier:
      return {0, 0};
    case Collective::send:
      return {a.count, 0};
    case Collective::recv:
      return {0, a.count};
  }
  return {};
}

// Elements of the parts before this rank's.
std::size_t before(const Arguments& a, Rank me) {
  if (a.is_uneven()) return total_of({a.counts, static_cast<std::size_t>(me)});
  return static_cast<std::size_t>(me) * a.count;
}

// Where `input` lies if the call is in place, given the longer buffer.
bool is_in_place(const Arguments& a, Rank me) {
  const auto* in = static_cast<const std::byte*>(a.input);
  const auto* out = static_cast<const std::byte*>(a.output);
  const std::size_t mine = before(a, me) * element_bytes(a);
  switch (a.collective) {
    case Collective::allgather:
    case Collective::gather:
      return in == out + mine;
    case Collective::reduce_scatter:
    case Collective::scatter:
      return out == in + mine;
    case Collective::alltoall:
      return in == out && !a.is_uneven();
    default:
      return in == out;
  }
}

}  // namespace

Extent check(const Arguments& a, Rank me, int world_size) {
  check_words(a, me, world_size);
  const std::size_t bytes = element_bytes(a);
  Extent extent = a.is_uneven() ? check_counts(a, me, world_size) : extent_of(a, me, world_size);
  const std::size_t input = extent.input, output = extent.output;
  if (input > 0 && a.input == nullptr) refuse(a, "the input is NULL");
  if (output > 0 && a.output == nullptr) refuse(a, "the output is NULL");
  if (input == 0 || output == 0) return extent;
  const auto in = reinterpret_cast<std::uintptr_t>(a.input);
  const auto out = reinterpret_cast<std::uintptr_t>(a.output);
  extent.in_place = is_in_place(a, me);
  if (!extent.in_place && in < out + output * bytes && out < in + input * bytes) {
    refuse(a, "input and output overlap without being in place (see motet.h)");
  }
  return extent;
}

Division division_of(const Arguments& a, Rank me, int world_size) {
  return a.is_uneven() ? uneven_division_of(a, me, world_size)
                       : even_division_of(a, a.count, world_size);
}

Division even_division_of(const Arguments& a, std::size_t count, int world_size) {
  switch (a.collective) {
    case Collective::allgather:
    case Collective::reduce_scatter:
      return {.parts = Parts::uniform(count, world_size)};
    case Collective::alltoall:
    case Collective::gather:
    case Collective::scatter:
      return {.parts = Parts::uniform(count, world_size),
              .lengths = a.is_uneven() ? Lengths::known_to_ends : Lengths::known_to_all};
    default:
      return {.parts = Parts::even(count, world_size)};
  }
}

CallRecord to_record(const Arguments& a, std::uint64_t sequence, Rank me, int world_size) {
  CallRecord record{.sequence = sequence,
                    .collective = a.collective,
                    .type = a.type,
                    .op = reduces(a.collective) ? a.op : ReduceOp::sum,
                    .root = has_root(a.collective) ? a.root : 0,
                    .count = a.count,
                    .is_uneven = a.is_uneven()};
  // An element may be several of the type.
  const std::size_t of_type = a.op == ReduceOp::user ? element_bytes(a) / element_bytes(a.type) : 1;
  record.count *= of_type;
  if (!record.is_uneven || has_root(a.collective)) return record;
  const auto counts = counts_of(a, me, world_size);
  record.count = total_of(counts) * of_type;
  if (all_know_counts(a.collective)) record.counts = CountsRecord::of(counts);
  return record;
}

std::uint32_t fingerprint(const Arguments& a, const CallRecord& record, const Choice& choice) {
  // The two ends of a message name each other.
  const auto collective =
      is_point_to_point(record.collective) ? Collective::send : record.collective;
  const bool has_count = !record.is_uneven || all_know_counts(record.collective);
  std::uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a
  const auto mix = [&hash](std::uint64_t byte) { hash = (hash ^ byte) * 0x100000001b3U; };
  for (const std::uint64_t word :
       {static_cast<std::uint64_t>(collective), static_cast<std::uint64_t>(record.type),
        static_cast<std::uint64_t>(record.op), static_cast<std::uint64_t>(record.root),
        static_cast<std::uint64_t>(has_count ? record.count : 0),
        static_cast<std::uint64_t>(record.is_uneven) << 32 | record.counts.digest,
        static_cast<std::uint64_t>(element_bytes(a)), static_cast<std::uint64_t>(commutes(a)),
        static_cast<std::uint64_t>(choice.block_bytes),
        static_cast<std::uint64_t>(choice.params.chunks),
        static_cast<std::uint64_t>(choice.params.channels),
        static_cast<std::uint64_t>(choice.params.mover),
        static_cast<std::uint64_t>(choice.params.around_percent),
        static_cast<std::uint64_t>(choice.params.trees)}) {
    for (int byte = 0; byte < 8; ++byte) mix((word >> (8 * byte)) & 0xff);
  }
  for (const char letter : choice.algorithm->name) mix(static_cast<unsigned char>(letter));
  return static_cast<std::uint32_t>(hash ^ (hash >> 32));
}

}  // namespace motet
