"""Calls that were started: in any order, forgotten, outlived."""

import gc
import pathlib
import sys
import threading
import time
import warnings
import weakref

import motet
import numpy as np
import pytest
from ranks import run, wait_until
from test_collectives import OnlyDLPack
from test_errors import refusal


def finish_in_any_order(world):
    arrays = [np.full(100 * (number + 1), 1.0 + number) for number in range(10)]
    requests = [world.start_allreduce(x) for x in arrays]
    while not requests[3].test():
        time.sleep(0)
    for request in reversed(requests):
        request.wait()
        request.wait()  # done before: at once
        assert request.test()
    for number, x in enumerate(arrays):
        assert (x == world.size * (1.0 + number)).all()


def test_requests_are_waited_for_in_any_order():
    run(finish_in_any_order, 3).values  # noqa: B018


def plan(world):
    x, y = np.zeros(1000), np.zeros(1000)
    alive = weakref.ref(y)
    first, second = world.plan_allreduce(x), world.plan_allreduce(y, op="max")
    for number in range(5):
        x[:] = number
        y[:] = number * world.rank
        request = second.start()
        again = refusal(second.run)
        first.run()
        request.wait()
        assert (x == number * world.size).all()
        assert (y == number * (world.size - 1)).all()
    request = second.start()
    del second, y
    gc.collect()
    held = alive() is not None
    request.wait()
    del request
    gone = alive() is None
    world.barrier()
    world.close()
    return [again[0], held, gone, refusal(first.run)]


def test_a_plan_is_run_again_and_again():
    for again, held, gone, closed in run(plan, 2).values:
        assert (again, held, gone) == ("InvalidArgument", True, True)
        assert "destroyed" in closed[1]


def look_for_messages(world):
    """Rank 0 takes messages from whoever sends first."""
    x = np.zeros(3)
    if world.rank > 0:
        world.send(x + world.rank, 0)
        return []
    heard = []
    while len(heard) < 2:
        for peer in (1, 2):
            if peer not in heard and world.probe(peer):
                world.recv(x, peer)
                heard.append(int(x[0]))
    return sorted(heard)


def test_probe_finds_messages():
    assert run(look_for_messages, 3).values[0] == [1, 2]


def come_late(world):
    """Rank 1 waits until rank 0 says so."""
    if world.rank == 1:
        world.recv(np.zeros(1), 0)


def drop_arrays(world):
    """Rank 0's allreduce cannot be done before rank 1 comes."""
    x = np.ones(100_000)
    alive = weakref.ref(x)
    come_late(world)
    request = world.start_allreduce(x)
    del x
    gc.collect()
    held = alive() is not None
    if world.rank == 0:
        world.send(np.zeros(1), 1)
    request.wait()
    return [held, alive() is None]


def test_a_request_keeps_its_arrays_until_it_is_done():
    assert run(drop_arrays, 2).values[0] == [True, True]


def count_references(world):
    x, by_dlpack = np.ones(1000), OnlyDLPack(np.ones(1000))
    before = [sys.getrefcount(x), sys.getrefcount(by_dlpack.x)]
    for _ in range(10):
        for given in (x, by_dlpack):
            world.allreduce(given)
            world.start_allreduce(given).wait()
            for wrong in ({"op": "plus"}, {"out": np.ones(3)}):
                refusal(lambda given=given, wrong=wrong: world.allreduce(given, **wrong))
    return [before, [sys.getrefcount(x), sys.getrefcount(by_dlpack.x)]]


def test_nothing_is_held_after_a_call():
    for before, after in run(count_references, 2).values:
        assert after == before


def forget(world):
    """Rank 0 drops its request before rank 1 has come."""
    x = np.ones(200_000)
    come_late(world)
    if world.rank == 1:
        world.allreduce(x)
        world.barrier()
        return [float(x[-1]), 0]
    alive = weakref.ref(x)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        world.start_allreduce(x)
    del x
    gc.collect()
    forgotten = alive()
    world.send(np.zeros(1), 1)
    world.barrier()
    return [float(forgotten[-1]), sum("dropped" in str(one.message) for one in heard)]


def test_a_forgotten_request_goes_on():
    assert run(forget, 2).values == [[2.0, 1], [2.0, 0]]


