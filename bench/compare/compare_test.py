"""Tests of compare.py's parts, with stand-ins for the programs."""

import json
import os
import sys
import time
import unittest
from pathlib import Path

from cells import COLLECTIVES, Cell, Request, parse_size, possible_sizes, size_text
from contenders import Contender, Setting, motet
from launch import Command, Outcome, Usage, foreign_share, members_of, rows_in, run
from placement import Placement
from results import UCC, Results, Sample, Summary, means
from rounds import Care, Rounds, is_asked_for, quietest
from tables import markdown, record

ABOUT = {
    "date": "2026-01-01T00:00+00:00",
    "commit": "abc",
    "machine": {"cpu": "CPU", "cores": 2, "memory": "1 kB", "kernel": "6"},
    "launches": 1,
    "pinned": True,
    "line_ns": 40.0,
    "placement": "near",
    "stopped": "",
    "versions": {"MPI": "1"},
}
CELL = Cell("allreduce", 8, "fresh")


def shell(script: str, limit_seconds: float = 20) -> Command:
    return Command(("bash", "-c", script), {}, limit_seconds)


def row(time_us: float, **more) -> dict:
    return {"collective": "allreduce", "bytes": 8, "mode": "fresh", "time_us_median": time_us, "wrong": 0} | more


def printing(*rows: dict) -> Command:
    return shell("\n".join(f"echo '{json.dumps(each)}'" for each in rows))


def contender(name: str, command: Command, library: str = "", kind: str = "peer") -> Contender:
    return Contender(name, library or name, kind, "1", lambda request: [command])


def results_of(*contenders: Contender) -> Results:
    return Results(2, {c.name: c for c in contenders})


class Lines(Placement):
    """Sees lines of these times, one after the other; the last goes on."""

    def __init__(self, wanted: str, lines: list[float]):
        super().__init__(Path("."), wanted)
        self.lines = lines

    def line_ns(self) -> float | None:
        return self.lines.pop(0) if len(self.lines) > 1 else self.lines[0]


def care(**changes) -> Care:
    # By chance others use the machine: no test may depend on that.
    usual = {
        "launches": 2,
        "foreign_limit": 1.0,
        "repeats": 0,
        "deadline": time.monotonic() + 60,
        "placement": Placement(Path("/does/not/exist"), "near"),
    }
    return Care(**(usual | changes))


def measured(contenders: list[Contender], **changes) -> Results:
    results = results_of(*contenders)
    Rounds(results, [Request("allreduce", (8,), ("fresh",), 2)], care(**changes)).run()
    return results


class Sizes(unittest.TestCase):
    def test_suffixes_are_powers_of_1024(self):
        self.assertEqual([parse_size(text) for text in ("8", "64K", "1m", "2G")], [8, 65536, 1 << 20, 2 << 30])
        self.assertEqual([size_text(size) for size in (8, 65536, 1 << 20, 1025)], ["8 B", "64 KiB", "1 MiB", "1025 B"])

    def test_parts_have_an_element_for_each_rank(self):
        self.assertEqual(possible_sizes("allgather", [8, 16, 1024], 8), (32, 1024))
        self.assertEqual(possible_sizes("allreduce", [8, 1024], 8), (8, 1024))
        self.assertEqual(possible_sizes("barrier", [8, 1024], 8), (0,))


