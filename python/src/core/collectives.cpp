// The collectives of motet.h on arrays. Each function looks at its arguments and binds them.
#include <array>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "binding.hpp"
#include "method.hpp"

namespace motet::python {
namespace {

void require(bool fits, const Where& where, const Arrays& arrays, const char* rule) {
  if (fits) return;
  refuse(where("x has " + std::to_string(arrays.x.count()) + " elements, out " +
               std::to_string(arrays.out.count()) + ": " + rule));
}

// Of an array that holds a part for every rank.
std::size_t part_of(const Array& whole, const Communicator& self, const Where& where,
                    const char* name) {
  const auto ranks = static_cast<std::size_t>(self.size());
  if (whole.count() % ranks == 0) return whole.count() / ranks;
  refuse(where(std::string(name) + " has " + std::to_string(whole.count()) +
               " elements: no multiple of the number of ranks, " + std::to_string(ranks)));
}

// Of Call's members the first is made before the arrays move into the second.

Call allreduce(const Communicator& self, const Given& x, const Given& out, const OpName& op,
               std::optional<double> scale) {
  const Where where{self.rank(), "allreduce"};
  Arrays arrays = alike(x, out, where);
  return {std::bind_front(motet_allreduce, arrays.x.data(), arrays.result().data(),
                          arrays.x.count(), arrays.x.type(), op_from(op)),
          std::move(arrays), scale_for(op, scale, where)};
}

Call reduce(const Communicator& self, const Given& x, const Given& out, int root, const OpName& op,
            std::optional<double> scale) {
  const Where where{self.rank(), "reduce"};
  const bool is_root = self.rank() == root;
  Arrays arrays = is_root ? alike(x, out, where) : Arrays{read(x, where, "x"), {}};
  void* const to = is_root ? arrays.result().data() : nullptr;
  return {std::bind_front(motet_reduce, arrays.x.data(), to, arrays.x.count(), arrays.x.type(),
                          op_from(op), root),
          std::move(arrays), scale_for(op, scale, where)};
}

Call broadcast(const Communicator& self, const Given& x, int root) {
  const Where where{self.rank(), "broadcast"};
  Array data = self.rank() == root ? read(x, where, "x") : write(x, where, "x");
  return {
      std::bind_front(motet_broadcast, data.data(), data.data(), data.count(), data.type(), root),
      {std::move(data), {}}};
}

Call allgather(const Communicator& self, const Given& x, const Given& out) {
  const Where where{self.rank(), "allgather"};
  Arrays arrays = apart(x, out, where);
  require(part_of(arrays.out, self, where, "out") == arrays.x.count(), where, arrays,
          "out must be as long as x of all ranks");
  return {std::bind_front(motet_allgather, arrays.x.data(), arrays.out.data(), arrays.x.count(),
                          arrays.x.type()),
          std::move(arrays)};
}

Call reduce_scatter(const Communicator& self, const Given& x, const Given& out, const OpName& op,
                    std::optional<double> scale) {
  const Where where{self.rank(), "reduce_scatter"};
  Arrays arrays = apart(x, out, where);
  require(part_of(arrays.x, self, where, "x") == arrays.out.count(), where, arrays,
          "x must be as long as out of all ranks");
  return {std::bind_front(motet_reduce_scatter, arrays.x.data(), arrays.out.data(),
                          arrays.out.count(), arrays.x.type(), op_from(op)),
          std::move(arrays), scale_for(op, scale, where)};
}

Call alltoall(const Communicator& self, const Given& x, const Given& out) {
  const Where where{self.rank(), "alltoall"};
  Arrays arrays = alike(x, out, where);
  return {std::bind_front(motet_alltoall, arrays.x.data(), arrays.result().data(),
                          part_of(arrays.x, self, where, "x"), arrays.x.type()),
          std::move(arrays)};
}

Call gather(const Communicator& self, const Given& x, const Given& out, int root) {
  const Where where{self.rank(), "gather"};
  const bool is_root = self.rank() == root;
  Arrays arrays = is_root ? apart(x, out, where) : Arrays{read(x, where, "x"), {}};
  if (is_root) {
    require(part_of(arrays.out, self, where, "out") == arrays.x.count(), where, arrays,
            "the root's out must be as long as x of all ranks");
  }
  return {std::bind_front(motet_gather, arrays.x.data(), arrays.out.data(), arrays.x.count(),
                          arrays.x.type(), root),
          std::move(arrays)};
}

Call scatter(const Communicator& self, const Given& x, const Given& out, int root) {
  const Where where{self.rank(), "scatter"};
  const bool is_root = self.rank() == root;
  Arrays arrays = is_root ? apart(x, out, where) : Arrays{{}, write(out, where, "out")};
  if (is_root) {
    require(part_of(arrays.x, self, where, "x") == arrays.out.count(), where, arrays,
            "the root's x must be as long as out of all ranks");
  }
  return {std::bind_front(motet_scatter, arrays.x.data(), arrays.out.data(), arrays.out.count(),
                          arrays.out.type(), root),
          std::move(arrays)};
}

Call send(const Communicator& self, const Given& x, int peer) {
  Array input = read(x, {self.rank(), "send"}, "x");
  return {std::bind_front(motet_send, input.data(), input.count(), input.type(), peer),
          {std::move(input), {}}};
}

Call recv(const Communicator& self, const Given& out, int peer) {
  Array output = write(out, {self.rank(), "recv"}, "out");
  return {std::bind_front(motet_recv, output.data(), output.count(), output.type(), peer),
          {{}, std::move(output)}};
}

Call barrier(const Communicator&) {
  return {motet_barrier, {}};
}

// Said in the first of them; the others refer to it.
constexpr const char* allreduce_text =
    R"(Combines x of all ranks, element by element, into out on every rank.

x, out: equally long arrays of one type: contiguous memory of the CPU, with the buffer protocol or
DLPack (NumPy, PyTorch, ...), of any shape. out None: in place. They may be the same memory, or lie
apart.
op: "sum", "prod", "min", "max", "avg"; for integers "and", "or", "xor"; "premul_sum" for floats: the
sum of what each rank's x is when multiplied by its scale.
timeout: of this call, in seconds; default: the communicator's.
algorithm: by name; default: the planner chooses. All ranks must give the same.
same_bits_every_run: the order of combination is always the same.

All ranks must make the same calls in the same order, whichever of their threads make them: a call
is in order after those that have returned. Other Python threads run meanwhile. Raises motet.InvalidArgument (nothing was changed), or another
motet.Error: then the communicator is aborted, on every rank.)";

}  // namespace

