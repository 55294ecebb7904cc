#include "random_program.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <list>
#include <memory>
#include <random>
#include <stdexcept>

#include "algorithms/list.hpp"
#include "exercise.hpp"

namespace motet::test {
namespace {

using Random = std::mt19937_64;

std::size_t below(Random& random, std::size_t bound) {
  return random() % bound;
}

template <class T>
const T& one_of(Random& random, const std::vector<T>& all) {
  return all[below(random, all.size())];
}

template <class T>
void shuffle(Random& random, std::vector<T>& all) {
  for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[below(random, i)]);
}

// Mostly small, sometimes nothing, sometimes many blocks.
std::size_t random_bytes(Random& random) {
  switch (below(random, 8)) {
    case 0:
      return 0;
    case 1:
    case 2:
    case 3:
      return below(random, 48);
    case 4:
    case 5:
      return below(random, 3000);
    case 6:
      return below(random, 20'000);
    default:
      return below(random, 300 * 1024);
  }
}

Params random_params(Random& random) {
  Params params;
  params.chunks = static_cast<int>(one_of(random, std::vector{1, 1, 2, 5}));
  params.channels = static_cast<int>(one_of(random, std::vector{1, 1, 2}));
  params.mover = below(random, 3) == 0 ? Mover::receiver : Mover::either;
  return params;
}

bool divides_total(Collective collective) {
  return collective == Collective::allgather || collective == Collective::reduce_scatter ||
         collective == Collective::alltoall || collective == Collective::gather ||
         collective == Collective::scatter;
}

bool may_be_in_place(Collective collective) {
  return collective == Collective::allreduce || collective == Collective::allgather ||
         collective == Collective::reduce_scatter;
}

Ask random_ask(Random& random, Collective collective, int size) {
  static const std::vector types{DataType::uint8, DataType::uint16, DataType::uint32,
                                 DataType::uint64};
  Ask ask;
  ask.collective = collective;
  if (collective == Collective::barrier) return ask;
  ask.type = one_of(random, types);
  ask.count = random_bytes(random) / element_bytes(ask.type);
  if (divides_total(collective)) ask.count /= static_cast<std::size_t>(size);
  ask.root = has_root(collective) ? static_cast<Rank>(below(random, size)) : 0;
  ask.in_place = may_be_in_place(collective) && below(random, 2) == 0;
  ask.params = random_params(random);
  constexpr std::size_t most_tiny_blocks = 300;
  const bool may_be_tiny = ask.count * element_bytes(ask.type) < 64 * most_tiny_blocks;
  ask.block_bytes = one_of(random, std::vector<std::size_t>{0, 1000, may_be_tiny ? 64U : 0U});
  return ask;
}

// One of the algorithms that can do it.
void choose_algorithm(Random& random, Ask& ask, int size) {
  std::vector<const Algorithm*> able = algorithms_for(ask.collective);
  std::erase_if(able, [&](const Algorithm* algorithm) { return !supports(*algorithm, ask, size); });
  ask.algorithm = one_of(random, able)->name;
}

RandomCall random_call(Random& random, const RandomProgram& program) {
  static const std::vector kinds{
      Collective::allreduce, Collective::allgather, Collective::reduce_scatter,
      Collective::broadcast, Collective::reduce,    Collective::alltoall,
      Collective::gather,    Collective::scatter,   Collective::barrier,
      Collective::send,      Collective::send,      Collective::send};
  RandomCall call;
  call.communicator = static_cast<int>(below(random, program.communicators.size()));
  const auto size =
      static_cast<int>(program.communicators[static_cast<std::size_t>(call.communicator)].size());
  call.ask = random_ask(random, one_of(random, kinds), size);
  call.data_seed = random();
  if (call.ask.collective == Collective::send) {
    call.from = static_cast<Rank>(below(random, size));
    call.to = static_cast<Rank>((call.from + 1 + below(random, size - 1)) % size);
  } else {
    choose_algorithm(random, call.ask, size);
  }
  return call;
}

// What one rank has to do for one call.
struct Part {
  const RandomCall* call;
  Ask ask;
  int order;  // parts with equal orders start in the order of the program
};

struct Outstanding {
  std::unique_ptr<Exercise> exercise;
  Call call;
};

class Runner {
 public:
  Runner(const RandomProgram& program, RankEngine& rank, std::uint32_t first_id)
      : program_(program), random_(program.seed * 1009 + static_cast<std::uint64_t>(rank.rank())) {
    for (const auto& members : program.communicators) {
      const bool member = std::ranges::find(members, rank.rank()) != members.end();
      comms_.push_back(member ? std::make_unique<Comm>(rank, first_id, members) : nullptr);
      ++first_id;
    }
  }

  void run() {
    for (const auto& phase : program_.phases) {
      start_all(parts_of(phase));
      wait_for(below(random_, outstanding_.size() + 1));
    }
    wait_for(outstanding_.size());
    Comm& all = *comms_.front();
    all.barrier();
    const Engine::Hold hold(all.engine());
    if (all.engine().aside_count() != 0) throw std::runtime_error("something is left set aside");
  }

 private:
  std::vector<Part> parts_of(const std::vector<RandomCall>& phase) const {
    std::vector<Part> parts;
    for (const RandomCall& call : phase) {
      const auto& comm = comms_[static_cast<std::size_t>(call.communicator)];
      if (comm == nullptr) continue;
      const int lane = call.communicator * 1000;
      if (call.from < 0) {
        parts.push_back({&call, call.ask, lane});
        continue;
      }
      Ask ask = call.ask;
      if (call.from == comm->rank()) {
        ask.root = call.to;
        parts.push_back({&call, ask, lane + 1 + call.to});
      } else if (call.to == comm->rank()) {
        ask.collective = Collective::recv;
        ask.root = call.from;
        parts.push_back({&call, ask, lane + 500 + call.from});
      }
    }
    return parts;
  }

  // In any order that leaves each lane's alone.
  void start_all(const std::vector<Part>& parts) {
    std::vector<int> lanes;
    lanes.reserve(parts.size());
    for (const Part& part : parts) lanes.push_back(part.order);
    shuffle(random_, lanes);
    std::list<Part> left(parts.begin(), parts.end());
    for (const int lane : lanes) {
      const auto next = std::ranges::find(left, lane, &Part::order);
      start(*next);
      left.erase(next);
    }
  }

  void start(const Part& part) {
    Comm& comm = *comms_[static_cast<std::size_t>(part.call->communicator)];
    auto exercise =
        std::make_unique<Exercise>(part.ask, comm.rank(), comm.size(), part.call->data_seed);
    Call call = comm.start(part.ask, exercise->input(), exercise->output());
    outstanding_.push_back({std::move(exercise), std::move(call)});
    if (below(random_, 4) == 0) comm.engine().progress();
  }

  void wait_for(std::size_t count) {
    while (count-- > 0) {
      const auto chosen = std::next(
          outstanding_.begin(), static_cast<std::ptrdiff_t>(below(random_, outstanding_.size())));
      for (std::size_t tries = below(random_, 3); tries > 0 && !chosen->call.test(); --tries) {
      }
      chosen->call.wait();
      chosen->exercise->expect_right();
      outstanding_.erase(chosen);
    }
  }

  const RandomProgram& program_;
  Random random_;
  std::vector<std::unique_ptr<Comm>> comms_;  // null: not a member
  std::list<Outstanding> outstanding_;
};

}  // namespace

RandomProgram make_random_program(std::uint64_t seed, int ranks) {
  Random random(seed);
  RandomProgram program;
  program.seed = seed;
  program.communicators.push_back(everybody(ranks));
  const std::size_t more = 1 + below(random, 2);
  for (std::size_t i = 0; i < more; ++i) {
    std::vector<Rank> members = everybody(ranks);
    shuffle(random, members);
    members.resize(2 + below(random, static_cast<std::size_t>(ranks - 1)));
    program.communicators.push_back(std::move(members));
  }
  const std::size_t phases = 2 + below(random, 5);
  for (std::size_t i = 0; i < phases; ++i) {
    auto& phase = program.phases.emplace_back();
    const std::size_t calls = below(random, 3) == 0 ? 1 : 1 + below(random, 10);
    for (std::size_t j = 0; j < calls; ++j) phase.push_back(random_call(random, program));
  }
  return program;
}

void run_program(const RandomProgram& program, RankEngine& rank, std::uint32_t first_id) {
  try {
    Runner(program, rank, first_id).run();
  } catch (const std::exception& error) {
    throw std::runtime_error(fmt::format("program of seed {}: {}", program.seed, error.what()));
  }
}

}  // namespace motet::test
