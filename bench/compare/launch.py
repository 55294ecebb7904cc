"""Runs one program with all its ranks: with a time limit, and with an account of who else used the machine."""

import json
import os
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")
# The kernel counts a CPU's time in ticks, a process's exactly: so many ticks may differ by chance.
TICKS_BY_CHANCE = 4
PATIENCE_SECONDS = 5  # from asking a program to end until it is killed
# Of launchers that may have started us; a rank must not take them for its own.
LAUNCHERS = ("OMPI_", "PMI_", "PMIX_", "SLURM_", "MPI_", "RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_")


@dataclass(frozen=True)
class Command:
    arguments: tuple[str, ...]
    environment: dict[str, str]
    limit_seconds: float


@dataclass
class Outcome:
    rows: list[dict] = field(default_factory=list)
    failure: str = ""  # for humans; empty if all went well
    foreign_share: float = 0.0  # of the machine's CPU time, used by others or taken by the hypervisor
    seconds: float = 0.0
    line_ns: tuple[float, ...] = ()  # what a cache line took from core to core before and after, if known


@dataclass(frozen=True)
class Usage:
    """CPU seconds since some past moment: of all CPUs, stolen ones included, and of our finished children.

    What those used who do not count comes off the first.
    """

    wall: float
    busy: float
    ours: float

    @staticmethod
    def now(uncounted: float = 0.0) -> "Usage":
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields[:8])
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return Usage(
            time.monotonic(),
            (user + nice + system + irq + softirq + steal) * TICK_SECONDS - uncounted,
            children.ru_utime + children.ru_stime,
        )


def foreign_share(before: Usage, after: Usage) -> float:
    capacity = (after.wall - before.wall) * (os.cpu_count() or 1)
    foreign = (after.busy - before.busy) - (after.ours - before.ours) - TICKS_BY_CHANCE * TICK_SECONDS
    return max(0.0, foreign) / max(capacity, TICK_SECONDS)


def members_of(session: int) -> list[int]:
    """Processes of the session that we began for one program: some launchers give ranks groups of their own."""
    members = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, _parent, _group, its_session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue  # it has ended
        if int(its_session) == session and state != "Z":
            members.append(int(entry.name))
    return members


def send(process: int, number: signal.Signals) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        pass


def kill_members(session: int) -> None:
    """Returns when none is left: one may start another just before it is killed, and nobody ends at once."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while (members := members_of(session)) and time.monotonic() < limit:
        for member in members:
            send(member, signal.SIGKILL)
        time.sleep(0.01)


def end(process: subprocess.Popen) -> None:
    """Ends a program and all that it started; asks it first, so that a launcher can tidy up."""
    send(process.pid, signal.SIGTERM)
    try:
        process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    kill_members(process.pid)
    process.wait()


def environment_with(extra: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(LAUNCHERS)}
    return kept | extra


def rows_in(text: str) -> list[dict]:
    """The JSON objects, a line each; programs also warn, and one that was killed stops in the middle of a line."""
    rows = []
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:
                pass
    return rows


def complaint(text: str) -> str:
    """The line that says most about a failure, as far as one can tell."""
    lines = [line.strip() for line in text.splitlines() if line.strip(" -*=\t")]
    telling = [line for line in lines if any(word in line.lower() for word in ("error", "fail", "abort", "cannot"))]
    return (telling or lines or ["it said nothing"])[0][:200]


def wait(process: subprocess.Popen, limit_seconds: float) -> str:
    """The failure, or nothing."""
    try:
        status = process.wait(limit_seconds)
    except subprocess.TimeoutExpired:
        end(process)
        return f"hung: killed after {limit_seconds:.0f} s"
    except BaseException:  # we are to stop ourselves
        end(process)
        raise
    kill_members(process.pid)
    return f"exit status {status}" if status else ""


def run(command: Command, uncounted: Callable[[], float] = lambda: 0.0) -> Outcome:
    """`uncounted`: CPU seconds used so far by processes that disturb nobody.

    Output goes to files, so that nobody wakes up to read it while ranks are timed. PEER_STORE is an empty folder, where
    ranks that no MPI has introduced can meet. TMPDIR is another: what a killed mpirun leaves behind would keep the next
    one with its process number from starting, and emulated hosts have few numbers.
    """
    with (
        tempfile.TemporaryFile("w+") as output,
        tempfile.TemporaryFile("w+") as errors,
        tempfile.TemporaryDirectory() as store,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary,
    ):
        before = Usage.now(uncounted())
        try:
            process = subprocess.Popen(
                command.arguments,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                env=environment_with(command.environment | {"PEER_STORE": store, "TMPDIR": temporary}),
                start_new_session=True,
            )
        except OSError as error:
            return Outcome(failure=str(error))
        failure = wait(process, command.limit_seconds)
        after = Usage.now(uncounted())
        output.seek(0)
        errors.seek(0)
        if failure.startswith("exit"):
            failure += f": {complaint(errors.read())}"
        return Outcome(rows_in(output.read()), failure, foreign_share(before, after), after.wall - before.wall)
