"""How groups are made, split, made again, aborted and left."""

from __future__ import annotations

import os
import socket
import tempfile
import time
import unittest
from datetime import timedelta

os.environ.setdefault("OMP_NUM_THREADS", "1")

import group_ranks
import torch
import torch.distributed as dist
from test_backend import WORLD_SIZES, on_ranks, refusal, same


def backend_of(group: dist.ProcessGroup) -> torch._C._distributed_c10d.Backend:
    return group._get_backend(torch.device("cpu"))


def sums(group: dist.ProcessGroup, size: int) -> None:
    value = torch.ones(3)
    dist.all_reduce(value, group=group)
    same(value, torch.full((3,), float(size)))


def counts_collectives() -> None:
    backend = backend_of(dist.group.WORLD)
    before = backend._get_sequence_number_for_group()
    dist.all_reduce(torch.ones(1))
    assert backend._get_sequence_number_for_group() == before + 1


def split_groups() -> None:
    rank, size = dist.get_rank(), dist.get_world_size()
    assert backend_of(dist.group.WORLD).supports_splitting
    halves = [half for half in (list(range(0, size, 2)), list(range(1, size, 2))) if half]
    mine = halves[rank % 2]
    for _ in range(2):
        part = dist.split_group(split_ranks=halves)
        assert (part.rank(), part.size()) == (mine.index(rank), len(mine))
        sums(part, len(mine))
    backwards = dist.split_group(split_ranks=[mine[::-1] for mine in halves])
    assert backwards.rank() == len(mine) - 1 - mine.index(rank)
    first = dist.split_group(split_ranks=[[0]])
    assert (first == dist.GroupMember.NON_GROUP_MEMBER) == (rank > 0)
    sums(dist.group.WORLD, size)


def bound_to_a_device(folder: str) -> None:
    """As PyTorch then does, those who are not in a new group are asked to split as well."""
    rank, size = dist.get_rank(), dist.get_world_size()
    dist.destroy_process_group()
    store = dist.FileStore(f"{folder}/bound{size}", size)
    dist.init_process_group("motet", store=store, rank=rank, world_size=size, device_id=torch.device("cpu:0"))
    group = dist.new_group([0])
    if rank == 0:
        sums(group, 1)
    sums(dist.group.WORLD, size)


def again_on_one_store(folder: str) -> None:
    """Groups that are made anew must not read the words of the former ones."""
    rank, size = dist.get_rank(), dist.get_world_size()
    dist.destroy_process_group()
    store = dist.FileStore(f"{folder}/again{size}", size)
    for _ in range(4):
        dist.init_process_group("motet", store=store, rank=rank, world_size=size)
        value = torch.ones(3)
        dist.all_reduce(value)
        same(value, torch.full((3,), float(size)))
        dist.destroy_process_group()
    dist.init_process_group("motet", store=store, rank=rank, world_size=size)


def other_members_each_time(folder: str) -> None:
    """Under the same names, since PyTorch counts anew."""
    rank, size = dist.get_rank(), dist.get_world_size()
    dist.destroy_process_group()
    store = dist.FileStore(f"{folder}/members", size)
    for members in ([0, 1], [1, 2], [0, 1, 2], [0, 2]):
        dist.init_process_group("motet", store=store, rank=rank, world_size=size)
        group = dist.new_group(members)
        if rank in members:
            sums(group, len(members))
        dist.destroy_process_group()
    dist.init_process_group("motet", store=store, rank=rank, world_size=size)


def newcomers(folder: str) -> None:
    """Ranks that have been in a group meet one that has not."""
    rank = dist.get_rank()
    dist.destroy_process_group()
    if rank < 2:
        dist.init_process_group("motet", store=dist.FileStore(f"{folder}/two", 2), rank=rank, world_size=2)
        sums(dist.group.WORLD, 2)
        dist.destroy_process_group()
    dist.init_process_group("motet", store=dist.FileStore(f"{folder}/three", 3), rank=rank, world_size=3)
    sums(dist.group.WORLD, 3)


def many_groups(port: int) -> None:
    """Over the store that torchrun and MASTER_ADDR give."""
    rank, size = dist.get_rank(), dist.get_world_size()
    dist.destroy_process_group()
    store = dist.TCPStore("127.0.0.1", port, size, rank == 0)
    dist.init_process_group("motet", store=store, rank=rank, world_size=size)
    groups = [dist.new_group() for _ in range(50)]
    for group in groups:
        sums(group, size)
        dist.destroy_process_group(group)
    dist.barrier()


