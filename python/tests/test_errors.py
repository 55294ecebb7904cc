"""What goes wrong is said at once, by name, on every rank, and nothing is lost."""

import os
import pathlib
import signal
import threading
import time

import motet
import numpy as np
import pytest
from ranks import run, stay_away, wait_until


def refusal(call):
    """Class and text of what it raises."""
    try:
        call()
    except (motet.Error, TypeError, BufferError) as error:
        return [type(error).__name__, str(error)]
    return ["nothing", ""]


def misuse(world):
    x, out = np.ones(6), np.zeros(6)
    fixed = np.ones(6)
    fixed.flags.writeable = False
    wrong = {
        "x is not contiguous": lambda: world.allreduce(np.ones((4, 4))[:, :2]),
        "x is not contiguous: copy": lambda: world.allreduce(np.asfortranarray(np.ones((3, 2)))),
        "out is read-only": lambda: world.allreduce(x, fixed),
        "x is read-only": lambda: world.allreduce(b"abc"),
        "x has 6 elements, out 5": lambda: world.allreduce(x, np.zeros(5)),
        "x holds float64, out float32": lambda: world.allreduce(x, np.zeros(6, np.float32)),
        "x holds complex128": lambda: world.allreduce(np.ones(3, complex)),
        "x holds bool": lambda: world.allreduce(np.ones(3, bool)),
        "x holds >f8": lambda: world.allreduce(np.ones(3, ">f8")),
        'there is no operation "plus"': lambda: world.allreduce(x, op="plus"),
        "premul_sum needs a scale": lambda: world.allreduce(x, op="premul_sum"),
        "and sum has none": lambda: world.allreduce(x, scale=2),
        'there is no algorithm "magic"': lambda: world.allreduce(x, algorithm="magic"),
        "a positive number of seconds": lambda: world.allreduce(x, timeout=-1),
        "allgather: x has 6 elements, out 6": lambda: world.allgather(x, out),
        "allgather: out has 7 elements: no multiple": lambda: world.allgather(x, np.zeros(7)),
        "reduce_scatter: x has 6 elements, out 6": lambda: world.reduce_scatter(x, out),
        "alltoall: x has 7 elements: no multiple": lambda: world.alltoall(np.ones(7)),
        "gather: x has 6 elements, out 6": lambda: world.gather(x, out, root=world.rank),
        "scatter: x has 6 elements, out 6": lambda: world.scatter(x, out, root=world.rank),
        "root 9": lambda: world.broadcast(x, root=9),
        "there is no rank 2": lambda: world.node(2),
        "counts has 3 entries for 2 ranks": lambda: world.allgatherv(x, out, [1, 2, 3]),
        "out has 6 elements, and the counts come to 7": lambda: world.allgatherv(x, out, [6, 1]),
        "part has 6 elements, and its count is 3": lambda: world.allgatherv(x, out, [3, 3]),
        "counts has 0 entries": lambda: world.gatherv(x, out, root=world.rank),
        "alltoallv: out has 6 elements, and": lambda: world.alltoallv(x, [3, 3], out, [3, 4]),
        "x has 6 elements, out 4": lambda: world.plan_allreduce(x, out[:4]),
        "5": lambda: world.probe(5),
        "overlap": lambda: world.allreduce(x[:5], x[1:]),
    }
    types = {
        "x is a list": lambda: world.allreduce([1.0]),
        "x is a float": lambda: world.allreduce(1.0),
        "incompatible function arguments": lambda: world.allreduce(x, op=3),
    }
    heard = [[text, refusal(call), "InvalidArgument"] for text, call in wrong.items()]
    heard += [[text, refusal(call), "TypeError"] for text, call in types.items()]
    world.allreduce(x)
    assert (x == 2).all(), "the communicator goes on"
    return heard


def test_misuse_is_refused_and_changes_nothing():
    for rank, heard in enumerate(run(misuse, 2).values):
        for text, (kind, said), expected in heard:
            assert kind == expected, f"{text}: {kind}: {said}"
            assert text in said
            if kind == "InvalidArgument" and ": x " in said:
                assert said.startswith(f"rank {rank}: ")


def use_what_is_closed():
    world = motet.Communicator.from_environment()
    world.close()
    world.close()
    return [refusal(lambda: world.barrier()), refusal(lambda: world.rank), repr(world)]


def test_a_closed_communicator_says_so():
    ((barrier, rank, text),) = run(use_what_is_closed, 1, joins=False).values
    assert barrier == rank == ["InvalidArgument", "the communicator is closed"]
    assert text == "<motet.Communicator, closed>"


