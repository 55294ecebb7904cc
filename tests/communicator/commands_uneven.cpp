// v-forms of float32, right or not. What succeeds must be right. A list of counts is "5,0,7".
#include <cstdint>
#include <numeric>
#include <sstream>
#include <vector>

#include "calls.hpp"
#include "commands.hpp"

namespace motet::testing {
namespace {

using Counts = std::vector<size_t>;

Counts counts_from(const std::string& list) {
  Counts counts;
  std::istringstream in(list);
  for (std::string count; std::getline(in, count, ',');) counts.push_back(std::stoull(count));
  return counts;
}

size_t total(const Counts& counts) {
  return std::accumulate(counts.begin(), counts.end(), size_t{0});
}

// What goes from one rank to another, or is a rank's own.
float of(int from, int to) {
  return static_cast<float>(1 + from * 100 + to);
}

void append(std::vector<float>& data, size_t count, float value) {
  data.insert(data.end(), count, value);
}

// NAME:COUNTS: allgatherv, reduce_scatterv
void by_all(Rank& rank, const Words& words) {
  const Counts counts = counts_from(words.text(1, ""));
  const auto me = static_cast<size_t>(rank.number);
  const bool gathers = words.name() == "allgatherv";
  const float sum = static_cast<float>(rank.size);
  const std::vector<float> in(gathers ? counts[me] : total(counts),
                              gathers ? of(rank.number, 0) : 1);
  std::vector<float> out(gathers ? total(counts) : counts[me]), wanted;
  for (int r = 0; r < rank.size; ++r) {
    const bool is_mine = gathers || r == rank.number;
    append(wanted, is_mine ? counts[static_cast<size_t>(r)] : 0, gathers ? of(r, 0) : sum);
  }
  const motet_call call = rank.call();
  const motet_status status = say_how(words.name(), [&] {
    return gathers ? motet_allgatherv(in.data(), out.data(), counts.data(), motet_float32,
                                      rank.comm, &call)
                   : motet_reduce_scatterv(in.data(), out.data(), counts.data(), motet_float32,
                                           motet_sum, rank.comm, &call);
  });
  must_be(status != motet_ok || out == wanted, "what succeeds is right");
}

// alltoallv:SENT:RECEIVED
void alltoallv(Rank& rank, const Words& words) {
  const Counts sent = counts_from(words.text(1, "")), received = counts_from(words.text(2, ""));
  std::vector<float> in, out(total(received)), wanted;
  for (int r = 0; r < rank.size; ++r) {
    append(in, sent[static_cast<size_t>(r)], of(rank.number, r));
    append(wanted, received[static_cast<size_t>(r)], of(r, rank.number));
  }
  const motet_call call = rank.call();
  const motet_status status = say_how("alltoallv", [&] {
    return motet_alltoallv(in.data(), sent.data(), out.data(), received.data(), motet_float32,
                           rank.comm, &call);
  });
  must_be(status != motet_ok || out == wanted, "what succeeds is right");
}

// NAME:COUNT:ROOT:COUNTS: gatherv, scatterv
void rooted(Rank& rank, const Words& words) {
  const auto count = static_cast<size_t>(words.number(1, 0));
  const int root = words.number(2, 0);
  const Counts counts = counts_from(words.text(3, ""));
  const bool gathers = words.name() == "gatherv";
  std::vector<float> mine(count, gathers ? of(rank.number, 0) : 0), all;
  for (int r = 0; r < static_cast<int>(counts.size()); ++r) {
    append(all, counts[static_cast<size_t>(r)], gathers ? 0 : of(r, 0));
  }
  const motet_call call = rank.call();
  const motet_status status = say_how(words.name(), [&] {
    return gathers ? motet_gatherv(mine.data(), count, all.data(), counts.data(), motet_float32,
                                   root, rank.comm, &call)
                   : motet_scatterv(all.data(), counts.data(), mine.data(), count, motet_float32,
                                    root, rank.comm, &call);
  });
  if (status != motet_ok) return;
  for (const float element : mine) must_be(element == of(rank.number, 0), "what succeeds is right");
  size_t i = 0;
  for (int r = 0; rank.number == root && r < rank.size; ++r) {
    for (size_t k = 0; k < counts[static_cast<size_t>(r)]; ++k) {
      must_be(all[i++] == of(r, 0), "what succeeds is right");
    }
  }
}

// Of three ranks; nothing is ever sent.
void bad_counts(Rank& rank, const Words&) {
  motet_comm* const comm = rank.comm;
  constexpr motet_type type = motet_float32;
  std::vector<float> in(10), out(10);
  const auto me = static_cast<size_t>(rank.number);
  const Counts ones(3, 1), many(3, SIZE_MAX / 12);
  Counts other_self = ones;
  other_self[me] = 2;
  const auto allgatherv = [&](const void* from, void* to, const size_t* counts) {
    return [=] { return motet_allgatherv(from, to, counts, type, comm, nullptr); };
  };
  const auto alltoallv = [&](const void* from, const size_t* sent, const size_t* received) {
    return [=, to = out.data()] {
      return motet_alltoallv(from, sent, to, received, type, comm, nullptr);
    };
  };
  say_how("no counts", allgatherv(in.data(), out.data(), nullptr));
  say_how("too many", allgatherv(in.data(), out.data(), many.data()));
  say_how("overlap", allgatherv(out.data() + (me == 0 ? 1 : 0), out.data(), ones.data()));
  say_how("input", allgatherv(nullptr, out.data(), ones.data()));
  say_how("output", allgatherv(in.data(), nullptr, ones.data()));
  say_how("no counts to combine by", [&] {
    return motet_reduce_scatterv(in.data(), out.data(), nullptr, type, motet_sum, comm, nullptr);
  });
  say_how("nothing to send", alltoallv(in.data(), nullptr, ones.data()));
  say_how("nothing to receive", alltoallv(in.data(), ones.data(), nullptr));
  say_how("too many to send", alltoallv(in.data(), many.data(), ones.data()));
  say_how("too many to receive", alltoallv(in.data(), ones.data(), many.data()));
  say_how("other self", alltoallv(in.data(), other_self.data(), ones.data()));
  say_how("in place", alltoallv(out.data(), ones.data(), ones.data()));
  if (rank.number != 2) return;
  say_how("root's counts",
          [&] { return motet_gatherv(in.data(), 1, out.data(), nullptr, type, 2, comm, nullptr); });
  say_how("root's own", [&] {
    return motet_scatterv(in.data(), ones.data(), out.data(), 2, type, 2, comm, nullptr);
  });
}

}  // namespace

const Commands& uneven_commands() {
  static const Commands all{{"allgatherv", by_all},   {"reduce_scatterv", by_all},
                            {"alltoallv", alltoallv}, {"gatherv", rooted},
                            {"scatterv", rooted},     {"bad_counts", bad_counts}};
  return all;
}

}  // namespace motet::testing
