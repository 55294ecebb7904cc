"""Compares Motet with other libraries and with the machine's limits. Prints Markdown and writes Markdown and JSON.

compare.sh installs the other libraries and then calls this. README.md says what each column means.
"""

import argparse
import datetime
import json
import os
import platform
import re
import signal
import sys
import time
from pathlib import Path

from cells import COLLECTIVES, DEFAULT_SIZES, MODES, QUICK_SIZES, parse_size, request_for
import contenders
import hosts
from contenders import ROOT, Setting
from placement import Placement
from results import Results
from rounds import Care, Rounds
from tables import MOTET, markdown, record


def sizes_from(text: str) -> list[int]:
    return [parse_size(word) for word in text.split(",")]


def collectives_from(text: str) -> list[str]:
    names = list(COLLECTIVES) if text == "all" else text.split(",")
    if unknown := [name for name in names if name not in COLLECTIVES]:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: choose from {', '.join(COLLECTIVES)} or all")
    return names


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="compare.sh", description=__doc__)
    result.add_argument("--ranks", type=int, default=2)
    result.add_argument("--hosts", type=int, default=0, help="emulated, with equal numbers of ranks; 1: TCP alone")
    result.add_argument("--rate", default="", help="of each host's NICs: 200mbit (default: as fast as the machine)")
    result.add_argument("--rails", type=int, default=1, help="NICs of each host (default 1)")
    result.add_argument("--mode", choices=(*MODES, "both"), default="both")
    result.add_argument("--sizes", type=sizes_from, help=f"bytes (default {DEFAULT_SIZES})")
    result.add_argument("--collectives", type=collectives_from, default=list(COLLECTIVES), help="default: all")
    result.add_argument("--launches", type=int, help="rounds (default 5)")
    result.add_argument("--quick", action="store_true", help=f"two launches of {QUICK_SIZES}: does it work?")
    result.add_argument("--budget-minutes", type=float, default=120, help="nothing is begun later (default 120)")
    result.add_argument("--only", default="", help="contenders whose name matches this, and Motet")
    result.add_argument("--pin", choices=("auto", "on", "off"), default="auto", help="auto: where cores suffice")
    result.add_argument("--placement", choices=("near", "far", "any"), default="near", help="of virtual cores")
    result.add_argument("--foreign-percent", type=float, default=3, help="of CPU time; more: repeated (default 3)")
    result.add_argument("--repeats", type=int, default=6, help="of a disturbed launch (default 6)")
    result.add_argument("--cell-seconds", type=float, default=20, help="limit for a size and mode (default 20)")
    result.add_argument("--build", type=Path, default=ROOT / "build/release", help="Motet's build folder")
    result.add_argument("--peers", type=Path, default=ROOT / "build/peers", help="peers.sh's folder")
    result.add_argument("--output", type=Path, default=ROOT / "build/compare", help="folder for the results")
    return result


def cpus_for(pin: str, ranks: int) -> tuple[int, ...]:
    allowed = sorted(os.sched_getaffinity(0))
    if pin == "off" or (pin == "auto" and ranks > len(allowed)):
        return ()
    if ranks > len(allowed):
        sys.exit(f"compare.sh: --pin on with {ranks} ranks, but there are {len(allowed)} CPUs")
    return tuple(allowed[:ranks])


def setting_from(given: argparse.Namespace) -> Setting:
    if given.ranks < 2:
        sys.exit("compare.sh: --ranks must be at least 2")
    setting = Setting(
        peers=given.peers.resolve(),
        motet_perf=(given.build / "tools/motet-perf").resolve(),
        limits=(given.build / "bench/limits/motet-limits").resolve(),
        ranks=given.ranks,
        cpus=cpus_for(given.pin, given.ranks),
        cell_seconds=given.cell_seconds,
        # scripts/multihost.sh's shaper lets 128 KiB pass at once: many times as much must follow.
        batch_ms=50 if given.rate else 1,
    )
    if not setting.motet_perf.exists():
        sys.exit(f"compare.sh: {setting.motet_perf} is missing: build the preset `release` first")
    return setting