def test_statuses_are_also_what_python_calls_them():
    assert issubclass(motet.Timeout, TimeoutError)
    assert issubclass(motet.InvalidArgument, ValueError)
    for name in ("InvalidArgument", "Unavailable", "Timeout", "PeerLost", "Aborted", "SystemError"):
        assert issubclass(getattr(motet, name), motet.Error)
        assert getattr(motet, name).__module__ == "motet"


def differ(world):
    """The root of a broadcast is done at once, and hears of it in its next call."""
    x = np.ones(3)
    heard = refusal(lambda: world.allreduce(x) if world.rank else world.broadcast(x))
    return heard if heard[0] != "nothing" else refusal(world.barrier)


def test_calls_that_differ_are_quoted():
    for kind, text in run(differ, 3).values:
        assert kind == "InvalidArgument"
        assert "allreduce #" in text and "broadcast #" in text


def come_late(world):
    if world.rank == 0:
        stay_away(world)
    return [refusal(lambda: world.allreduce(np.ones(3), timeout=0.3)), refusal(world.check)]


def test_a_call_ends_at_its_timeout():
    values = run(come_late, 2).values
    for (kind, text), (kind_of_state, _) in values[1:]:
        assert kind == kind_of_state == "Timeout"
        assert "timed out after 300 ms" in text
    assert values[0][0][0] == "Timeout"  # the first cause is everybody's


def lose_a_peer(world, started):
    x = np.ones(1000)
    world.allreduce(x)
    if world.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    began = time.monotonic()
    heard = refusal(lambda: world.start_allreduce(x).wait() if started else world.allreduce(x))
    return [*heard, time.monotonic() - began]


@pytest.mark.parametrize("started", [False, True], ids=["called", "started"])
def test_a_killed_rank_is_named_by_all_others(started):
    job = run(lose_a_peer, 3, started)
    assert job.ranks[1].status == -signal.SIGKILL
    for rank in (0, 2):
        kind, text, seconds = job.ranks[rank].value
        assert kind == "PeerLost" and "rank 1 " in text and "killed by signal 9" in text
        assert seconds < 30


def abort_from_a_thread(world):
    if world.rank == 1:
        threading.Timer(0.3, world.abort, ["the loss is NaN"]).start()
    if world.rank == 2:
        stay_away(world)
    return refusal(lambda: world.allreduce(np.ones(3)))


def test_abort_reaches_all_from_any_thread():
    for kind, text in run(abort_from_a_thread, 3).values:
        assert kind == "Aborted"
        assert "rank 1 aborted the communicator: the loss is NaN" in text


def fail_in_a_block():
    with motet.Communicator.from_environment() as world:
        if world.rank == 1:
            raise KeyError("no such batch")
        world.allreduce(np.ones(3))


def test_an_exception_in_a_with_block_is_told_to_the_others():
    job = run(fail_in_a_block, 2, joins=False)
    assert "KeyError: 'no such batch'" in job.ranks[1].text
    assert "motet.Aborted" in job.ranks[0].text
    assert "rank 1 aborted the communicator: KeyError: 'no such batch'" in job.ranks[0].text


class Silent(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def fail_without_words(world):
    part = world.split(0, world.rank)
    try:
        with part:
            raise Silent
    except RuntimeError:
        pass
    return repr(part)


def test_a_with_block_closes_whatever_is_raised():
    assert run(fail_without_words, 1).values == ["<motet.Communicator, closed>"]


def be_interrupted(world, started):
    """Rank 2 stays away, so that the others wait until one of them has enough."""
    if world.rank == 2:
        stay_away(world)
        return refusal(world.barrier)
    x = np.ones(3)
    if world.rank == 0:
        return refusal(lambda: world.allreduce(x))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start background jobs without
    threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT]).start()
    try:
        world.start_allreduce(x).wait() if started else world.allreduce(x)
    except KeyboardInterrupt:
        return "KeyboardInterrupt"
    return "nothing"


@pytest.mark.parametrize("started", [False, True], ids=["called", "started"])
def test_an_interrupted_wait_ends_on_every_rank(started):
    first, interrupted, last = run(be_interrupted, 3, started).values
    assert interrupted == "KeyboardInterrupt"
    for kind, text in (first, last):
        assert kind == "Aborted" and "rank 1 was interrupted" in text


def handle_a_signal(world, path):
    """A handler that returns: the call goes on, and ends when the other rank has come."""
    handled = pathlib.Path(path)
    if world.rank == 0:
        signal.signal(signal.SIGUSR1, lambda *_: handled.touch())
        threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGUSR1]).start()
    else:
        wait_until(handled.exists, "rank 0 has handled its signal")
    x = np.ones(3)
    world.allreduce(x)
    return x.tolist()


def test_signals_are_handled_while_a_call_waits(tmp_path):
    assert run(handle_a_signal, 2, str(tmp_path / "handled")).values == [[2.0, 2.0, 2.0]] * 2