def outlive(world):
    part = world.split(0, world.rank)
    x = np.ones(1000)
    request = part.start_allreduce(x) if world.rank == 0 else None
    part.close()
    heard = ""
    if request is not None:
        try:
            request.wait()
        except motet.Aborted as error:
            heard = str(error)
    world.barrier()
    return heard


def test_a_request_outlives_its_communicator():
    assert "the communicator was destroyed" in run(outlive, 2).values[0]


def forget_everything(world):
    part = world.split(0, world.rank)
    if world.rank == 0:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(5):
                part.start_allreduce(np.ones(100_000))
            request = part.start_allreduce(np.ones(100_000))
            part.close()
            del part, request
            gc.collect()
    world.barrier()
    return True


def test_what_was_forgotten_ends_with_its_communicator():
    assert run(forget_everything, 2).values == [True, True]


def count_meanwhile(world, path):
    """Rank 0 waits for rank 1, which waits until another thread of rank 0 has counted."""
    counted = pathlib.Path(path)

    def count():
        for _ in range(1000):
            time.sleep(0)
        counted.touch()

    if world.rank == 0:
        threading.Timer(0.3, count).start()
    else:
        wait_until(counted.exists, "rank 0's thread has counted")
    world.allreduce(np.ones(3))
    return True


def test_other_threads_run_while_a_call_waits(tmp_path):
    assert run(count_meanwhile, 2, str(tmp_path / "counted")).values == [True, True]


def use_from_two_threads(world, path, what):
    """Rank 1 comes once one of rank 0's threads has been refused."""
    refused, x = pathlib.Path(path), np.ones(1000)
    if world.rank == 1:
        wait_until(refused.exists, "rank 0's threads have met")
        world.allreduce(x)
        return []
    use = world.start_allreduce(x).wait if what == "request" else world.plan_allreduce(x).run
    heard = []

    def try_it():
        kind, text = refusal(use)
        heard.append(text)
        if kind == "InvalidArgument":
            refused.touch()

    threads = [threading.Thread(target=try_it) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (x == 2).all()
    return sorted(heard)


@pytest.mark.parametrize("what", ["request", "plan"])
def test_requests_and_plans_are_for_one_thread_at_a_time(what, tmp_path):
    heard = run(use_from_two_threads, 2, str(tmp_path / "refused"), what).values[0]
    assert heard == ["", f"the {what} is in use by another call"]


def close_during_a_call(world):
    """Rank 0 closes what its other thread is sending by."""
    part, word = world.split(0, world.rank), np.zeros(1)
    x = np.full(5_000_000, 1.0 - world.rank)
    if world.rank == 0:
        sender = threading.Thread(target=part.send, args=[x, 1])
        sender.start()
        world.recv(word, 1)
        part.close()
        world.send(word, 1)
        sender.join()
    else:
        wait_until(lambda: part.probe(0), "rank 0 is sending")
        world.send(word, 0)
        world.recv(word, 0)
        part.recv(x, 0)
    world.barrier()
    return float(x.min())


def test_a_communicator_that_is_closed_during_a_call_lasts_as_long():
    assert run(close_during_a_call, 2).values == [1.0, 1.0]


def talk_from_two_threads(world):
    other = 1 - world.rank
    sums = []

    def listen():
        x = np.zeros(10_000)
        for _ in range(50):
            world.recv(x, other)
            sums.append(x[-1])

    listener = threading.Thread(target=listen)
    listener.start()
    for number in range(50):
        world.send(np.full(10_000, float(number)), other)
    listener.join()
    return sums == list(range(50))


def test_threads_share_a_communicator():
    assert run(talk_from_two_threads, 2).values == [True, True]


def be_two_ranks():
    """Ranks may be threads, each with a communicator of its own."""
    id, sums = motet.unique_id(), [0, 0]

    def be(rank):
        with motet.Communicator.from_unique_id(id, rank, 2) as world:
            x = np.full(1000, 1.0 + rank)
            world.allreduce(x)
            sums[rank] = x[0]

    threads = [threading.Thread(target=be, args=[rank]) for rank in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sums


def test_ranks_may_be_threads():
    assert run(be_two_ranks, 1, joins=False).values == [[3.0, 3.0]]
