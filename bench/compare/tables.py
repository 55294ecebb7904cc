"""Results as Markdown and as JSON."""

from collections.abc import Iterable

from cells import COLLECTIVES, MODES, Cell, size_text
from results import UCC, Results, Summary, means, ratio

MOTET = "Motet"
NOTHING = "-"


def time_text(summary: Summary | None) -> str:
    """Three digits; a dagger if no launch was undisturbed."""
    if summary is None:
        return NOTHING
    value = summary.median_us
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}" + ("" if summary.clean else "†")


def ratio_text(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f}"


def spread_text(*summaries: Summary | None) -> str:
    return " / ".join(f"±{100 * s.spread:.0f} %" if s else NOTHING for s in summaries)


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    heads = list(heads)
    lines = [heads, ["---:"] * len(heads), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines] + [""]


def main_row(results: Results, cell: Cell) -> list[str]:
    motet = results.summary(cell, MOTET)
    peer = results.best_peer(cell)
    floor = results.floor(cell, shared=False)
    row = [size_text(cell.bytes), time_text(motet), time_text(peer), peer.contender if peer else NOTHING]
    row.append(ratio_text(ratio(peer, motet)))
    if results.names("floor"):
        row += [time_text(floor), ratio_text(ratio(motet, floor))]
    return [*row, spread_text(motet, peer)]


def main_heads(results: Results) -> list[str]:
    floor = ["floor", "Motet / floor"] if results.names("floor") else []
    return ["bytes", "Motet", "best peer", "who", "best peer / Motet", *floor, "spread (Motet / peer)"]


def other_row(results: Results, cell: Cell, others: list[str]) -> list[str]:
    """Both stand beside the shared floor: for threads, too, all memory is in reach."""
    row = [size_text(cell.bytes)]
    floor = results.floor(cell, shared=True)
    for name in others:
        other = results.summary(cell, name)
        row += [time_text(other), ratio_text(ratio(results.summary(cell, MOTET), other))]
        row += [ratio_text(ratio(other, floor))] if results.names("floor") else []
    return [*row, time_text(floor)] if results.names("floor") else row


def other_heads(results: Results, others: list[str]) -> list[str]:
    heads = ["bytes"]
    for name in others:
        short = name.removeprefix(f"{MOTET}, ")
        heads += [short, f"Motet / {short}"] + ([f"{short} / floor"] if results.names("floor") else [])
    return [*heads, "shared floor"] if results.names("floor") else heads


def peers_table(results: Results, cells: list[Cell]) -> list[str]:
    """Every peer that has measured any of the cells."""
    names = [n for n in results.names("peer") if any((cell, n) in results.samples for cell in cells)]
    rows = ([size_text(cell.bytes), *(time_text(results.summary(cell, n)) for n in names)] for cell in cells)
    return table(["bytes", *names], rows) if names else []


def tables_of(results: Results, collective: str, mode: str) -> list[str]:
    cells = [cell for cell in results.cells() if (cell.collective, cell.mode) == (collective, mode)]
    if not cells:
        return []
    lines = [f"### {collective}, {mode}", ""]
    lines += table(main_heads(results), (main_row(results, cell) for cell in cells))
    others = [name for name in results.names("motet") if name != MOTET]
    if others:
        lines += table(other_heads(results, others), (other_row(results, cell, others) for cell in cells))
    return lines + peers_table(results, cells)


def means_table(results: Results) -> list[str]:
    rows = [[mean.than, mean.mode, f"{mean.mean:.2f}", str(mean.cells)] for mean in means(results, MOTET)]
    if not rows:
        return []
    return ["### Geometric means of peer / Motet", "", *table(["than", "inputs", "times faster", "cells"], rows)]


def placement(about: dict) -> list[str]:
    if about["line_ns"] is None:
        return []
    return [f"Cores: {about['placement']}; a cache line went from one to the other in {about['line_ns']:.0f} ns."]


def notes(results: Results, about: dict) -> list[str]:
    lines = [
        "Times in µs: of one call, of the slowest rank; the median over launches of each launch's median. Spread: half",
        "of the range over launches. †: in every launch others used the machine, or the cores were moved.",
        *placement(about),
        "Ranks are " + ("pinned, one to a core (threads are not)." if about["pinned"] else "not pinned."),
        f"Versions: {', '.join(f'{name} {version}' for name, version in about['versions'].items())}.",
        "",
    ]
    if any((best := results.best_peer(cell)) and best.contender == UCC for cell in results.cells()):
        lines += [f"{UCC}: a fixed share of the best installed peer's time; see bench/compare/README.md.", ""]
    for title, texts in (("WRONG RESULTS", results.wrong), ("Left out", results.left_out)):
        if texts:
            lines += [f"**{title}**", "", *(f"- {text}" for text in dict.fromkeys(texts)), ""]
    return lines


def markdown(results: Results, about: dict) -> str:
    machine = about["machine"]
    title = f"## {results.ranks} ranks on {machine['cores']} cores of {machine['cpu']}"
    when = f"{about['date']}, commit {about['commit']}, {about['launches']} launches"
    lines = [title, "", when + (f" ({about['stopped']})" if about["stopped"] else "") + ".", ""]
    lines += notes(results, about) + means_table(results)
    for mode in MODES:
        for collective in COLLECTIVES:
            lines += tables_of(results, collective, mode)
    return "\n".join(lines)


def cell_record(results: Results, cell: Cell, name: str) -> dict:
    summary = results.summary(cell, name)
    assert summary is not None
    contender = results.contenders[name]
    samples = results.samples[cell, name]
    return {
        "collective": cell.collective,
        "ranks": results.ranks,
        "bytes": cell.bytes,
        "mode": cell.mode,
        "contender": name,
        "library": contender.library,
        "kind": contender.kind,
        "time_us_median": summary.median_us,
        "spread_share": round(summary.spread, 4),
        "clean": summary.clean,
        "launch_time_us": [sample.time_us for sample in samples],
        "launch_foreign_share": [round(sample.foreign_share, 4) for sample in samples],
        "launch_line_ns": [list(sample.line_ns) for sample in samples],
    }


def ratio_record(results: Results, cell: Cell) -> dict:
    motet = results.summary(cell, MOTET)
    peer = results.best_peer(cell)
    return {
        "collective": cell.collective,
        "bytes": cell.bytes,
        "mode": cell.mode,
        "best_peer": peer.contender if peer else None,
        "best_peer_over_motet": ratio(peer, motet),
        "motet_over_floor": ratio(motet, results.floor(cell, shared=False)),
    }


def record(results: Results, about: dict) -> dict:
    """Everything, for programs."""
    return about | {
        "ranks": results.ranks,
        "cells": [cell_record(results, cell, name) for cell, name in sorted(results.samples)],
        "ratios": [ratio_record(results, cell) for cell in results.cells()],
        "means": [vars(mean) for mean in means(results, MOTET)],
        "left_out": results.left_out,
        "wrong": results.wrong,
    }