def hosts_from(given: argparse.Namespace) -> hosts.Hosts:
    if given.ranks % given.hosts:
        sys.exit(f"compare.sh: {given.ranks} ranks cannot be dealt over {given.hosts} hosts")
    options = ("--rails", str(given.rails), *(("--rate", given.rate) if given.rate else ()))
    return hosts.Hosts(given.hosts, given.ranks // given.hosts, options)


def everybody(given: argparse.Namespace, setting: Setting) -> tuple[list[contenders.Contender], list[str]]:
    """Motet first, and why others are left out."""
    if given.hosts:
        emulated = hosts_from(given)
        others, left_out = hosts.peers(setting, emulated)
        return hosts.motets(setting, emulated) + others, left_out
    others, left_out = contenders.peers(setting)
    return contenders.motets(setting) + others + contenders.floors(setting), left_out


def field_of(file: str, name: str) -> str:
    found = re.search(rf"^{name}\s*:\s*(.+)$", Path(file).read_text(), re.MULTILINE)
    return found.group(1) if found else "?"


def about(given: argparse.Namespace, setting: Setting, results: Results, placement: str, stopped: str) -> dict:
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="minutes"),
        "commit": results.commit,
        "machine": {
            "cpu": field_of("/proc/cpuinfo", "model name"),
            "cores": len(os.sched_getaffinity(0)),
            "memory": field_of("/proc/meminfo", "MemTotal"),
            "kernel": platform.release(),
        },
        "launches": given.launches,
        "pinned": bool(setting.cpus),
        "hosts": {"count": given.hosts, "rate": given.rate, "rails": given.rails} if given.hosts else None,
        "placement": placement,
        "line_ns": results.line_ns(),
        "stopped": stopped,
        "versions": {c.library: c.version for c in results.contenders.values() if c.kind == "peer"},
    }


def write(given: argparse.Namespace, results: Results, facts: dict) -> None:
    text = markdown(results, facts)
    given.output.mkdir(parents=True, exist_ok=True)
    where = f"-on-{given.hosts}-hosts" if given.hosts else ""
    stem = given.output / f"{results.ranks}-ranks{where}"
    stem.with_suffix(".md").write_text(text)
    stem.with_suffix(".json").write_text(json.dumps(record(results, facts), indent=1) + "\n")
    print(text)
    print(f"Written: {stem}.md and {stem}.json", file=sys.stderr)


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the ranks and prints what there is
    given = parser().parse_args()
    given.launches = given.launches or (2 if given.quick else 5)
    sizes = given.sizes or sizes_from(QUICK_SIZES if given.quick else DEFAULT_SIZES)
    setting = setting_from(given)
    all_there, left_out = everybody(given, setting)
    chosen = {c.name: c for c in all_there if c.name == MOTET or re.search(given.only, c.name)}
    results = Results(given.ranks, chosen, left_out=left_out, over_memory=not given.hosts)
    modes = MODES if given.mode == "both" else (given.mode,)
    placement = Placement(setting.limits, given.placement if setting.cpus else "any")
    care = Care(
        launches=given.launches,
        foreign_limit=given.foreign_percent / 100,
        repeats=min(given.repeats, 1) if given.quick else given.repeats,
        deadline=time.monotonic() + 60 * given.budget_minutes,
        placement=placement,
    )
    requests = [request_for(name, sizes, modes, given.ranks) for name in given.collectives]
    with placement:
        stopped = Rounds(results, requests, care).run()
    write(given, results, about(given, setting, results, placement.wanted, stopped))
    motet_failed = any(text.startswith("Motet") for text in results.left_out + results.wrong)
    return 1 if results.wrong or motet_failed else 0


if __name__ == "__main__":
    sys.exit(main())
