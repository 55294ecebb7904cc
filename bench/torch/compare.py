"""Motet beside gloo under PyTorch: both backends in the same processes, their calls in turn.

torchrun --nproc-per-node 2 bench/torch/compare.py [--only REGEX] [--rounds N] [--json FILE]

Prints, for each case, the median times and how often gloo's is Motet's (above 1: Motet is faster):
  allreduce of 8 B to 64 MiB; the buckets of ResNet-50 under DDP; all_gather_into_tensor and
  reduce_scatter_tensor as of a layer under FSDP; steps of DDP and FSDP2; and, for Motet alone,
  overlap: computing and an allreduce one after the other, and at once.
A time is that of the slowest rank. What is reduced is written anew before each call and read after
it, outside the timed part.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import nn

# In the order in which DDP sends them; elements of float32.
RESNET50_BUCKETS = (2_049_000, 7_875_584, 6_563_840, 6_637_568, 2_431_040)
# One layer of a transformer of width 1024: the attention's and the feed-forward's matrices.
LAYER = 12 * 1024 * 1024

Group = dist.ProcessGroup


@dataclass
class Case:
    name: str
    prepare: Callable[[], object]
    call: Callable[[Group], object]
    bytes: int = 0
    repeat: int = 1  # calls between two looks at the clock


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


def resnet50() -> Case:
    buckets = [torch.empty(elements) for elements in RESNET50_BUCKETS]

    def call(group: Group) -> None:
        works = [dist.all_reduce(bucket, group=group, async_op=True) for bucket in buckets]
        for work in works:
            work.wait()

    return Case(
        "allreduce of ResNet-50's buckets",
        lambda: [(bucket.sum(), bucket.fill_(1.0)) for bucket in buckets],
        call,
        4 * sum(RESNET50_BUCKETS),
    )


def layer_gather(dtype: torch.dtype) -> Case:
    size = dist.get_world_size()
    part = torch.zeros(LAYER // size, dtype=dtype)
    whole = torch.empty(LAYER // size * size, dtype=dtype)
    return Case(
        f"all_gather_into_tensor of a layer, {str(dtype)[6:]}",
        lambda: (whole.float().sum(), part.fill_(1.0)),
        lambda group: dist.all_gather_into_tensor(whole, part, group=group),
        whole.nbytes,
    )


def layer_reduce(dtype: torch.dtype) -> Case:
    size = dist.get_world_size()
    part = torch.empty(LAYER // size, dtype=dtype)
    whole = torch.zeros(LAYER // size * size, dtype=dtype)
    return Case(
        f"reduce_scatter_tensor of a layer, {str(dtype)[6:]}",
        lambda: (part.float().sum(), whole.fill_(1.0)),
        lambda group: dist.reduce_scatter_tensor(part, whole, group=group),
        whole.nbytes,
    )


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
    yield resnet50
    for dtype in (torch.bfloat16, torch.float32):
        yield lambda dtype=dtype: layer_gather(dtype)
        yield lambda dtype=dtype: layer_reduce(dtype)
    yield lambda: ddp_step(groups)
    yield lambda: fsdp_step(groups)


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


def overlap(group: Group, rounds: int) -> dict:
    """Of computing for about as long as an allreduce takes."""
    data, work_of = torch.empty(1 << 22), torch.ones(256, 256)

    def compute(times: int) -> None:
        for _ in range(times):
            torch.mm(work_of, work_of)

    def clock(body: Callable[[], object]) -> float:
        data.fill_(1.0)
        dist.barrier()
        began = time.perf_counter()
        body()
        return slowest(time.perf_counter() - began)

    def both(times: int) -> None:
        work = dist.all_reduce(data, group=group, async_op=True)
        compute(times)
        work.wait()

    alone = statistics.median(clock(lambda: dist.all_reduce(data, group=group)) for _ in range(rounds))
    once = statistics.median(clock(lambda: compute(10)) for _ in range(rounds)) / 10
    times = max(1, round(alone / once))
    sums, together = [], []
    for _ in range(rounds):
        sums.append(clock(lambda: dist.all_reduce(data, group=group)) + clock(lambda: compute(times)))
        together.append(clock(lambda: both(times)))
    return {
        "case": "overlap of computing and a 16 MiB allreduce",
        "ranks": dist.get_world_size(),
        "one_after_the_other_us_median": 1e6 * statistics.median(sums),
        "at_once_us_median": 1e6 * statistics.median(together),
        "at_once_by_sum": statistics.median(together) / statistics.median(sums),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
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

    show({}, f"{'case':44} {'gloo':>12} {'motet':>12}  gloo / motet")
    for make in cases(groups):
        case = make()
        if not re.search(given.only, case.name):
            continue
        row = measure(case, groups, given.rounds)
        gloo, motet = (f"{row[f'{name}_us_median']:,.1f} us" for name in ("gloo", "motet"))
        show(row, f"{case.name:44} {gloo:>12} {motet:>12}  {row['gloo_by_motet']:.2f}")
    if re.search(given.only, "overlap"):
        row = overlap(groups["motet"], given.rounds)
        show(row, f"{row['case']}: {row['at_once_by_sum']:.2f} of one after the other")
    if given.json and rank == 0:
        with open(given.json, "w") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows[1:])
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
