"""How ranks meet, and what the communicator then knows."""

import os
import pathlib
import threading
import time

import motet
import numpy as np
from ranks import run
from test_errors import refusal


def know(world):
    return {
        "rank": world.rank,
        "size": world.size,
        "nodes": [world.node(), world.node(0), world.node_count],
        "local": [world.local_rank(), world.local_rank(1)],
        "transports": [world.transport(rank) for rank in range(world.size)],
        "text": repr(world),
        "explained": world.explain("allreduce", 1000),
        "uneven": world.explain("allgatherv", 1000),
        "predicted": [world.predict("allreduce", 1 << 20, "float64").time_us, world.predict("barrier", 0).bound_us],
        "named": world.predict("allreduce", 1000, algorithm="ring").algorithm,
        "before": world.last_algorithm,
        "wrong": [
            refusal(lambda: world.explain("all", 1)),
            refusal(lambda: world.predict("reduce", 1, "float8")),
        ],
    }


def test_a_communicator_says_what_it_knows():
    for rank, known in enumerate(run(know, 2).values):
        assert (known["rank"], known["size"]) == (rank, 2)
        assert known["nodes"] == [0, 0, 1]
        assert known["local"] == [rank, 1]
        assert known["transports"][rank] == "self"
        assert known["transports"][1 - rank] in ("shm", "tcp")
        assert known["text"] == f"<motet.Communicator, rank {rank} of 2>"
        assert "mesh" in known["explained"]
        assert "allgather" in known["uneven"]
        assert known["predicted"][0] > 0
        assert known["predicted"][1] >= 0
        assert (known["named"], known["before"]) == ("ring", "")
        assert known["wrong"] == [
            ["InvalidArgument", 'there is no collective "all"'],
            ["InvalidArgument", 'there is no type "float8"'],
        ]


def split(world):
    part = world.split(world.rank % 2, -world.rank)
    none = world.split(-1)
    x = np.full(3, float(world.rank))
    part.allreduce(x)
    return [part.rank, part.size, x[0], none]


def test_a_split_orders_ranks_by_key():
    assert run(split, 5).values == [
        [2, 3, 6.0, None],
        [1, 2, 4.0, None],
        [1, 3, 6.0, None],
        [0, 2, 4.0, None],
        [0, 3, 6.0, None],
    ]


class Folder:
    """A store of files."""

    def __init__(self, path):
        self.path, self.asked = pathlib.Path(path), threading.get_ident()

    def set(self, key, value):
        name = self.path / key.replace("/", "%")
        name.with_suffix(".new").write_bytes(value)
        name.with_suffix(".new").rename(name)
        self.asked = threading.get_ident()

    def get(self, key, timeout):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            try:
                return (self.path / key.replace("/", "%")).read_bytes()
            except FileNotFoundError:
                time.sleep(0.001)
        raise TimeoutError(key)


def meet_in_a_folder(path):
    rank = int(os.environ["RANK"])
    store = Folder(path)
    sums = []
    for secret in (None, "0123456789abcdef" * 4):
        with motet.Communicator.from_store(store.set, store.get, rank, 3, secret=secret, transport="tcp") as world:
            x = np.full(1000, 1.0)
            world.allreduce(x)
            sums.append([x[0], world.transport((rank + 1) % 3)])
    assert store.asked == threading.get_ident()
    return sums


def test_ranks_meet_over_a_store(tmp_path):
    assert run(meet_in_a_folder, 3, str(tmp_path), joins=False).values == [[[3.0, "tcp"]] * 2] * 3


def meet_over_what_fails():
    def fail(*_):
        raise LookupError("the cupboard is bare")

    try:
        motet.Communicator.from_store(fail, fail, 0, 2, setup_timeout=5)
    except LookupError as error:
        return str(error)


def test_what_a_store_raises_comes_out():
    assert run(meet_over_what_fails, 1, joins=False).values == ["the cupboard is bare"]


def meet_over_what_stores_text():
    words = {}
    return refusal(
        lambda: motet.Communicator.from_store(lambda key, value: words.update(key=value), lambda *_: "text", 0, 2)
    )


def test_a_store_has_to_give_bytes():
    ((kind, text),) = run(meet_over_what_stores_text, 1, joins=False).values
    assert kind == "TypeError" and "gave a str" in text


def meet_in_vain():
    id = motet.unique_id()
    return [
        len(id),
        refusal(lambda: motet.Communicator.from_unique_id(id, 0, 2, setup_timeout=0.5)),
        refusal(lambda: motet.Communicator.from_unique_id(b"short", 0, 1)),
        refusal(lambda: motet.Communicator.from_unique_id(id, 2, 2)),
        refusal(lambda: motet.Communicator.from_environment(transport="pigeon")),
    ]


def test_a_meeting_that_fails_says_why():
    ((length, missing, short, outside, pigeon),) = run(meet_in_vain, 1, joins=False).values
    assert length == 256
    assert missing[0] == "Timeout"
    assert "rank 1" in missing[1]
    assert short == ["InvalidArgument", "a unique id has 256 bytes, not 5"]
    assert outside[0] == pigeon[0] == "InvalidArgument"
    assert "rank 2 of world size 2" in outside[1]
    assert "pigeon" in pigeon[1]
