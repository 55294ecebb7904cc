"""Where the hypervisor has put the cores: near each other, or far apart.

A virtual core that falls asleep may wake up on another core of the host, which may share a cache with its neighbour or
not: a cache line then takes 40 or 180 ns from one to the other, and every small message as much longer. So the cores are
kept awake by processes that run only where nobody else wants to (keepers), and the line is timed before and after each
launch. Ranks that share cores yield, to keepers too: for them nothing is kept.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from launch import rows_in

# Two times this far apart are of two placements.
APART = 1.6
TRIES = 40
NAP_SECONDS = 0.03  # asleep for so long, a core is often woken up elsewhere
KEEPER = "import os; os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))\nwhile True: pass"


def is_alike(one_ns: float, other_ns: float) -> bool:
    return 1 / APART < one_ns / other_ns < APART


class Placement:
    """Looks for a placement and keeps it, as far as it can be kept. Ends its keepers when it is left (with)."""

    def __init__(self, limits: Path, wanted: str):
        self.limits = limits
        self.wanted = wanted  # near, far or any
        self.near_ns: float | None = None
        self.keepers: list[subprocess.Popen] = []

    def __enter__(self) -> "Placement":
        if self.wanted == "any" or self.line_ns() is None:
            return self  # nothing is asked for, or motet-limits is not there and nothing can be said
        for cpu in sorted(os.sched_getaffinity(0)):
            keeper = subprocess.Popen([sys.executable, "-c", f"import os; os.sched_setaffinity(0, {{{cpu}}}); {KEEPER}"])
            self.keepers.append(keeper)
        return self

    def __exit__(self, *_: object) -> None:
        for keeper in self.keepers:
            keeper.kill()
            keeper.wait()

    @property
    def is_kept(self) -> bool:
        return bool(self.keepers)

    def line_ns(self) -> float | None:
        """From core to core, now; takes 20 ms."""
        command = [self.limits, "line", "--json", "--pin", "--pass-ms", "2", "--passes", "1"]
        try:
            shown = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
        except (OSError, subprocess.SubprocessError):
            return None
        return rows_in(shown)[0]["ns_one_way"]

    def settle(self) -> float | None:
        """Returns the line time once the cores are where they are wanted, or after so many tries where they are."""
        line_ns = self.line_ns()
        for _ in range(TRIES):
            if line_ns is None or self.is_wanted(line_ns):
                break
            self.nap()
            line_ns = self.line_ns()
        return line_ns

    def is_wanted(self, line_ns: float) -> bool:
        if self.wanted == "any":
            return True
        if self.near_ns is None:
            self.near_ns = self.nearest()
        return is_alike(line_ns, self.near_ns) == (self.wanted == "near")

    def nearest(self) -> float:
        lines = []
        for _ in range(TRIES):
            self.nap()
            lines.append(self.line_ns() or 1e9)
        return sorted(lines)[len(lines) // 10]  # the very shortest may have been an accident

    def nap(self) -> None:
        for keeper in self.keepers:
            keeper.send_signal(signal.SIGSTOP)
        time.sleep(NAP_SECONDS)
        for keeper in self.keepers:
            keeper.send_signal(signal.SIGCONT)

    def used_seconds(self) -> float:
        """CPU time of the keepers, which disturb nobody."""
        ticks = 0
        for keeper in self.keepers:
            fields = Path(f"/proc/{keeper.pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")
