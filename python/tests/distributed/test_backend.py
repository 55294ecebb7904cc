"""What the backend promises beyond what PyTorch's own suite looks at."""

from __future__ import annotations

import os
import signal
import threading
import time
import unittest
from datetime import timedelta
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import group_ranks
import motet.torch  # noqa: F401  registers the backend
import torch
import torch.distributed as dist

WORLD_SIZES = (1, 2, 3, 5)


def on_ranks(body: Any, sizes: tuple[int, ...] = WORLD_SIZES, *given: Any) -> None:
    for size in sizes:
        group_ranks.run(body, size, "motet", *given)


def same(found: torch.Tensor, wanted: torch.Tensor) -> None:
    assert torch.equal(found, wanted), f"{found} is not {wanted}"


def of_rank(rank: int, length: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return (torch.arange(length) % 7 + rank + 1).to(dtype)


NUMBERS = (
    torch.int8,
    torch.int16,
    torch.int32,
    torch.int64,
    torch.uint8,
    torch.float16,
    torch.bfloat16,
    torch.float32,
    torch.float64,
)
MOVED = (*NUMBERS, torch.bool, torch.complex64, torch.complex128, torch.uint16, torch.float8_e4m3fn)


def every_type() -> None:
    rank, size = dist.get_rank(), dist.get_world_size()
    for dtype in NUMBERS:
        for length in (0, 1, 61, 5000):
            found = of_rank(rank, length, dtype)
            dist.all_reduce(found)
            same(found, sum((of_rank(r, length, dtype) for r in range(size)), torch.zeros(length, dtype=dtype)))
    for dtype in MOVED:
        mine = of_rank(rank, 5).to(dtype)
        found = [torch.empty(5, dtype=dtype) for _ in range(size)]
        dist.all_gather(found, mine)
        for other, part in enumerate(found):
            assert part.view(torch.uint8).tolist() == of_rank(other, 5).to(dtype).view(torch.uint8).tolist()
        dist.broadcast(mine, size - 1)
        assert mine.view(torch.uint8).tolist() == found[-1].view(torch.uint8).tolist()
    truth = torch.tensor([True, False, rank == 0])
    for op, wanted in (
        (dist.ReduceOp.SUM, [True, False, True]),
        (dist.ReduceOp.MIN, [True, False, size == 1]),
        (dist.ReduceOp.BXOR, [size % 2 == 1, False, True]),
    ):
        found = truth.clone()
        dist.all_reduce(found, op)
        same(found, torch.tensor(wanted))
    numbers = torch.full((3,), 1 + 2j) * (rank + 1)
    dist.all_reduce(numbers, dist.ReduceOp.AVG)
    assert torch.allclose(numbers, torch.full((3,), 1 + 2j) * (size + 1) / 2)


def not_contiguous() -> None:
    rank, size = dist.get_rank(), dist.get_world_size()
    whole = torch.zeros(6, 8)
    found = whole[:, ::2]
    found.fill_(rank + 1)
    dist.all_reduce(found)
    same(found, torch.full((6, 4), float(size * (size + 1) // 2)))
    same(whole[:, 1::2], torch.zeros(6, 4))
    turned = torch.empty(3, size).t()
    dist.all_gather_into_tensor(turned, torch.full((1, 3), float(rank)).expand(1, 3))
    same(turned, torch.arange(size, dtype=torch.float32)[:, None].expand(size, 3))


def uneven() -> None:
    rank, size = dist.get_rank(), dist.get_world_size()
    lengths = [3 * r for r in range(size)]
    parts = [torch.empty(length) for length in lengths]
    dist.all_gather(parts, torch.full((lengths[rank],), float(rank)))
    for other, part in enumerate(parts):
        same(part, torch.full((lengths[other],), float(other)))
    sent = [r + rank for r in range(size)]
    came = [r + rank for r in range(size)]
    output = torch.empty(sum(came), 2)
    dist.all_to_all_single(output, torch.full((sum(sent), 2), float(rank)), came, sent)
    same(output, torch.cat([torch.full((came[r], 2), float(r)) for r in range(size)]))
    inputs = [torch.full((length,), float(rank + 1)) for length in lengths]
    output = torch.empty(lengths[rank])
    dist.reduce_scatter(output, inputs)
    same(output, torch.full((lengths[rank],), float(size * (size + 1) // 2)))


def scaled_and_averaged() -> None:
    rank, size = dist.get_rank(), dist.get_world_size()
    for dtype in (torch.float16, torch.float32):
        # The plain sum of these would not fit into float16.
        full = torch.full((4 * size,), 40000.0, dtype=dtype)
        output = torch.empty(4, dtype=dtype)
        dist.reduce_scatter_tensor(output, full, dist._make_nccl_premul_sum(1.0 / size))
        assert torch.allclose(output, torch.full((4,), 40000.0, dtype=dtype), rtol=1e-3)
    numbers = torch.tensor([float(rank)])
    dist.reduce_scatter_tensor(output := torch.empty(1), torch.full((size,), float(rank)), dist.ReduceOp.AVG)
    same(output, torch.tensor([(size - 1) / 2]))
    dist.all_reduce(numbers, dist.ReduceOp.AVG)
    same(numbers, torch.tensor([(size - 1) / 2]))


def coalesced() -> None:
    rank, size = dist.get_rank(), dist.get_world_size()
    tensors = [torch.full((length,), float(rank)) for length in (1, 10, 1000)]
    with dist._coalescing_manager(async_ops=True) as works:
        for tensor in tensors:
            dist.all_reduce(tensor)
    works.wait()
    for tensor in tensors:
        same(tensor, torch.full_like(tensor, size * (size - 1) / 2))
    group = dist.distributed_c10d._get_default_group()._get_backend(torch.device("cpu"))
    group._start_coalescing()
    dist.broadcast(tensors[0], 0)
    dist.barrier(async_op=True)
    group._end_coalescing().wait()


def sparse() -> None:
    """Every rank has other rows, and the last none."""
    rank, size = dist.get_rank(), dist.get_world_size()
    rows = torch.zeros(size + 1, 3)
    if rank < size - 1:
        rows[rank] += 1
        rows[size] += 1
    found = rows.to_sparse(1)
    dist.all_reduce(found)
    wanted = torch.ones(size + 1, 3)
    wanted[size - 1] = 0
    wanted[size] = size - 1
    same(found.to_dense(), wanted)


def conjugated() -> None:
    """Views that are conjugated when they are read, one behind the other."""
    rank, size = dist.get_rank(), dist.get_world_size()
    numbers = torch.full((2 * size,), complex(2, 1))
    found = torch.empty(2, dtype=numbers.dtype)
    backend = dist.group.WORLD._get_backend(torch.device("cpu"))
    for root in range(size):
        inputs = [list(numbers.conj().chunk(size))] if rank == root else []
        options = dist.distributed_c10d.ScatterOptions()
        options.rootRank = root
        backend.scatter([found], inputs, options).wait()
        same(found, torch.full((2,), complex(2, -1)))


def gathers_into_one() -> None:
    rank, size = dist.get_rank(), dist.get_world_size()
    for root in range(size):
        found = torch.empty(size, 3) if rank == root else None
        dist.gather_single(torch.full((3,), float(rank)), found, dst=root)
        if found is not None:
            same(found, torch.arange(size, dtype=torch.float32)[:, None].expand(size, 3))


def refusal(call: Any, kind: type[Exception] | tuple[type[Exception], ...] = Exception) -> str:
    try:
        call()
    except kind as error:
        return str(error)
    raise AssertionError("it was not refused")


def refuses_what_does_not_fit() -> None:
    """Nothing is written or read beyond a tensor, and the group goes on."""
    one, five = torch.ones(1), torch.ones(5)
    size = dist.get_world_size()
    for call in (
        lambda: dist.gather(five, [torch.ones(1) for _ in range(size)], dst=dist.get_rank()),
        lambda: dist.gather_single(five, one, dst=dist.get_rank()),
        lambda: dist.scatter(five, [one] * size, src=dist.get_rank()),
        lambda: dist.all_gather([one] * size, five),
        lambda: dist.all_gather_into_tensor(one, five),
        lambda: dist.reduce_scatter(five, [one] * size),
        lambda: dist.reduce_scatter_tensor(five, one),
        lambda: dist.all_to_all_single(torch.ones(2 * size), torch.ones(size)),
        lambda: dist.all_to_all_single(torch.ones(size), torch.ones(size), [2] * size, [1] * size),
        lambda: dist.group.WORLD.scatter(five, [five.double() for _ in range(size)], dist.get_rank()),
        lambda: dist.group.WORLD.gather([five.double() for _ in range(size)], five, dist.get_rank()),
        lambda: dist.group.WORLD.alltoall([five] * size, [five] * (size - 1) + [five.int()]),
    ):
        assert "motet" in refusal(call, (ValueError, TypeError))
    dist.all_reduce(five)
    same(five, torch.full((5,), float(size)))


def waits_for_a_while() -> None:
    """A wait that ends early ends nothing but itself."""
    value = torch.ones(1)
    if dist.get_rank() == 0:
        work = dist.all_reduce(value, async_op=True)
        refusal(lambda: work.wait(timedelta(milliseconds=50)), RuntimeError)
        dist.send(torch.ones(1), 1)
        work.wait()
    else:
        if dist.get_rank() == 1:
            dist.recv(torch.ones(1), 0)
        dist.all_reduce(value)
    same(value, torch.tensor([float(dist.get_world_size())]))


def profiled() -> None:
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU]) as seen:
        dist.all_reduce(torch.ones(3))
        dist.barrier()
    names = {event.name for event in seen.events()}
    assert {"motet:all_reduce", "motet:barrier"} <= names, names


def whoever_sends() -> None:
    rank, size = dist.get_rank(), dist.get_world_size()
    if rank > 0:
        dist.send(torch.tensor([float(rank)]), 0)
        return
    found = torch.empty(1)
    senders = []
    for _ in range(size - 1):
        senders.append(dist.recv(found))
        same(found, torch.tensor([float(senders[-1])]))
    assert sorted(senders) == list(range(1, size))


def futures() -> None:
    size = dist.get_world_size()
    # Callbacks run on another thread than the one that moves data: they may start and wait.
    second = torch.ones(1000)
    seen = []

    def more(future: torch.futures.Future) -> list[torch.Tensor]:
        seen.append(threading.get_ident())
        dist.all_reduce(second)
        return future.value()

    first = torch.ones(200_000)
    work = dist.all_reduce(first, async_op=True)
    result = work.get_future().then(more).wait()
    same(result[0], torch.full((200_000,), float(size)))
    same(second, torch.full((1000,), float(size)))
    assert len(seen) == 1
    dropped = dist.all_reduce(torch.ones(100_000), async_op=True)
    del dropped
    dist.barrier()


def loads_data() -> None:
    """DataLoader forks workers from a process with live communicators."""
    data = torch.utils.data.TensorDataset(torch.arange(64, dtype=torch.float32)[:, None])
    loader = torch.utils.data.DataLoader(data, batch_size=8, num_workers=2, multiprocessing_context="fork")
    model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(1, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
    for _ in range(2):
        for (inputs,) in loader:
            optimizer.zero_grad()
            model(inputs).sum().backward()
            optimizer.step()


def names_the_missing() -> None:
    rank = dist.get_rank()
    dist.monitored_barrier(timeout=timedelta(seconds=30))
    if rank == 1:
        return
    try:
        dist.monitored_barrier(timeout=timedelta(seconds=0.5), wait_all_ranks=True)
        raise AssertionError("it passed")
    except RuntimeError as error:
        assert rank != 0 or "Rank 1 failed to pass monitoredBarrier" in str(error), error


def times_out() -> None:
    group = dist.new_group(timeout=timedelta(seconds=1))
    if dist.get_rank() == 0:
        began = time.monotonic()
        try:
            dist.all_reduce(torch.ones(5), group=group)
            raise AssertionError("it passed")
        except dist.DistBackendError as error:
            assert "Timed out waiting 1000ms" in str(error), error
            assert "rank 1" in str(error), error
        assert 0.9 < time.monotonic() - began < 20
    dist.barrier()


class Backend(unittest.TestCase):
    def test_moves_and_combines_every_type(self) -> None:
        on_ranks(every_type)

    def test_takes_tensors_that_are_not_contiguous(self) -> None:
        on_ranks(not_contiguous)

    def test_has_parts_of_uneven_lengths(self) -> None:
        on_ranks(uneven)

    def test_scales_before_it_sums(self) -> None:
        on_ranks(scaled_and_averaged)

    def test_coalesces_calls(self) -> None:
        on_ranks(coalesced)

    def test_sums_sparse_tensors(self) -> None:
        on_ranks(sparse)

    def test_reads_conjugated_views(self) -> None:
        on_ranks(conjugated, (1, 2))

    def test_gathers_into_one_tensor(self) -> None:
        on_ranks(gathers_into_one, (1, 3))

    def test_refuses_what_does_not_fit(self) -> None:
        on_ranks(refuses_what_does_not_fit, (1, 3))

    def test_goes_on_after_a_wait_that_ended_early(self) -> None:
        on_ranks(waits_for_a_while, (2, 3))

    def test_is_named_in_profiles(self) -> None:
        on_ranks(profiled, (2,))

    def test_receives_from_whoever_sends_first(self) -> None:
        on_ranks(whoever_sends)

    def test_runs_what_hangs_on_futures(self) -> None:
        on_ranks(futures)

    def test_lives_with_forked_loaders(self) -> None:
        on_ranks(loads_data, (2, 3))

    def test_names_who_does_not_reach_a_monitored_barrier(self) -> None:
        on_ranks(names_the_missing, (2, 3))

    def test_names_who_is_late(self) -> None:
        on_ranks(times_out, (2, 3))

    def test_works_under_detailed_debugging(self) -> None:
        self.run_program(
            """
            import torch, torch.distributed as dist
            dist.init_process_group("motet")
            model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(4, 4))
            model(torch.ones(2, 4)).sum().backward()
            dist.barrier()
            dist.destroy_process_group()
            """,
            TORCH_DISTRIBUTED_DEBUG="DETAIL",
        )

    def test_is_found_without_an_import(self) -> None:
        self.run_program(
            """
            import torch, torch.distributed as dist
            dist.init_process_group("cpu:motet")
            value = torch.ones(1)
            dist.all_reduce(value)
            assert value.item() == dist.get_world_size()
            dist.destroy_process_group()
            """
        )

    def test_a_killed_rank_is_named_within_two_seconds(self) -> None:
        output = self.run_program(
            """
            import os, signal, time, torch, torch.distributed as dist
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the launcher's may come first
            dist.init_process_group("motet")
            model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(64, 64))
            for step in range(1000):
                if step == 20 and dist.get_rank() == 1:
                    open("killed", "w").write(str(time.time()))
                    os.kill(os.getpid(), signal.SIGKILL)
                try:
                    model(torch.ones(2, 64)).sum().backward()
                except RuntimeError as error:
                    late = time.time() - float(open("killed").read())
                    print(f"rank {dist.get_rank()} heard after {late:.3f} s: {error}", flush=True)
                    os._exit(0)
            """,
            ranks=3,
            fails=True,
        )
        for rank in (0, 2):
            line = next(line for line in output.splitlines() if f"rank {rank} heard after" in line)
            self.assertIn("rank 1", line.split(" s: ")[1])
            self.assertLess(float(line.split("heard after ")[1].split(" s")[0]), 2.0, line)

    def test_torchrun_starts_again_after_a_crash(self) -> None:
        output = self.run_program(
            """
            import os, signal, torch, torch.distributed as dist
            dist.init_process_group("motet")
            value = torch.ones(1)
            dist.all_reduce(value)
            life = int(os.environ["TORCHELASTIC_RESTART_COUNT"])
            if life == 0 and dist.get_rank() == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            for _ in range(50):
                dist.all_reduce(value)
            dist.destroy_process_group()
            print(f"life {life} of rank {os.environ['RANK']} is done", flush=True)
            """,
            options=("--max-restarts", "1"),
        )
        for rank in (0, 1):
            self.assertIn(f"life 1 of rank {rank} is done", output)

    def run_program(self, program: str, fails: bool = False, **given: Any) -> str:
        """What it prints."""
        status, output = group_ranks.run_program(program, **given)
        self.assertEqual(status != 0, fails, output)
        return output


if __name__ == "__main__":
    signal.alarm(1200)
    unittest.main()
