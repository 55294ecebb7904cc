"""Runs functions of the tests as ranks: each in a process of its own.

    def body(world, word): return world.rank
    [0, 1] == run(body, 2, "word").values

Only the module that defines the function is imported there.
"""

import dataclasses
import importlib
import json
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import sys
import time

TESTS = pathlib.Path(__file__).parent
MARK = "RESULT "
#: Nothing here takes so long, however busy the machine is.
LIMIT = 120


@dataclasses.dataclass
class Rank:
    """How one ended. `value`: what the function returned, or None; `status`: as Popen's."""

    status: int
    value: object
    text: str


@dataclasses.dataclass
class Job:
    ranks: list

    @property
    def values(self):
        """Of all ranks, every one of which must have come to its end."""
        for number, rank in enumerate(self.ranks):
            assert rank.status == 0, f"rank {number} ended with {rank.status}:\n{rank.text}"
        return [rank.value for rank in self.ranks]


def wait_until(holds, what):
    """For a rank that must not come before something has happened elsewhere."""
    deadline = time.monotonic() + LIMIT / 2
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.01)


def stay_away(world):
    """Until the communicator has failed without this rank."""

    def has_failed():
        try:
            world.check()
        except Exception:
            return True
        return False

    wait_until(has_failed, "the communicator has failed")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(body, count, *arguments, environment=None, joins=True):
    """Runs body(world, *arguments) on so many ranks; without the world if it joins by itself."""
    job = {
        "WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
        "MOTET_SECRET": secrets.token_hex(32),
    }
    words = json.dumps([body.__module__, body.__name__, joins, arguments])
    processes = []
    for rank in range(count):
        mine = {**os.environ, **job, "RANK": str(rank), "LOCAL_RANK": str(rank), **(environment or {})}
        command = [sys.executable, "-X", "faulthandler", str(TESTS / "ranks.py"), words]
        processes.append(
            subprocess.Popen(command, env=mine, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        )
    return Job([gather(process, deadline) for deadline in [time.monotonic() + LIMIT] for process in processes])


def gather(process, deadline):
    try:
        text, _ = process.communicate(timeout=max(deadline - time.monotonic(), 0.1))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)  # faulthandler says where it is
        text, _ = process.communicate()
        text += "\nkilled by the time limit"
    marked = [line for line in text.splitlines() if line.startswith(MARK)]
    value = json.loads(marked[-1].removeprefix(MARK)) if marked else None
    return Rank(process.returncode, value, text)


def main():
    module, name, joins, arguments = json.loads(sys.argv[1])
    body = getattr(importlib.import_module(module), name)
    if joins:
        import motet

        with motet.Communicator.from_environment() as world:
            value = body(world, *arguments)
    else:
        value = body(*arguments)
    print(MARK + json.dumps(value), flush=True)


if __name__ == "__main__":
    main()