def aborts() -> None:
    """Rank 0 is not in the call: it ends the others' once all of them have begun."""
    group = dist.new_group()
    backend = backend_of(group)
    assert backend.get_error() == torch._C._distributed_c10d.ErrorType.SUCCESS
    if dist.get_rank() == 0:
        for rank in range(1, dist.get_world_size()):
            dist.recv(torch.empty(1), rank)
        backend.abort()
        text = refusal(lambda: dist.all_reduce(torch.ones(1), group=group), dist.DistBackendError)
    else:
        work = dist.all_reduce(torch.ones(1000), group=group, async_op=True)
        dist.send(torch.ones(1), 0)
        text = refusal(work.wait, dist.DistBackendError)
        future = work.get_future()
        assert "rank 0 aborted" in refusal(future.wait)
    assert "rank 0 aborted the communicator: the process group was aborted" in text, text
    assert backend.get_error() != torch._C._distributed_c10d.ErrorType.SUCCESS
    dist.barrier()


def left_with_a_receive(folder: str) -> None:
    rank, size = dist.get_rank(), dist.get_world_size()
    work = dist.irecv(torch.empty(1))
    dist.destroy_process_group()
    began = time.monotonic()
    assert "shut down" in refusal(work.wait)
    assert time.monotonic() - began < 20
    store = dist.FileStore(f"{folder}/left{size}", size)
    dist.init_process_group("motet", store=store, rank=rank, world_size=size)


def left_with_work() -> None:
    """Work goes on without its group."""
    group = dist.new_group()
    value = torch.ones(100_000)
    work = dist.all_reduce(value, group=group, async_op=True)
    dist.destroy_process_group(group)
    del group
    work.wait()
    same(value, torch.full((100_000,), float(dist.get_world_size())))


def batches_after_one_that_was_refused() -> None:
    rank, size = dist.get_rank(), dist.get_world_size()
    right, left = (rank + 1) % size, (rank - 1) % size
    wrong = [dist.P2POp(dist.isend, torch.ones(4, 4)[:, 0], right)]
    for _ in range(2):
        assert "not contiguous" in refusal(lambda: dist.batch_isend_irecv(wrong), ValueError)
    found = torch.empty(1)
    works = dist.batch_isend_irecv(
        [dist.P2POp(dist.isend, torch.tensor([float(rank)]), right), dist.P2POp(dist.irecv, found, left)]
    )
    for work in works:
        work.wait()
    same(found, torch.tensor([float(left)]))


def shares_options() -> None:
    """Options are for any number of groups, each with a limit of its own."""
    import motet.torch

    options = motet.torch.Options()
    first = dist.new_group(timeout=timedelta(seconds=300), pg_options=options)
    dist.new_group(timeout=timedelta(seconds=100), pg_options=options)
    assert backend_of(first).options._timeout == timedelta(seconds=300)


class Groups(unittest.TestCase):
    def test_count_their_collectives(self) -> None:
        on_ranks(counts_collectives, (1, 2))

    def test_split(self) -> None:
        on_ranks(split_groups)

    def test_may_be_bound_to_a_device(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            on_ranks(bound_to_a_device, (2,), folder)

    def test_start_again_on_the_same_store(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            on_ranks(again_on_one_store, WORLD_SIZES, folder)

    def test_start_again_with_other_members(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            on_ranks(other_members_each_time, (3,), folder)

    def test_meet_newcomers(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            on_ranks(newcomers, (3,), folder)

    def test_are_cheap(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        on_ranks(many_groups, (2,), port)

    def test_abort_what_is_under_way(self) -> None:
        on_ranks(aborts, (2, 3))

    def test_are_left_while_one_receives_from_anybody(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            on_ranks(left_with_a_receive, (2,), folder)

    def test_are_left_with_work_under_way(self) -> None:
        on_ranks(left_with_work, (2, 3))

    def test_go_on_after_a_batch_that_was_refused(self) -> None:
        on_ranks(batches_after_one_that_was_refused, (2, 3))

    def test_share_options(self) -> None:
        on_ranks(shares_options, (2,))

    def test_a_program_may_end_without_a_word(self) -> None:
        """With calls under way, callbacks to come and one who receives from anybody, while Python takes its time."""
        status, output = group_ranks.run_program(
            """
            import time, torch, torch.distributed as dist
            class Slow:
                def __del__(self, sleep=time.sleep):
                    sleep(1)
            last = Slow()
            dist.init_process_group("motet")
            more = dist.new_group()
            if dist.get_rank() == 1:
                time.sleep(.3)  # so that at rank 0 another thread runs what comes then
            kept = dist.all_reduce(torch.ones(1000), async_op=True)
            slow = kept.get_future().then(lambda future: time.sleep(0 if dist.get_rank() else .6))
            never = dist.irecv(torch.empty(1), group=more)
            dist.all_reduce(torch.ones(1000), group=more)
            """
        )
        self.assertEqual(status, 0, output)


if __name__ == "__main__":
    unittest.main()
