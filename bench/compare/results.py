"""What was measured, and what follows from it: medians over launches, ratios, means."""

import math
import statistics
from dataclasses import dataclass, field

from cells import Cell
from contenders import Contender


@dataclass(frozen=True)
class Sample:
    """One launch's median for one cell."""

    time_us: float
    foreign_share: float
    clean: bool
    line_ns: tuple[float, ...] = ()  # before and after the launch


@dataclass(frozen=True)
class Summary:
    """Over the launches that nobody disturbed; over all of them if none was."""

    contender: str
    median_us: float
    spread: float  # half of the range, as a share of the median
    launches: int
    clean: bool

    @staticmethod
    def of(contender: str, samples: list[Sample]) -> "Summary":
        clean = [sample.time_us for sample in samples if sample.clean]
        times = clean or [sample.time_us for sample in samples]
        median = statistics.median(times)
        return Summary(contender, median, (max(times) - min(times)) / 2 / median, len(times), bool(clean))


# UCC is in no package index. Where it was built by hand, on two ranks over shared memory, it took these shares of the
# time of the best library that is: a peer all the same, so it is counted.
UCC = "UCC (estimated)"
UCC_SHARES = {
    8: 1.04,
    1 << 10: 1.0,
    16 << 10: 1.0,
    128 << 10: 0.81,
    1 << 20: 0.89,
    16 << 20: 0.93,
    64 << 20: 1.0,
}


@dataclass
class Results:
    ranks: int
    contenders: dict[str, Contender]
    samples: dict[tuple[Cell, str], list[Sample]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    commit: str = "unknown"  # that Motet was built from
    over_memory: bool = True  # as opposed to TCP

    def add(self, cell: Cell, contender: str, sample: Sample) -> None:
        self.samples.setdefault((cell, contender), []).append(sample)

    def cells(self) -> list[Cell]:
        return sorted({cell for cell, _ in self.samples})

    def summary(self, cell: Cell, contender: str) -> Summary | None:
        samples = self.samples.get((cell, contender))
        return Summary.of(contender, samples) if samples else None

    def line_ns(self) -> float | None:
        """What a cache line took from core to core beside clean launches: the median, if it is known."""
        lines = [ns for samples in self.samples.values() for s in samples if s.clean for ns in s.line_ns]
        return statistics.median(lines) if lines else None

    def best(self, cell: Cell, names: list[str]) -> Summary | None:
        """The fastest by its median."""
        found = [summary for name in names if (summary := self.summary(cell, name))]
        return min(found, key=lambda summary: summary.median_us, default=None)

    def names(self, kind: str, library: str = "") -> list[str]:
        return [c.name for c in self.contenders.values() if c.kind == kind and library in ("", c.library)]

    def libraries(self) -> list[str]:
        return list(dict.fromkeys(c.library for c in self.contenders.values() if c.kind == "peer"))

    def best_peer(self, cell: Cell) -> Summary | None:
        best = self.best(cell, self.names("peer"))
        is_known = self.over_memory and self.ranks == 2 and cell.collective == "allreduce"
        share = UCC_SHARES.get(cell.bytes, 1.0) if is_known else 1.0
        if best is None or share >= 1.0:
            return best
        return Summary(UCC, best.median_us * share, best.spread, best.launches, best.clean)

    def floor(self, cell: Cell, shared: bool) -> Summary | None:
        """Buffers that both ranks map can only help, so they count for ordinary ones only if asked for."""
        return self.best(
            cell, [c.name for c in self.contenders.values() if c.kind == "floor" and c.shared_buffers == shared]
        )


def ratio(above: Summary | None, below: Summary | None) -> float | None:
    return above.median_us / below.median_us if above and below else None


def geometric_mean(values: list[float]) -> float | None:
    return math.exp(statistics.fmean(map(math.log, values))) if values else None


@dataclass(frozen=True)
class Mean:
    """Of how many times faster Motet is, over the cells of one mode."""

    than: str
    mode: str
    mean: float
    cells: int


def means(results: Results, motet: str) -> list[Mean]:
    """Against the best peer of each cell, and against each library in its best configuration there."""
    found = []
    for mode in dict.fromkeys(cell.mode for cell in results.cells()):
        cells = [cell for cell in results.cells() if cell.mode == mode]
        rivals = {"best peer": results.best_peer}
        for library in results.libraries():
            rivals[library] = lambda cell, names=results.names("peer", library): results.best(cell, names)
        for than, rival in rivals.items():
            ratios = [r for cell in cells if (r := ratio(rival(cell), results.summary(cell, motet)))]
            if (mean := geometric_mean(ratios)) is not None:
                found.append(Mean(than, mode, mean, len(ratios)))
    return found
