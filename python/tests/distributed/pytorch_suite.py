"""Runs PyTorch's own suite for process groups, DistributedTest of
torch.testing._internal.distributed.distributed_test, and says which tests passed:

    pytorch_suite.py --as motet --ranks 3 [--only REGEX] [--list FILE] [--expect FILE]

--as  gloo            PyTorch's gloo: what the others are compared with
      motet           Motet under its own name
      motet-as-gloo   Motet in the place of gloo: also what is meant for gloo alone
      motet-as-mpi    Motet in the place of MPI: also what is meant for MPI alone (all_to_all)
--list    writes the names of the tests that passed
--expect  such a list: the exit status is 1 where one of them failed or was not run

Ranks start by fork, ten times as fast as otherwise.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
import unittest
from pathlib import Path

# The name under which the suite asks for its backend.
NAMES = {"gloo": "gloo", "motet": "motet", "motet-as-gloo": "gloo", "motet-as-mpi": "mpi"}
# It wants the literal name of one of PyTorch's own backends.
EXCUSED = {mode: {"test_ddp_logging_data_cpu"} for mode in ("motet", "motet-as-gloo")}


def prepare(mode: str, ranks: int, folder: str) -> None:
    """The suite reads all of this when it is imported."""
    os.environ.update(
        BACKEND=NAMES[mode],
        WORLD_SIZE=str(ranks),
        TEMP_DIR=folder,
        INIT_METHOD=f"file://{folder}/shared_init_file",
        MASTER_ADDR="127.0.0.1",
        OMP_NUM_THREADS="1",
    )
    from torch.testing._internal.common_distributed import DistTestCases

    if mode != "gloo":
        import motet.torch

        if mode == "motet-as-gloo":
            motet.torch.register("gloo")
        for feature in ("ddp", "subgroup"):
            DistTestCases.backend_feature[feature].add(NAMES[mode])


def suite_class(mode: str) -> type[unittest.TestCase]:
    import torch
    from torch.testing._internal.distributed import distributed_test
    from torch.testing._internal.distributed.distributed_test import (
        DistributedTest,
        TestDistBackend,
    )

    if mode == "motet-as-mpi":
        # PyTorch gives MPI no store. The tests have been chosen by now.
        distributed_test.BACKEND = "motet"

    class Suite(TestDistBackend, DistributedTest._DistTestBase):
        def setUp(self) -> None:
            super().setUp()
            fork = torch.multiprocessing.get_context("fork")
            self._start_processes(fork.Process)

    return Suite


class Outcome(unittest.TestResult):
    """Prints a line for each test that was run."""

    def __init__(self) -> None:
        super().__init__()
        self.passed: list[str] = []
        self.failed: dict[str, str] = {}

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.began = time.monotonic()

    def note(self, test: unittest.TestCase, word: str) -> None:
        took = time.monotonic() - self.began
        print(f"{word:6} {took:6.1f} s  {test._testMethodName}", flush=True)

    def addSuccess(self, test: unittest.TestCase) -> None:
        self.passed.append(test._testMethodName)
        self.note(test, "passed")

    def addFailure(self, test, error) -> None:  # type: ignore[no-untyped-def]
        self.failed[test._testMethodName] = self._exc_info_to_string(error, test)
        self.note(test, "FAILED")

    addError = addFailure


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--as", dest="mode", choices=NAMES, required=True)
    parser.add_argument("--ranks", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--list", type=Path)
    parser.add_argument("--expect", type=Path)
    given = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        prepare(given.mode, given.ranks, folder)
        suite = suite_class(given.mode)
        names = unittest.TestLoader().getTestCaseNames(suite)
        names = [name for name in names if re.search(given.only, name)]
        outcome = Outcome()
        for name in names:
            suite(name).run(outcome)

    for name, why in outcome.failed.items():
        print(f"\n{name}\n{why}")
    skipped = len(names) - len(outcome.passed) - len(outcome.failed)
    print(
        f"\n{given.mode}, {given.ranks} ranks: {len(outcome.passed)} passed, "
        f"{len(outcome.failed)} failed, {skipped} of {len(names)} not meant for it"
    )
    if given.list:
        given.list.write_text("".join(name + "\n" for name in outcome.passed))
    if given.expect is None:
        return 1 if outcome.failed.keys() - EXCUSED.get(given.mode, set()) else 0
    expected = set(given.expect.read_text().split()) - EXCUSED.get(given.mode, set())
    missing = sorted(expected - set(outcome.passed))
    print("What passes there and not here: " + (", ".join(missing) or "nothing"))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
