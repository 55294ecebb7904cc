"""Motet beside gloo under PyTorch: both backends in the same processes, their calls in turn.

torchrun --nproc-per-node 2 bench/torch/compare.py [--replay FILE]... [--only REGEX] [--rounds N] [--json FILE]

Prints, for each case, the median times and how often gloo's is Motet's (above 1: Motet is faster):
  allreduce of 8 B to 64 MiB; steps of DDP and FSDP2; for Motet alone, overlap: computing and an
  allreduce one after the other, and at once; and of each file of bench/replay (the buckets of
  ResNet-50 under DDP, a layer under FSDP) its calls alone, and the step that they are.
With --replay those of the files alone, which motet-perf --replay reads as well.
A time is that of the slowest rank. What ranks put in is written anew before each call and what they
get is read after it, outside the timed part; results of replayed calls are checked.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn

REPLAYS = sorted((Path(__file__).parents[1] / "replay").glob("*.txt"))

Group = dist.ProcessGroup


@dataclass
class Case:
    name: str
    prepare: Callable[[], object]
    call: Callable[[Group], object]
    bytes: int = 0
    repeat: int = 1  # calls between two looks at the clock
    check: Callable[[], object] = lambda: None  # raises where what a call left is wrong


def allreduce(elements: int) -> Case:
    data = torch.empty(elements)
    size = 4 * elements
    text = f"{size >> 20} MiB" if size >= 1 << 20 else f"{size >> 10} KiB" if size >= 1 << 10 else f"{size} B"
    return Case(
        f"allreduce {text}",
        lambda: (data.sum(), data.fill_(1.0)),
        lambda group: dist.all_reduce(data, group=group),
        size,
        20 if size < 1 << 16 else 1,
    )


@dataclass
class Replayed:
    """A line of a replay, with its buffers. All elements of rank r's input are r + 1."""

    line: str
    given: torch.Tensor
    result: torch.Tensor
    expected: list[float]  # of as many equal parts of the result
    begin: Callable[[Group], dist.Work]
    wait_after: bool = False

    def prepare(self) -> None:
        self.result.sum()
        self.given.fill_(dist.get_rank() + 1)

    def check(self) -> None:
        for part, value in zip(self.result.chunk(len(self.expected)), self.expected, strict=True):
            # Sums of many ranks are rounded in 16 bits.
            if not torch.allclose(part, torch.tensor(value, dtype=part.dtype), rtol=1e-2):
                raise SystemExit(f"rank {dist.get_rank()}: {self.line}: got {part} instead of {value:g}")
        self.result.zero_()  # nothing is right because it was


