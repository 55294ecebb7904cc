"""What passes of PyTorch's own suite over gloo passes over Motet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SUITE = Path(__file__).with_name("pytorch_suite.py")
TIMEOUT_S = 900


def run(mode: str, ranks: int, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, SUITE, "--as", mode, "--ranks", str(ranks), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [3, 4])
def test_motet_passes_what_gloo_passes(ranks: int, tmp_path: Path) -> None:
    passed = str(tmp_path / "passed")
    run("gloo", ranks, "--list", passed)
    run("motet-as-gloo", ranks, "--expect", passed)


@pytest.mark.parametrize("ranks", [3, pytest.param(4, marks=pytest.mark.slow)])
def test_motet_passes_what_is_meant_for_every_backend(ranks: int) -> None:
    run("motet", ranks)


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [3, 4])
def test_motet_passes_what_is_meant_for_mpi_alone(ranks: int) -> None:
    assert " 0 failed" in run("motet-as-mpi", ranks, "--only", "all_to_all")
