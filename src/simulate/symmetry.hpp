// Where a fabric and schedules look alike from every `cell` ranks on, one cell stands for all.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "schedule/schedule.hpp"
#include "simulate/ports.hpp"

namespace motet {

// The cells by which the fabric can be shifted, without a change, smallest first: 1 and the sizes
// of tiers' groups are tried.
std::vector<Folding> folds(const Ports& ports);

// Whether all ranks do what those of the first cell do, shifted, over links that are shifted too.
// `cell` are the schedules of the first fold.cell ranks; `schedule_of` builds any rank's. Where all
// would be too much to look at, some cells are: the second, the last, the root's, the middle one
// and others from all over the world.
bool is_alike(const Ports& ports, const Folding& fold, std::span<const Schedule> cell, Rank root,
              const std::function<Schedule(Rank)>& schedule_of);

}  // namespace motet
