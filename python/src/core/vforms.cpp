// The v-forms of motet.h: every rank's part has a length of its own.
#include <nanobind/stl/vector.h>

#include <numeric>
#include <optional>
#include <string>
#include <utility>
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

// A lambda takes the counts along; what it is given is the communicator and the motet_call.

Call allgatherv(const Communicator& self, const Given& x, const Given& out, Counts counts) {
  const Where where{self.rank(), "allgatherv"};
  Arrays arrays = apart(x, out, where);
  require_parts(counts, arrays.out, "out", &arrays.x, self, where);
  return {[in = arrays.x.data(), to = arrays.out.data(), counts = std::move(counts),
           type = arrays.x.type()](auto... made) {
            return motet_allgatherv(in, to, counts.data(), type, made...);
          },
          std::move(arrays)};
}

Call reduce_scatterv(const Communicator& self, const Given& x, const Given& out, Counts counts,
                     const OpName& op, std::optional<double> scale) {
  const Where where{self.rank(), "reduce_scatterv"};
  Arrays arrays = apart(x, out, where);
  require_parts(counts, arrays.x, "x", &arrays.out, self, where);
  return {[in = arrays.x.data(), to = arrays.out.data(), counts = std::move(counts),
           type = arrays.x.type(), how = op_from(op)](auto... made) {
            return motet_reduce_scatterv(in, to, counts.data(), type, how, made...);
          },
          std::move(arrays), scale_for(op, scale, where)};
}

Call alltoallv(const Communicator& self, const Given& x, Counts send_counts, const Given& out,
               Counts recv_counts) {
  const Where where{self.rank(), "alltoallv"};
  Arrays arrays = apart(x, out, where);
  require_parts(send_counts, arrays.x, "x", nullptr, self, where);
  require_parts(recv_counts, arrays.out, "out", nullptr, self, where);
  return {[in = arrays.x.data(), sent = std::move(send_counts), to = arrays.out.data(),
           received = std::move(recv_counts), type = arrays.x.type()](auto... made) {
            return motet_alltoallv(in, sent.data(), to, received.data(), type, made...);
          },
          std::move(arrays)};
}

Call gatherv(const Communicator& self, const Given& x, const Given& out,
             const std::optional<Counts>& counts, int root) {
  const Where where{self.rank(), "gatherv"};
  const bool is_root = self.rank() == root;
  Arrays arrays = is_root ? apart(x, out, where) : Arrays{read(x, where, "x"), {}};
  Counts known = counts.value_or(Counts());
  if (is_root) require_parts(known, arrays.out, "out", &arrays.x, self, where);
  return {[in = arrays.x.data(), count = arrays.x.count(), to = arrays.out.data(),
           counts = std::move(known), type = arrays.x.type(), root](auto... made) {
            return motet_gatherv(in, count, to, counts.data(), type, root, made...);
          },
          std::move(arrays)};
}

Call scatterv(const Communicator& self, const Given& x, const Given& out,
              const std::optional<Counts>& counts, int root) {
  const Where where{self.rank(), "scatterv"};
  const bool is_root = self.rank() == root;
  Arrays arrays = is_root ? apart(x, out, where) : Arrays{{}, write(out, where, "out")};
  Counts known = counts.value_or(Counts());
  if (is_root) require_parts(known, arrays.x, "x", &arrays.out, self, where);
  return {[in = arrays.x.data(), counts = std::move(known), to = arrays.out.data(),
           count = arrays.out.count(), type = arrays.out.type(), root](auto... made) {
            return motet_scatterv(in, counts.data(), to, count, type, root, made...);
          },
          std::move(arrays)};
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