class Launching(unittest.TestCase):
    def test_rows_are_found_among_warnings_and_half_lines(self):
        self.assertEqual(rows_in('warning\n{"a": 1}\n{"a": 2'), [{"a": 1}])

    def test_failure_quotes_what_the_program_said(self):
        self.assertIn("error: no such thing", run(shell("echo error: no such thing >&2; exit 3")).failure)
        self.assertTrue(run(Command(("/does/not/exist",), {}, 1)).failure)

    def test_hung_program_ends_with_all_that_it_started(self):
        # The child gets a group of its own, as some launchers do with ranks, and ignores what it is asked.
        script = "set -m; (trap '' TERM; while :; do sleep 0.1; done) & echo '{\"session\": '$$'}'; wait"
        outcome = run(shell(script, limit_seconds=1))
        self.assertTrue(outcome.failure.startswith("hung"))
        self.assertEqual(members_of(outcome.rows[0]["session"]), [])

    def test_each_start_has_an_empty_store(self):
        command = shell('[ -z "$(ls -A "$PEER_STORE")" ] && touch "$PEER_STORE/used"')
        self.assertEqual([run(command).failure for _ in range(2)], ["", ""])

    def test_ranks_do_not_inherit_another_launcher(self):
        os.environ["PMI_RANK"] = "3"
        self.addCleanup(os.environ.pop, "PMI_RANK")
        self.assertEqual(run(shell('[ -z "${PMI_RANK:-}" ]')).failure, "")

    def test_foreign_time_is_what_is_neither_idle_nor_ours(self):
        cpus = os.cpu_count() or 1
        before = Usage(wall=0, busy=100, ours=10)
        self.assertEqual(foreign_share(before, Usage(wall=10, busy=105, ours=15)), 0)
        share = foreign_share(before, Usage(wall=10, busy=100 + 5 * cpus, ours=10))
        self.assertAlmostEqual(share, 0.5, delta=0.01)


class Measuring(unittest.TestCase):
    def test_disturbed_launch_is_repeated_and_flagged(self):
        outcome = quietest(printing(row(1)), care(foreign_limit=-1.0, repeats=1))
        self.assertIsInstance(outcome, Outcome)
        results = measured([contender("A", printing(row(1)))], foreign_limit=-1.0)
        self.assertFalse(results.summary(CELL, "A").clean)

    def test_disturbed_launches_count_only_where_there_is_no_other(self):
        samples = [Sample(9, 0.5, False), Sample(2, 0, True), Sample(4, 0, True)]
        self.assertEqual(Summary.of("A", samples), Summary("A", 3, 1 / 3, 2, True))
        self.assertEqual(Summary.of("A", samples[:1]), Summary("A", 9, 0, 1, False))

    def test_launch_in_which_the_cores_moved_is_flagged(self):
        placement = Lines("near", [40, 180, 180, 42, 40, 44])
        placement.near_ns = 40
        results = measured([contender("A", printing(row(1)))], placement=placement)
        samples = results.samples[CELL, "A"]
        self.assertEqual([s.line_ns for s in samples], [(40, 180), (42, 40)])
        self.assertEqual([s.clean for s in samples], [False, True])
        self.assertEqual(results.line_ns(), 41)

    def test_cores_are_moved_until_they_are_where_they_are_wanted(self):
        placement = Lines("far", [40, 44, 180])
        placement.near_ns = 40
        self.assertEqual(placement.settle(), 180)

    def test_keepers_use_only_what_nobody_wants_and_end(self):
        with Lines("near", [40]) as placement:
            keepers = list(placement.keepers)
            self.assertEqual(len(keepers), len(os.sched_getaffinity(0)))
        self.assertTrue(all(keeper.returncode is not None for keeper in keepers))

    def test_where_cores_are_kept_in_place_each_cell_has_a_launch(self):
        asked = []
        watched = Contender("A", "A", "peer", "1", lambda request: asked.append(request) or [shell("")])
        requests = [Request("allreduce", (8, 64), ("fresh", "hot"), 2)]
        with Lines("near", [40]) as kept:
            kept.near_ns = 40
            for placement in (kept, Lines("any", [40])):
                Rounds(results_of(watched), requests, care(launches=1, placement=placement)).run()
        cells = [Request("allreduce", (size,), (mode,), 2) for mode in ("fresh", "hot") for size in (8, 64)]
        self.assertEqual(asked, cells + requests)

    def test_contender_that_keeps_failing_is_left_out_and_said(self):
        results = measured([contender("A", shell("exit 1"))], launches=4)
        self.assertEqual(len(results.left_out), 2)
        self.assertIn("left out", results.left_out[1])

    def test_wrong_result_is_said_and_does_not_count(self):
        results = measured([contender("A", printing(row(1, wrong=7)))])
        self.assertEqual(results.wrong, ["A: allreduce of 8 B, 7 wrong elements"])
        self.assertEqual(results.cells(), [])

    def test_nothing_is_begun_after_the_deadline(self):
        results = results_of(contender("A", printing(row(1))))
        rounds = Rounds(results, [Request("allreduce", (8,), ("fresh",), 2)], care(deadline=time.monotonic() - 1))
        self.assertIn("out of time in round 1", rounds.run())

    def test_only_broadcast_is_compared_in_place(self):
        for name in COLLECTIVES:
            wanted = [at for at in (False, True) if is_asked_for({"collective": name, "in_place": at}, name)]
            self.assertEqual(wanted, [name == "broadcast"])
            self.assertTrue(is_asked_for({"collective": name}, name))


