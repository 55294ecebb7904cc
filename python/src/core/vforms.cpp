// The v-forms of motet.h: every rank's part has a length of its own.
#include <nanobind/stl/vector.h>

#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "binding.hpp"
#include "method.hpp"

namespace motet::python {
namespace {

using Counts = std::vector<std::size_t>;

void require_one_for_each_rank(const Counts& counts, const Communicator& self, const Where& where,
                               const char* name) {
  const auto ranks = static_cast<std::size_t>(self.size());
  if (counts.size() == ranks) return;
  refuse(where(std::string(name) + " has " + std::to_string(counts.size()) + " entries for " +
               std::to_string(ranks) + " ranks"));
}

// Of an array that holds all parts, and one that holds this rank's, if it is given.
void require_parts(const Counts& counts, const Array& whole, const char* whole_name,
                   const Array* part, const Communicator& self, const Where& where) {
  require_one_for_each_rank(counts, self, where, "counts");
  const std::size_t sum = std::accumulate(counts.begin(), counts.end(), std::size_t{0});
  if (whole.count() != sum) {
    refuse(where(std::string(whole_name) + " has " + std::to_string(whole.count()) +
                 " elements, and the counts come to " + std::to_string(sum)));
  }
  const std::size_t mine = counts[static_cast<std::size_t>(self.rank())];
  if (part == nullptr || part->count() == mine) return;
  refuse(where("this rank's part has " + std::to_string(part->count()) +
               " elements, and its count is " + std::to_string(mine)));
}

Call allgatherv(const Communicator& self, const Given& x, const Given& out, Counts counts) {
  const Where where{self.rank(), "allgatherv"};
  Array input = read(x, where, "x"), output = write(out, where, "out");
  require_same_type(input, output, where);
  require_parts(counts, output, "out", &input, self, where);
  return bind(
      [in = input.data(), to = output.data(), counts = std::move(counts), type = input.type()](
          motet_comm* comm, const motet_call* call) {
        return motet_allgatherv(in, to, counts.data(), type, comm, call);
      },
      std::move(input), std::move(output));
}

Call reduce_scatterv(const Communicator& self, const Given& x, const Given& out, Counts counts,
                     const OpName& op, std::optional<double> scale) {
  const Where where{self.rank(), "reduce_scatterv"};
  Array input = read(x, where, "x"), output = write(out, where, "out");
  require_same_type(input, output, where);
  require_parts(counts, input, "x", &output, self, where);
  Call bound = bind(
      [in = input.data(), to = output.data(), counts = std::move(counts), type = input.type(),
       how = op_from(op)](motet_comm* comm, const motet_call* call) {
        return motet_reduce_scatterv(in, to, counts.data(), type, how, comm, call);
      },
      std::move(input), std::move(output));
  return scaled(std::move(bound), op, scale, where);
}

Call alltoallv(const Communicator& self, const Given& x, Counts send_counts, const Given& out,
               Counts recv_counts) {
  const Where where{self.rank(), "alltoallv"};
  Array input = read(x, where, "x"), output = write(out, where, "out");
  require_same_type(input, output, where);
  require_parts(send_counts, input, "x", nullptr, self, where);
  require_parts(recv_counts, output, "out", nullptr, self, where);
  return bind(
      [in = input.data(), to = output.data(), sent = std::move(send_counts),
       received = std::move(recv_counts),
       type = input.type()](motet_comm* comm, const motet_call* call) {
        return motet_alltoallv(in, sent.data(), to, received.data(), type, comm, call);
      },
      std::move(input), std::move(output));
}

Call gatherv(const Communicator& self, const Given& x, const Given& out,
             const std::optional<Counts>& counts, int root) {
  const Where where{self.rank(), "gatherv"};
  const bool is_root = self.rank() == root;
  Array input = read(x, where, "x");
  Array output = is_root ? write(out, where, "out") : Array();
  Counts known = counts.value_or(Counts());
  if (is_root) {
    require_same_type(input, output, where);
    require_parts(known, output, "out", &input, self, where);
  }
  return bind(
      [in = input.data(), count = input.count(), to = output.data(), counts = std::move(known),
       type = input.type(), root](motet_comm* comm, const motet_call* call) {
        return motet_gatherv(in, count, to, counts.data(), type, root, comm, call);
      },
      std::move(input), std::move(output));
}

Call scatterv(const Communicator& self, const Given& x, const Given& out,
              const std::optional<Counts>& counts, int root) {
  const Where where{self.rank(), "scatterv"};
  const bool is_root = self.rank() == root;
  Array input = is_root ? read(x, where, "x") : Array();
  Array output = write(out, where, "out");
  Counts known = counts.value_or(Counts());
  if (is_root) {
    require_same_type(input, output, where);
    require_parts(known, input, "x", &output, self, where);
  }
  return bind(
      [in = input.data(), counts = std::move(known), to = output.data(), count = output.count(),
       type = output.type(), root](motet_comm* comm, const motet_call* call) {
        return motet_scatterv(in, counts.data(), to, count, type, root, comm, call);
      },
      std::move(input), std::move(output));
}

}  // namespace

void define_vforms(CommunicatorClass& c) {
  const auto x = nb::arg("x"), out = nb::arg("out"), counts = nb::arg("counts");
  const auto no_out = nb::arg("out").none() = nb::none();
  const auto no_counts = nb::arg("counts") = nb::none();
  const auto root = nb::arg("root") = 0;
  const std::string others =
      "\n\nParts lie one after the other in rank order. Arrays, the other arguments and errors: "
      "see "
      "allreduce().";
  Method<allgatherv>::define(c, "allgatherv",
                             "allgather() of parts of any lengths: counts[r] elements of rank r, "
                             "the same list on every rank." +
                                 others,
                             x, out, counts);
  Method<reduce_scatterv>::define(
      c, "reduce_scatterv",
      "reduce_scatter() into parts of any lengths: counts[r] elements for rank r, the same list on "
      "every rank." +
          others,
      x, out, counts, nb::arg("op") = "sum", nb::arg("scale") = nb::none());
  Method<alltoallv>::define(c, "alltoallv",
                            "send_counts[r] elements of x go to rank r, recv_counts[r] of out come "
                            "from rank r. Not in place." +
                                others,
                            x, nb::arg("send_counts"), out, nb::arg("recv_counts"));
  Method<gatherv>::define(c, "gatherv",
                          "gather() of parts of any lengths: counts[r] elements of rank r; out and "
                          "counts at the root alone." +
                              others,
                          x, no_out, no_counts, root);
  Method<scatterv>::define(c, "scatterv",
                           "scatter() of parts of any lengths: counts[r] elements for rank r; x "
                           "and counts at the root alone." +
                               others,
                           nb::arg("x").none(), out, no_counts, root);
}

}  // namespace motet::python