Arrays apart(const Given& x, const Given& out, const Where& where) {
  Arrays arrays{read(x, where, "x"), write(out, where, "out")};
  if (arrays.x.type() == arrays.out.type()) return arrays;
  refuse(where(std::string("x holds ") + name_of(arrays.x.type()) + ", out " +
               name_of(arrays.out.type())));
}

Arrays alike(const Given& x, const Given& out, const Where& where) {
  if (out.is_none()) return {write(x, where, "x"), {}};
  Arrays arrays = apart(x, out, where);
  require(arrays.x.count() == arrays.out.count(), where, arrays, "they must be equally long");
  return arrays;
}

double scale_for(const OpName& op, const std::optional<double>& scale, const Where& where) {
  const bool multiplies = op_from(op) == motet_premul_sum;
  if (multiplies && !scale) refuse(where("premul_sum needs a scale"));
  if (!multiplies && scale) refuse(where("there is a scale, and " + op.text + " has none"));
  return scale.value_or(0);
}

motet_op op_from(const OpName& name) {
  constexpr std::array names{"sum", "prod", "min", "max", "avg", "and", "or", "xor", "premul_sum"};
  for (std::size_t op = 0; op < names.size(); ++op) {
    if (name.text == names.at(op)) return static_cast<motet_op>(op);
  }
  std::string all;
  for (const char* known : names) all += std::string(all.empty() ? "" : ", ") + known;
  refuse("there is no operation \"" + name.text + "\", only " + all);
}

void define_collectives(CommunicatorClass& c) {
  const auto x = nb::arg("x");
  const auto out = nb::arg("out");
  const auto no_out = nb::arg("out").none() = nb::none();
  const auto op = nb::arg("op") = "sum";
  const auto scale = nb::arg("scale") = nb::none();
  const auto root = nb::arg("root") = 0;
  const std::string others = "\n\nArrays, the other arguments and errors: see allreduce().";
  Method<allreduce>::define(c, "allreduce", allreduce_text, x, no_out, op, scale);
  Method<reduce>::define(c, "reduce",
                         "As allreduce(), at the root alone; elsewhere out is ignored. out None: "
                         "in place at the root." +
                             others,
                         x, no_out, root, op, scale);
  Method<broadcast>::define(c, "broadcast", "The root's x reaches x of every rank." + others, x,
                            root);
  Method<allgather>::define(c, "allgather",
                            "out holds x of every rank, in rank order: size times as long.\n\n"
                            "In place: x is this rank's part of out." +
                                others,
                            x, out);
  Method<reduce_scatter>::define(
      c, "reduce_scatter",
      "Combines x of all ranks; out gets this rank's part: x is size times as long.\n\n"
      "In place: out is this rank's part of x, and the rest of x is then lost." +
          others,
      x, out, op, scale);
  Method<alltoall>::define(
      c, "alltoall",
      "Part r of x goes to rank r, part r of out comes from rank r; both hold size parts.\n\n"
      "out None: in place." +
          others,
      x, no_out);
  Method<gather>::define(
      c, "gather",
      "The root's out holds x of every rank, in rank order; elsewhere out is ignored.\n\n"
      "In place at the root: x is its part of out." +
          others,
      x, no_out, root);
  Method<scatter>::define(
      c, "scatter",
      "Part r of the root's x reaches out of rank r; elsewhere x is ignored: None.\n\n"
      "In place at the root: out is its part of x." +
          others,
      nb::arg("x").none(), out, root);
  define_vforms(c);
  Method<barrier>::define(c, "barrier", "Returns when all ranks have entered.");
  Method<send>::define(c, "send",
                       "The k-th send() to a rank meets its k-th recv() from here; lengths and "
                       "types must be equal." +
                           others,
                       x, nb::arg("peer"));
  Method<recv>::define(c, "recv", "See send()." + others, out, nb::arg("peer"));
}

}  // namespace motet::python