class Concluding(unittest.TestCase):
    def setUp(self):
        self.results = results_of(
            contender("Motet", shell("")), contender("A", shell(""), "X"), contender("A fast", shell(""), "X")
        )
        self.results.contenders["Motet"] = contender("Motet", shell(""), kind="motet")
        for name, time_us in (("Motet", 2), ("A", 8), ("A fast", 4)):
            self.results.add(CELL, name, Sample(time_us, 0, True))

    def test_best_peer_is_the_fastest_configuration(self):
        self.assertEqual(self.results.best_peer(CELL).contender, "A fast")

    def test_library_counts_with_its_best_configuration(self):
        self.assertEqual({mean.than: mean.mean for mean in means(self.results, "Motet")}, {"best peer": 2, "X": 2})

    def test_ucc_is_estimated_where_it_was_faster(self):
        cell = Cell("allreduce", 1 << 20, "hot")
        self.results.add(cell, "A", Sample(100, 0, True))
        self.assertEqual(self.results.best_peer(cell).contender, UCC)
        self.assertAlmostEqual(self.results.best_peer(cell).median_us, 89)
        self.results.over_memory = False
        self.assertEqual(self.results.best_peer(cell).contender, "A")
        self.results.over_memory, self.results.ranks = True, 4
        self.assertEqual(self.results.best_peer(cell).contender, "A")

    def test_tables_show_ratios_and_failures(self):
        self.results.wrong.append("A: allreduce, 7 wrong elements")
        text = markdown(self.results, ABOUT)
        self.assertIn("| 8 B | 2.00 | 4.00 | A fast | 2.00 | ±0 % / ±0 % |", text)
        self.assertIn("7 wrong elements", text)
        self.assertIn("near; a cache line went from one to the other in 40 ns", text)

    def test_record_is_json_with_every_launch(self):
        cells = json.loads(json.dumps(record(self.results, ABOUT)))["cells"]
        self.assertEqual([cell["launch_time_us"] for cell in cells], [[8], [4], [2]])


class Starting(unittest.TestCase):
    def commands(self, cpus: tuple[int, ...], *more: str) -> list[Command]:
        setting = Setting(Path("."), Path("/bin/false"), Path("."), 2, cpus, 1)
        return motet(setting, "Motet", *more).commands(Request("allreduce", (8, 64), ("fresh", "hot"), 2))

    def test_motet_is_pinned_rank_by_rank_unless_its_ranks_are_threads(self):
        pinned = self.commands((0, 1))[0]
        self.assertTrue(any(word.endswith("rank.sh") for word in pinned.arguments))
        self.assertEqual(pinned.environment["COMPARE_CPUS"], "0 1")
        self.assertIn("--ranks", self.commands((0, 1), "--threads")[0].arguments)
        self.assertIn("--ranks", self.commands(())[0].arguments)

    def test_motet_is_started_for_each_mode(self):
        self.assertEqual(["--fresh" in command.arguments for command in self.commands(())], [True, False])
        self.assertTrue(all("8,64" in command.arguments for command in self.commands(())))


if __name__ == "__main__":
    sys.exit(unittest.main())