def replayed(collective: str, type_name: str, *rest: str) -> Replayed:
    size, dtype, elements = dist.get_world_size(), getattr(torch, type_name), int(rest[-1])
    ranks = [rank + 1.0 for rank in range(size)]
    op, combined = {
        "sum": (dist.ReduceOp.SUM, sum(ranks)),
        "avg": (dist.ReduceOp.AVG, sum(ranks) / size),
        "prod": (dist.ReduceOp.PRODUCT, math.prod(ranks)),
        "min": (dist.ReduceOp.MIN, min(ranks)),
        "max": (dist.ReduceOp.MAX, max(ranks)),
    }[rest[0] if len(rest) > 1 else "sum"]
    part = torch.zeros(-(-elements // size), dtype=dtype)
    whole = torch.zeros(elements if collective in ("allreduce", "broadcast") else len(part) * size, dtype=dtype)
    given, result, expected, begin = {
        "allreduce": (whole, whole, [combined], lambda on: dist.all_reduce(whole, op, on, async_op=True)),
        "broadcast": (whole, whole, ranks[:1], lambda on: dist.broadcast(whole, 0, on, async_op=True)),
        "allgather": (part, whole, ranks, lambda on: dist.all_gather_into_tensor(whole, part, on, async_op=True)),
        "reduce_scatter": (
            whole,
            part,
            [combined],
            lambda on: dist.reduce_scatter_tensor(part, whole, op, on, async_op=True),
        ),
    }[collective]
    return Replayed(" ".join((collective, type_name, *rest)), given, result, expected, begin)


def replay_of(path: Path) -> list[Replayed]:
    """The calls of a file for motet-perf --replay, which says more of what is wrong with a line."""
    calls: list[Replayed] = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.partition("#")[0].split()
        try:
            if words == ["wait"]:
                calls[-1].wait_after = True
            elif words:
                calls.append(replayed(*words))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise SystemExit(f"{path}:{number}: cannot be replayed here: {line}") from error
    return calls


def step_of_replay(name: str, calls: list[Replayed]) -> Case:
    def call(group: Group) -> None:
        under_way: list[dist.Work] = []

        def wait_for_all() -> None:
            for work in under_way:
                work.wait()
            under_way.clear()

        for one in calls:
            under_way.append(one.begin(group))
            if one.wait_after:
                wait_for_all()
        wait_for_all()

    return Case(
        name,
        lambda: [one.prepare() for one in calls],
        call,
        sum(max(one.given.nbytes, one.result.nbytes) for one in calls),
        check=lambda: [one.check() for one in calls],
    )


def cases_of_replay(path: Path) -> Iterator[Callable[[], Case]]:
    """Its calls alone, those that are alike once, and the step."""
    calls = replay_of(path)
    for one in {one.line: one for one in calls}.values():
        yield lambda one=one: step_of_replay(f"{path.stem}: {one.line}", [one])
    yield lambda: step_of_replay(f"{path.stem}: the step", calls)


def perceptron() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(*(nn.Sequential(nn.Linear(1024, 1024), nn.ReLU()) for _ in range(8)))


def step_of(model: nn.Module) -> None:
    model(torch.ones(4, 1024)).sum().backward()
    model.zero_grad()


def ddp_step(groups: dict[str, Group]) -> Case:
    models = {
        group: nn.parallel.DistributedDataParallel(perceptron(), process_group=group) for group in groups.values()
    }
    return Case("step of DDP, 32 MiB of gradients", lambda: None, lambda group: step_of(models[group]))


def fsdp_step(groups: dict[str, Group]) -> Case:
    from torch.distributed.device_mesh import DeviceMesh
    from torch.distributed.fsdp import fully_shard

    models = {}
    for group in groups.values():
        mesh = DeviceMesh.from_group(group, "cpu")
        models[group] = perceptron()
        for layer in models[group]:
            fully_shard(layer, mesh=mesh)
        fully_shard(models[group], mesh=mesh)
    return Case("step of FSDP2, 32 MiB of parameters", lambda: None, lambda group: step_of(models[group]))


def cases(groups: dict[str, Group]) -> Iterator[Callable[[], Case]]:
    for power in range(1, 25):
        yield lambda power=power: allreduce(1 << power)
    yield lambda: ddp_step(groups)
    yield lambda: fsdp_step(groups)
    for path in REPLAYS:
        yield from cases_of_replay(path)


def slowest(seconds: float) -> float:
    value = torch.tensor([seconds], dtype=torch.float64)
    dist.all_reduce(value, dist.ReduceOp.MAX)
    return value.item()


def timed(case: Case, group: Group) -> float:
    case.prepare()
    dist.barrier()
    began = time.perf_counter()
    for _ in range(case.repeat):
        case.call(group)
    return slowest((time.perf_counter() - began) / case.repeat)


def measure(case: Case, groups: dict[str, Group], rounds: int) -> dict:
    times: dict[str, list[float]] = {name: [] for name in groups}
    for number in range(rounds + 2):
        order = list(groups.items())
        for name, group in order if number % 2 else reversed(order):
            took = timed(case, group)
            if number >= 2:
                times[name].append(took)
            else:
                case.check()
    medians = {name: statistics.median(took) for name, took in times.items()}
    return {
        "case": case.name,
        "bytes": case.bytes,
        "ranks": dist.get_world_size(),
        "rounds": rounds,
        **{f"{name}_us_median": 1e6 * median for name, median in medians.items()},
        **{f"{name}_us_quartiles": [1e6 * q for q in statistics.quantiles(took)[::2]] for name, took in times.items()},
        "gloo_by_motet": medians["gloo"] / medians["motet"],
    }


def overlap(group: Group, rounds: int) -> Iterator[dict]:
    """Of an allreduce and computing for about as long as it takes: by this rank's own core; and elsewhere, as on an
    accelerator that a core only waits for, here a sleep."""
    data, work_of = torch.empty(1 << 22), torch.ones(256, 256)

    def clock(body: Callable[[], object]) -> float:
        data.fill_(1.0)
        dist.barrier()
        began = time.perf_counter()
        body()
        return slowest(time.perf_counter() - began)

    def communicate() -> None:
        dist.all_reduce(data, group=group)

    def multiply(times: int) -> None:
        for _ in range(times):
            torch.mm(work_of, work_of)

    alone = statistics.median(clock(communicate) for _ in range(rounds))
    once = statistics.median(clock(lambda: multiply(10)) for _ in range(rounds)) / 10
    for where, compute in {
        "on the rank's core": lambda: multiply(max(1, round(alone / once))),
        "elsewhere": lambda: time.sleep(alone),
    }.items():

        def both(compute: Callable[[], None] = compute) -> None:
            work = dist.all_reduce(data, group=group, async_op=True)
            compute()
            work.wait()

        sums, together = [], []
        for _ in range(rounds):
            sums.append(clock(communicate) + clock(compute))
            together.append(clock(both))
        yield {
            "case": f"overlap of a {data.nbytes >> 20} MiB allreduce and computing {where}",
            "ranks": dist.get_world_size(),
            "one_after_the_other_us_median": 1e6 * statistics.median(sums),
            "at_once_us_median": 1e6 * statistics.median(together),
            "at_once_by_sum": statistics.median(together) / statistics.median(sums),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--replay", type=Path, metavar="FILE", action="append")
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", default="")
    given = parser.parse_args()

    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    groups = {"gloo": dist.new_group(backend="gloo"), "motet": dist.new_group(backend="motet")}
    rank = dist.get_rank()
    rows = []

    def show(row: dict, text: str) -> None:
        rows.append(row)
        if rank == 0:
            print(text, flush=True)

    show({}, f"{'case':50} {'gloo':>12} {'motet':>12}  gloo / motet")
    makers = chain.from_iterable(map(cases_of_replay, given.replay)) if given.replay else cases(groups)
    for make in makers:
        case = make()
        if not re.search(given.only, case.name):
            continue
        row = measure(case, groups, given.rounds)
        gloo, motet = (f"{row[f'{name}_us_median']:,.1f} us" for name in ("gloo", "motet"))
        show(row, f"{case.name:50} {gloo:>12} {motet:>12}  {row['gloo_by_motet']:.2f}")
    if not given.replay and re.search(given.only, "overlap"):
        for row in overlap(groups["motet"], given.rounds):
            show(row, f"{row['case']}: {row['at_once_by_sum']:.2f} of one after the other")
    if given.json and rank == 0:
        with open(given.json, "w") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows[1:])
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
