"""The package as it was installed: programs, headers, types."""

import importlib.metadata
import pathlib
import re
import subprocess
import sys
import sysconfig

import motet
import pytest

FOLDER = pathlib.Path(motet.__file__).parent
SCRIPTS = pathlib.Path(sysconfig.get_path("scripts"))


def check_types(folder, *what):
    checker = [sys.executable, "-m", "mypy", "--strict", "--warn-unused-ignores", "--cache-dir", folder]
    assert "Success" in output(*checker, *what)


def output(*command):
    ended = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def test_versions_agree():
    assert motet.__version__ == importlib.metadata.version("motet")
    header = (FOLDER / "include" / "motet" / "motet.h").read_text()
    assert "motet_allreduce" in header


def test_the_library_that_is_loaded_is_the_package_s_own():
    command = "import motet; print(open('/proc/self/maps').read())"
    loaded = set(re.findall(r"\S+/libmotet\S*", output(sys.executable, "-c", command)))
    assert len(loaded) == 1
    assert pathlib.Path(loaded.pop()).is_relative_to(FOLDER)


@pytest.mark.parametrize("program", ["motet-perf", "motet-sim", "motet-topo", "motet-tune"])
def test_programs_are_there(program):
    if not (FOLDER / "bin" / program).exists():
        pytest.skip("built without it")
    assert program in output(SCRIPTS / program, "--help")


def test_a_program_starts_ranks():
    if not (FOLDER / "bin" / "motet-perf").exists():
        pytest.skip("built without it")
    text = output(SCRIPTS / "motet-perf", "allreduce", "--ranks", "2", "-e", "4K", "-f", "8", "-n", "20")
    assert "all results right" in text


def test_a_program_that_is_missing_says_so(tmp_path):
    command = "import sys; from motet import _programs; sys.argv[1:] = []; _programs._become('motet-nothing')"
    ended = subprocess.run([sys.executable, "-c", command], text=True, capture_output=True)
    assert ended.returncode == 1
    assert ended.stderr.strip() == "motet-nothing: this package was built without it"


def test_numpy_is_not_needed():
    command = """
import sys
sys.modules["numpy"] = None
import motet, array
with motet.Communicator.from_unique_id(motet.unique_id(), 0, 1) as world:
    x = array.array("f", [1, 2])
    world.allreduce(x)
    print(list(x))
"""
    assert output(sys.executable, "-c", command).strip() == "[1.0, 2.0]"


def test_pytorch_finds_the_backend_by_its_name():
    found = importlib.metadata.entry_points(group="torch.distributed.backends", name="motet")
    assert [entry.value for entry in found] == ["motet.torch:register"]


USE = """
import array
import motet
import numpy as np

def use(world: motet.Communicator, x: np.ndarray, out: memoryview) -> float:
    with world:
        world.allreduce(x)
        world.allreduce(x, out, "max", timeout=3.0)
        world.allgather(array.array("f", [1.0]), out=bytearray(12))
        world.scatter(None, out, root=1)
        request: motet.Request = world.start_broadcast(x, root=0)
        done: bool = request.test()
        part = world.split(0)
        part.barrier()  # type: ignore[union-attr]
        world.allreduce([1.0])  # type: ignore[arg-type]
        world.allreduce(x, op="plus")  # type: ignore[arg-type]
        world.explain("everything", 1)  # type: ignore[arg-type]
        world.ranks  # type: ignore[attr-defined]
        motet.Communicator.from_store(lambda key, value: None, lambda key, timeout: b"", 0, 1)
        motet.Communicator.from_store(print, lambda key: b"", 0, 1)  # type: ignore[arg-type]
    try:
        world.check()
    except motet.Timeout as error:
        print(error, done)
    return world.predict("allgatherv", 3, "bfloat16").time_us
"""


def test_types_are_complete_and_catch_mistakes(tmp_path):
    """An ignored error that is none would be an error itself."""
    pytest.importorskip("mypy")
    program = tmp_path / "use.py"
    program.write_text(USE)
    check_types(tmp_path, program)
    check_types(tmp_path, "-m", "motet", "-m", "motet._core", "-m", "motet._programs")


USE_OF_TORCH = """
from datetime import timedelta

import motet.torch

options: motet.torch.Options = motet.torch.Options("motet", timedelta(seconds=3))
options._timeout = timedelta(seconds=4)
motet.torch.register("gloo")
motet.torch.register(3)  # type: ignore[arg-type]
motet.torch.Options(timeout=3)  # type: ignore[arg-type]
motet.torch.create  # type: ignore[attr-defined]
"""


def test_types_of_the_backend_are_complete(tmp_path):
    pytest.importorskip("mypy")
    pytest.importorskip("torch")
    program = tmp_path / "use.py"
    program.write_text(USE_OF_TORCH)
    check_types(tmp_path, program)
    check_types(tmp_path, "-m", "motet.torch")


def test_every_method_says_what_it_does():
    names = [name for name in dir(motet.Communicator) if not name.startswith("_")]
    assert len(names) > 30
    for name in names:
        assert getattr(motet.Communicator, name).__doc__.strip(), name
