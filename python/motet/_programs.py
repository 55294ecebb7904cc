"""motet-perf and the other programs, which lie in this package beside the library."""

import os
import pathlib
import sys
from typing import NoReturn


def _become(name: str) -> NoReturn:
    program = pathlib.Path(__file__).parent / "bin" / name
    if not program.exists():
        sys.exit(f"{name}: this package was built without it")
    os.execv(program, [name, *sys.argv[1:]])


def perf() -> NoReturn:
    _become("motet-perf")


def sim() -> NoReturn:
    _become("motet-sim")


def topo() -> NoReturn:
    _become("motet-topo")


def tune() -> NoReturn:
    _become("motet-tune")
