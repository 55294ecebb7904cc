"""The rounds: in each, every contender measures every collective in launches of its own, in turns."""

import sys
import time
from collections import Counter
from dataclasses import dataclass

from cells import Cell, Request
from contenders import Contender
from launch import Command, Outcome, run
from placement import Placement
from results import Results, Sample

# A contender that fails this often at a collective is left out of it from then on.
FAILURES = 2


@dataclass(frozen=True)
class Care:
    """How much is done for clean numbers."""

    launches: int
    foreign_limit: float  # a repetition in which others had a larger share of the machine is dropped
    repeats: int  # tries to replace it
    deadline: float  # time.monotonic() at which nothing new is begun
    placement: Placement


def quietest(command: Command, care: Care) -> Outcome:
    """Repeats what others disturbed, as often as may be; else the least disturbed try counts, flagged."""
    best: Outcome | None = None
    for _ in range(1 + care.repeats):
        before = care.placement.settle()
        outcome = run(command, care.placement.used_seconds)
        after = care.placement.line_ns()
        outcome.line_ns = (before, after) if before and after else ()
        stayed = all(map(care.placement.is_wanted, outcome.line_ns))
        if outcome.failure or (stayed and outcome.foreign_share <= care.foreign_limit):
            return outcome
        if best is None or (stayed and outcome.foreign_share < best.foreign_share):
            best = outcome
        if time.monotonic() >= care.deadline:
            break
    assert best is not None
    return best


def is_asked_for(row: dict, collective: str) -> bool:
    """motet-perf measures out of place and in place. MPI broadcasts in place and, here, does the rest out of place."""
    return row["collective"] == collective and row.get("in_place", collective == "broadcast") == (
        collective == "broadcast"
    )


def mode_of(row: dict) -> str:
    return row["mode"] if "mode" in row else "fresh" if row["fresh"] else "hot"


class Rounds:
    def __init__(self, results: Results, requests: list[Request], care: Care):
        self.results = results
        self.requests = requests
        self.care = care
        self.failures: Counter[tuple[str, str]] = Counter()

    def run(self) -> str:
        """Why it stopped early, or nothing."""
        contenders = list(self.results.contenders.values())
        try:
            for launch in range(self.care.launches):
                turn = launch % len(contenders)
                for request in self.requests:
                    for contender in contenders[turn:] + contenders[:turn]:
                        if time.monotonic() >= self.care.deadline:
                            return f"out of time in round {launch + 1} of {self.care.launches}"
                        self.measure(launch, contender, request)
        except KeyboardInterrupt:
            return f"interrupted in round {launch + 1} of {self.care.launches}"
        return ""

    def measure(self, launch: int, contender: Contender, request: Request) -> None:
        possible = contender.can(request)
        key = (contender.name, request.collective)
        if possible is None or self.failures[key] >= FAILURES:
            return
        began = time.monotonic()
        # Cores that move would do so within a long launch: each cell alone is measured between two looks at them.
        parts = possible.cell_by_cell() if self.care.placement.is_kept else [possible]
        for command in (command for part in parts for command in contender.commands(part)):
            if time.monotonic() >= self.care.deadline:
                break
            outcome = quietest(command, self.care)
            self.take(contender, request.collective, outcome)
            if outcome.failure:
                self.note_failure(contender, request.collective, outcome.failure)
                break
        self.show(f"round {launch + 1}/{self.care.launches} {request.collective}: {contender.name}", began)

    def take(self, contender: Contender, collective: str, outcome: Outcome) -> None:
        stayed = all(map(self.care.placement.is_wanted, outcome.line_ns))
        clean = stayed and outcome.foreign_share <= self.care.foreign_limit
        for row in outcome.rows:
            self.results.commit = row.get("commit", self.results.commit)
            if not is_asked_for(row, collective):
                continue
            cell = Cell(collective, row["bytes"], mode_of(row))
            if row.get("wrong"):
                self.note_wrong(f"{contender.name}: {collective} of {cell.bytes} B, {row['wrong']} wrong elements")
            else:
                sample = Sample(row["time_us_median"], outcome.foreign_share, clean, outcome.line_ns)
                self.results.add(cell, contender.name, sample)

    def note_wrong(self, text: str) -> None:
        print(f"\n*** WRONG RESULT: {text}", file=sys.stderr, flush=True)
        if text not in self.results.wrong:
            self.results.wrong.append(text)

    def note_failure(self, contender: Contender, collective: str, failure: str) -> None:
        """It may have been an accident: the first time, the next round tries again."""
        key = (contender.name, collective)
        self.failures[key] += 1
        last = self.failures[key] >= FAILURES
        text = f"{contender.name}, {collective}{': left out from then on' if last else ''}: {failure}"
        self.results.left_out.append(text)
        print(f"\n{text}", file=sys.stderr, flush=True)

    @staticmethod
    def show(text: str, began: float) -> None:
        start, stop = ("\r\033[K", "") if sys.stderr.isatty() else ("", "\n")
        print(f"{start}{text}, {time.monotonic() - began:.1f} s", end=stop, file=sys.stderr, flush=True)
