#!/usr/bin/env python3
"""Whether hierarchy pays between emulated hosts, and whether the simulator knows.

Hosts are emulated by scripts/multihost.sh with NICs of a known speed. Ping-pongs between and within hosts give a fabric
(docs/fabrics.md); every allreduce algorithm is measured and predicted on it. Prints Markdown: of each size the
algorithms, fastest first, with the share of the bound that the speeds allow; hierarchical beside the ring in host order
and dealt out; two rails beside one; the error of the predictions and Kendall's tau of their order. With --slow HOST that host's NICs
have half the speed; ping-pongs of all pairs are to find it, and predictions are made with what they say.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MULTIHOST = str(ROOT / "scripts" / "multihost.sh")
MIB = 1 << 20
ALGORITHMS = ("hierarchical", "ring", "halving_doubling", "circulant", "two_tree", "forest", "recursive_doubling")
SMALL, LARGE = 8, 4 * MIB  # of ping-pongs: for the latency, for the speed


def parse_size(text: str) -> int:
    return int(text[:-1]) * MIB if text.endswith("M") else int(text)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=4)
    parser.add_argument("--ranks-per-host", type=int, default=2)
    parser.add_argument("--megabits", type=int, default=200, help="of each NIC, both ways (default 200)")
    parser.add_argument("--slow", type=int, help="a host whose NICs have half of that")
    parser.add_argument("--sizes", default="4M,16M")
    parser.add_argument("--launches", type=int, default=3, help="medians over so many (default 3)")
    parser.add_argument("--algorithms", default=",".join(ALGORITHMS))
    parser.add_argument("--build", type=Path, default=ROOT / "build/release")
    return parser.parse_args()


@dataclass
class Lab:
    given: argparse.Namespace

    def perf(self, options: list[str], hosts: int, words: list[str], environment: dict[str, str]) -> list[dict]:
        """The rows of motet-perf, out of place."""
        command = [MULTIHOST, str(hosts), "--timeout", "300", *options, "--"]
        command += [str(self.given.build / "tools/motet-perf"), *words, "--out-of-place", "--json", "-c", "0"]
        done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"hierarchy.py: {' '.join(command)}: {done.stderr.strip()[-500:]}")
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def speeds(self, rails: int) -> list[str]:
        options = ["--rails", str(rails), "--rate", f"{self.given.megabits}mbit"]
        if self.given.slow is not None:
            options += ["--rate-of", f"{self.given.slow}={self.given.megabits // 2}mbit"]
        return options

    def times(
        self, collective: str, sizes: list[int], options: list[str], hosts: int, more=(), environment=None
    ) -> dict[int, dict]:
        """By size the last row, and the median, least and most of the launches."""
        found: dict[int, list[dict]] = {}
        for _ in range(self.given.launches):
            words = [collective, "--sizes", ",".join(map(str, sizes)), "--row-ms", "300", "-w", "2", *more]
            for row in self.perf(options, hosts, words, environment or {}):
                found.setdefault(row["bytes"], []).append(row)
        return {size: rows[-1] | summary([row["time_us_median"] for row in rows]) for size, rows in found.items()}


def summary(times: list[float]) -> dict[str, float]:
    return {"time_us_median": statistics.median(times), "least_us": min(times), "most_us": max(times)}


def ping_pong(lab: Lab, options: list[str], hosts: int) -> tuple[float, float]:
    """Latency in us and speed in bytes per us: of two ranks that exchange messages, small and large ones."""
    rows = lab.times("sendrecv", [SMALL, LARGE], options, hosts)
    latency = rows[SMALL]["time_us_median"]
    return latency, LARGE / (rows[LARGE]["time_us_median"] - latency)


def pair_speeds(lab: Lab) -> dict[tuple[int, int], float]:
    """Of each pair of hosts, by itself."""
    found = {}
    for one, other in itertools.combinations(range(lab.given.hosts), 2):
        options = ["--rate", f"{lab.given.megabits}mbit"]
        for place, host in enumerate((one, other)):
            if host == lab.given.slow:
                options += ["--rate-of", f"{place}={lab.given.megabits // 2}mbit"]
        found[one, other] = ping_pong(lab, options, 2)[1]
    return found


@dataclass
class Slow:
    """A host whose NICs are slower than those of others."""

    host: int
    speed: float  # bytes per us


def find_slow_host(lab: Lab) -> Slow | None:
    """The host all of whose pairs are slow; none if they are alike."""
    speeds = pair_speeds(lab)
    for (one, other), speed in speeds.items():
        print(f"host {one} and host {other}: {8 * speed:.0f} Mbit/s")
    best = [max(speed for pair, speed in speeds.items() if host in pair) for host in range(lab.given.hosts)]
    host = min(range(lab.given.hosts), key=best.__getitem__)
    found = best[host] < 0.75 * statistics.median(best)
    print(f"slow: {f'host {host}' if found else 'none'}")
    return Slow(host, best[host]) if found else None


def fabric(near: tuple[float, float], far: tuple[float, float], given: argparse.Namespace, slow: Slow | None) -> str:
    """As ping-pongs say: latency in us, speed in bytes per us."""

    def link(name: str, measured: tuple[float, float]) -> str:
        return f"class {name} {measured[1] / 1e3:.6f} GB/s {measured[0] / 2:.2f} us"

    return "\n".join(
        [
            "fabric hosts",
            f"ranks {given.hosts} nodes x {given.ranks_per_host}",
            link("memory", near),
            link("nic", far),
            *([link("slow", (far[0], slow.speed))] if slow else []),
            "switch node memory",
            "switch world nic of node" + (f", {slow.host} slow" if slow else ""),
            "",
        ]
    )


def bound_us(size: int, given: argparse.Namespace) -> float:
    """Of the raw speeds, headers included: what leaves all hosts in reduce-scatter and allgather, each at its speed."""
    speeds = [given.megabits / 8 / (2 if host == given.slow else 1) for host in range(given.hosts)]
    return 2 * (given.hosts - 1) * size / sum(speeds)


def kendall_tau(rows: list[dict], are_told_apart: Callable[[dict, dict], bool]) -> float:
    """Of those pairs of rows, whether they were predicted in the order in which they were measured."""
    right = [
        (one["time_us_median"] > other["time_us_median"]) == (one["predicted_us"] > other["predicted_us"])
        for one, other in itertools.combinations(rows, 2)
        if are_told_apart(one, other)
    ]
    return 2 * sum(right) / len(right) - 1 if right else 1.0


def by_median(one: dict, other: dict) -> bool:
    return one["time_us_median"] != other["time_us_median"]


def by_every_launch(one: dict, other: dict) -> bool:
    """Whether all launches of one were faster than all of the other."""
    return one["most_us"] < other["least_us"] or other["most_us"] < one["least_us"]


def report_predictions(measured: dict[str, dict], sizes: list[int], given: argparse.Namespace) -> None:
    print("\n| size | algorithm | ms | share of bound | predicted | error |\n|---|---|---|---|---|---|")
    errors, taus, clear_taus = [], [], []
    for size in sizes:
        rows = [(name, found[size]) for name, found in measured.items() if size in found]
        rows.sort(key=lambda row: row[1]["time_us_median"])
        for name, row in rows:
            time, predicted = row["time_us_median"], row["predicted_us"]
            errors.append(abs(predicted / time - 1))
            share = bound_us(size, given) / time
            print(f"| {size / MIB:g} MiB | {name} | {time / 1e3:.1f} | {share:.0%} | {predicted / 1e3:.1f} | "
                  f"{predicted / time - 1:+.0%} |")
        all_of_size = [row for _, row in rows]
        taus.append(kendall_tau(all_of_size, by_median))
        clear_taus.append(kendall_tau(all_of_size, by_every_launch))
    print(f"\nPredictions: median error {statistics.median(errors):.1%} (at most 10 %), Kendall's tau "
          f"{', '.join(f'{tau:.2f}' for tau in taus)} (at least .9); of pairs that every launch put in the same order "
          f"{', '.join(f'{tau:.2f}' for tau in clear_taus)}")


def report_hierarchy(lab: Lab, sizes: list[int], measured: dict[str, dict], environment: dict[str, str]) -> None:
    each = ["--ranks-per-host", str(lab.given.ranks_per_host)]
    dealt = lab.times("allreduce", sizes, [*lab.speeds(1), *each, "--round-robin"], lab.given.hosts,
                      ["--algorithm", "ring"])
    rails = lab.times("allreduce", sizes, [*lab.speeds(2), *each], lab.given.hosts,
                      ["--algorithm", "hierarchical"], environment | {"MOTET_RAILS": "eth0,eth1"})
    print("\n| size | hierarchical | of its bound (85 %) | ring / it (1) | ring dealt out / it (1.9) | "
          "it / with two rails (1.8) |\n|---|---|---|---|---|---|")
    for size in sizes:
        time = measured["hierarchical"][size]["time_us_median"]
        ring, other, two = (rows[size]["time_us_median"] / time for rows in (measured["ring"], dealt, rails))
        print(f"| {size / MIB:g} MiB | {time / 1e3:.1f} ms | {bound_us(size, lab.given) / time:.0%} | {ring:.2f} | "
              f"{other:.2f} | {1 / two:.2f} |")


def main() -> None:
    lab = Lab(given := arguments())
    sizes = [parse_size(word) for word in given.sizes.split(",")]
    slow = find_slow_host(lab) if given.slow is not None else None
    near = ping_pong(lab, ["--ranks-per-host", "2"], 1)
    far = ping_pong(lab, ["--rate", f"{given.megabits}mbit"], 2)
    print(f"{given.hosts} hosts x {given.ranks_per_host} ranks, NICs of {given.megabits} Mbit/s; ping-pongs: within a "
          f"host {near[0]:.1f} us, {near[1] / 1e3:.2f} GB/s; between hosts {far[0]:.0f} us, {8 * far[1]:.0f} Mbit/s")
    with tempfile.NamedTemporaryFile("w", suffix=".fabric") as file:
        file.write(fabric(near, far, given, slow))
        file.flush()
        environment = {"MOTET_FABRIC": file.name}
        where = [*lab.speeds(1), "--ranks-per-host", str(given.ranks_per_host)]
        measured = {
            name: lab.times("allreduce", sizes, where, given.hosts, ["--algorithm", name], environment)
            for name in given.algorithms.split(",")
        }
        report_predictions(measured, sizes, given)
        if given.slow is None:
            report_hierarchy(lab, sizes, measured, environment)


if __name__ == "__main__":
    main()
