// The collectives of motet.h on arrays. Each function looks at its arguments and binds them.
#include <array>
#include <optional>
#include <string>

#include "binding.hpp"
#include "method.hpp"

namespace motet::python {
namespace {

void require(bool fits, const Where& where, const Array& x, const Array& out, const char* rule) {
  if (fits) return;
  refuse(where("x has " + std::to_string(x.count()) + " elements, out " +
               std::to_string(out.count()) + ": " + rule));
}

// Of an array that holds a part for every rank.
std::size_t part_of(const Array& whole, const Communicator& self, const Where& where,
                    const char* name) {
  const auto ranks = static_cast<std::size_t>(self.size());
  if (whole.count() % ranks == 0) return whole.count() / ranks;
  refuse(where(std::string(name) + " has " + std::to_string(whole.count()) +
               " elements: no multiple of the number of ranks, " + std::to_string(ranks)));
}

Call allreduce(const Communicator& self, const Given& x, const Given& out, const OpName& op,
               std::optional<double> scale) {
  const Where where{self.rank(), "allreduce"};
  const bool in_place = out.is_none();
  Array input = in_place ? write(x, where, "x") : read(x, where, "x");
  Array output = in_place ? Array() : write(out, where, "out");
  const Array& result = in_place ? input : output;
  require_same_type(input, result, where);
  require(input.count() == result.count(), where, input, result, "they must be equally long");
  Call bound = bind(
      [in = input.data(), to = result.data(), count = input.count(), type = input.type(),
       how = op_from(op)](motet_comm* comm, const motet_call* call) {
        return motet_allreduce(in, to, count, type, how, comm, call);
      },
      std::move(input), std::move(output));
  return scaled(std::move(bound), op, scale, where);
}

Call reduce(const Communicator& self, const Given& x, const Given& out, int root, const OpName& op,
            std::optional<double> scale) {
  const Where where{self.rank(), "reduce"};
  const bool is_root = self.rank() == root;
  const bool in_place = out.is_none() && is_root;
  Array input = in_place ? write(x, where, "x") : read(x, where, "x");
  Array output = in_place || !is_root ? Array() : write(out, where, "out");
  const Array& result = output.is_none() ? input : output;
  require_same_type(input, result, where);
  require(input.count() == result.count(), where, input, result, "they must be equally long");
  Call bound = bind(
      [in = input.data(), to = is_root ? result.data() : nullptr, count = input.count(),
       type = input.type(), how = op_from(op), root](motet_comm* comm, const motet_call* call) {
        return motet_reduce(in, to, count, type, how, root, comm, call);
      },
      std::move(input), std::move(output));
  return scaled(std::move(bound), op, scale, where);
}

Call broadcast(const Communicator& self, const Given& x, int root) {
  const Where where{self.rank(), "broadcast"};
  Array data = self.rank() == root ? read(x, where, "x") : write(x, where, "x");
  return bind(
      [to = data.data(), count = data.count(), type = data.type(), root](motet_comm* comm,
                                                                         const motet_call* call) {
        return motet_broadcast(to, to, count, type, root, comm, call);
      },
      std::move(data));
}

Call allgather(const Communicator& self, const Given& x, const Given& out) {
  const Where where{self.rank(), "allgather"};
  Array input = read(x, where, "x"), output = write(out, where, "out");
  require_same_type(input, output, where);
  require(part_of(output, self, where, "out") == input.count(), where, input, output,
          "out must be as long as x of all ranks");
  return bind(
      [in = input.data(), to = output.data(), count = input.count(), type = input.type()](
          motet_comm* comm, const motet_call* call) {
        return motet_allgather(in, to, count, type, comm, call);
      },
      std::move(input), std::move(output));
}

Call reduce_scatter(const Communicator& self, const Given& x, const Given& out, const OpName& op,
                    std::optional<double> scale) {
  const Where where{self.rank(), "reduce_scatter"};
  Array input = read(x, where, "x"), output = write(out, where, "out");
  require_same_type(input, output, where);
  require(part_of(input, self, where, "x") == output.count(), where, input, output,
          "x must be as long as out of all ranks");
  Call bound = bind(
      [in = input.data(), to = output.data(), count = output.count(), type = input.type(),
       how = op_from(op)](motet_comm* comm, const motet_call* call) {
        return motet_reduce_scatter(in, to, count, type, how, comm, call);
      },
      std::move(input), std::move(output));
  return scaled(std::move(bound), op, scale, where);
}

Call alltoall(const Communicator& self, const Given& x, const Given& out) {
  const Where where{self.rank(), "alltoall"};
  const bool in_place = out.is_none();
  Array input = in_place ? write(x, where, "x") : read(x, where, "x");
  Array output = in_place ? Array() : write(out, where, "out");
  const Array& result = in_place ? input : output;
  require_same_type(input, result, where);
  require(input.count() == result.count(), where, input, result, "they must be equally long");
  return bind(
      [in = input.data(), to = result.data(), count = part_of(input, self, where, "x"),
       type = input.type()](motet_comm* comm, const motet_call* call) {
        return motet_alltoall(in, to, count, type, comm, call);
      },
      std::move(input), std::move(output));
}

Call gather(const Communicator& self, const Given& x, const Given& out, int root) {
  const Where where{self.rank(), "gather"};
  const bool is_root = self.rank() == root;
  Array input = read(x, where, "x");
  Array output = is_root ? write(out, where, "out") : Array();
  if (is_root) {
    require_same_type(input, output, where);
    require(part_of(output, self, where, "out") == input.count(), where, input, output,
            "the root's out must be as long as x of all ranks");
  }
  return bind(
      [in = input.data(), to = output.data(), count = input.count(), type = input.type(), root](
          motet_comm* comm, const motet_call* call) {
        return motet_gather(in, to, count, type, root, comm, call);
      },
      std::move(input), std::move(output));
}

Call scatter(const Communicator& self, const Given& x, const Given& out, int root) {
  const Where where{self.rank(), "scatter"};
  const bool is_root = self.rank() == root;
  Array input = is_root ? read(x, where, "x") : Array();
  Array output = write(out, where, "out");
  if (is_root) {
    require_same_type(input, output, where);
    require(part_of(input, self, where, "x") == output.count(), where, input, output,
            "the root's x must be as long as out of all ranks");
  }
  return bind(
      [in = input.data(), to = output.data(), count = output.count(), type = output.type(), root](
          motet_comm* comm, const motet_call* call) {
        return motet_scatter(in, to, count, type, root, comm, call);
      },
      std::move(input), std::move(output));
}

Call send(const Communicator& self, const Given& x, int peer) {
  Array input = read(x, {self.rank(), "send"}, "x");
  return bind([in = input.data(), count = input.count(), type = input.type(), peer](
                  motet_comm* comm,
                  const motet_call* call) { return motet_send(in, count, type, peer, comm, call); },
              std::move(input));
}

Call recv(const Communicator& self, const Given& out, int peer) {
  Array output = write(out, {self.rank(), "recv"}, "out");
  return bind([to = output.data(), count = output.count(), type = output.type(), peer](
                  motet_comm* comm,
                  const motet_call* call) { return motet_recv(to, count, type, peer, comm, call); },
              std::move(output));
}

Call barrier(const Communicator&) {
  return {[](motet_comm* comm, const motet_call* call) { return motet_barrier(comm, call); }, {}};
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

All ranks must make the same calls in the same order. Other Python threads run meanwhile; one thread
at a time uses a communicator. Raises motet.InvalidArgument (nothing was changed), or another
motet.Error: then the communicator is aborted, on every rank.)";

}  // namespace

void require_same_type(const Array& x, const Array& out, const Where& where) {
  if (x.type() == out.type()) return;
  refuse(where(std::string("x holds ") + name_of(x.type()) + ", out " + name_of(out.type())));
}

Call scaled(Call call, const OpName& op, const std::optional<double>& scale, const Where& where) {
  const bool multiplies = op_from(op) == motet_premul_sum;
  if (multiplies && !scale) refuse(where("premul_sum needs a scale"));
  if (!multiplies && scale) refuse(where("there is a scale, and " + op.text + " has none"));
  call.scale = scale.value_or(0);
  return call;
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
