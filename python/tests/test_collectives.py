"""Every collective on every type, compared with NumPy's answer to the same question."""

import array
import functools

import ml_dtypes
import numpy as np
import pytest
from ranks import run

TYPES = [
    *(np.dtype(name) for name in ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]),
    *(np.dtype(name) for name in ["float16", "float32", "float64"]),
    np.dtype(ml_dtypes.bfloat16),
]
COUNTS = [0, 1, 7, 1000]
OPS = {
    "sum": np.add,
    "prod": np.multiply,
    "min": np.minimum,
    "max": np.maximum,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
}


class Calls:
    """The methods of a communicator: called, started or planned, they must do the same."""

    def __init__(self, world, way="called"):
        self.rank, self.size = world.rank, world.size
        self._world, self._way = world, way

    def __getattr__(self, name):
        if self._way == "called":
            return getattr(self._world, name)
        if self._way == "started":
            return lambda *given, **named: getattr(self._world, f"start_{name}")(*given, **named).wait()
        return lambda *given, **named: getattr(self._world, f"plan_{name}")(*given, **named).run()


def pattern(rank, count, dtype):
    """Small whole numbers, exact in every type and order, that show who gave what."""
    return (1 + (np.arange(count) + rank) % 3).astype(dtype)


def everybody(calls, count, dtype):
    return [pattern(rank, count, dtype) for rank in range(calls.size)]


def combined(calls, count, dtype, op):
    return functools.reduce(OPS[op], everybody(calls, count, dtype)).astype(dtype)


def same(got, expected):
    np.testing.assert_array_equal(got.astype(np.float64), expected.astype(np.float64))


def ops_of(dtype):
    is_integer = dtype.kind in "iu"
    return [op for op in OPS if is_integer or op not in ("and", "or", "xor")]


def allreduce(calls, count, dtype):
    for op in ops_of(dtype):
        x, out = pattern(calls.rank, count, dtype), np.zeros(count, dtype)
        calls.allreduce(x, out, op)
        same(out, combined(calls, count, dtype, op))
        same(x, pattern(calls.rank, count, dtype))
        calls.allreduce(x, op=op)
        same(x, out)


def reduce(calls, count, dtype):
    for root in range(calls.size):
        x, out = pattern(calls.rank, count, dtype), np.zeros(count, dtype)
        is_root = calls.rank == root
        calls.reduce(x, out if is_root else None, root)
        same(out, combined(calls, count, dtype, "sum") if is_root else np.zeros(count))
        same(x, pattern(calls.rank, count, dtype))
        calls.reduce(x, root=root, op="max")
        same(x, combined(calls, count, dtype, "max") if is_root else pattern(calls.rank, count, dtype))


def broadcast(calls, count, dtype):
    for root in range(calls.size):
        x = pattern(calls.rank, count, dtype)
        calls.broadcast(x, root)
        same(x, pattern(root, count, dtype))


def allgather(calls, count, dtype):
    expected = np.concatenate(everybody(calls, count, dtype))
    out = np.zeros(calls.size * count, dtype)
    calls.allgather(pattern(calls.rank, count, dtype), out)
    same(out, expected)
    out = np.zeros((calls.size, count), dtype)
    out[calls.rank] = pattern(calls.rank, count, dtype)
    calls.allgather(out[calls.rank], out)
    same(out.reshape(-1), expected)


def reduce_scatter(calls, count, dtype):
    whole = combined(calls, calls.size * count, dtype, "sum").reshape(calls.size, count)
    x, out = pattern(calls.rank, calls.size * count, dtype), np.zeros(count, dtype)
    calls.reduce_scatter(x, out)
    same(out, whole[calls.rank])
    x = x.reshape(calls.size, count)
    calls.reduce_scatter(x, x[calls.rank])
    same(x[calls.rank], whole[calls.rank])


def alltoall(calls, count, dtype):
    everything = [part.reshape(calls.size, count) for part in everybody(calls, calls.size * count, dtype)]
    expected = np.stack([given[calls.rank] for given in everything])
    x, out = everything[calls.rank].copy(), np.zeros((calls.size, count), dtype)
    calls.alltoall(x, out)
    same(out, expected)
    calls.alltoall(x)
    same(x, expected)


def gather(calls, count, dtype):
    for root in range(calls.size):
        out = np.zeros((calls.size, count), dtype)
        out[calls.rank] = pattern(calls.rank, count, dtype)
        if calls.rank == root:
            calls.gather(out[root], out, root)
            same(out.reshape(-1), np.concatenate(everybody(calls, count, dtype)))
        else:
            calls.gather(out[calls.rank], root=root)


def scatter(calls, count, dtype):
    for root in range(calls.size):
        out = np.zeros(count, dtype)
        x = pattern(root, calls.size * count, dtype) if calls.rank == root else None
        calls.scatter(x, out, root)
        same(out, pattern(root, calls.size * count, dtype).reshape(calls.size, count)[calls.rank])


def messages(calls, count, dtype):
    for step in range(1, calls.size):
        to, source = (calls.rank + step) % calls.size, (calls.rank - step) % calls.size
        out = np.zeros(count, dtype)
        if calls.rank < to:
            calls.send(pattern(calls.rank, count, dtype), to)
            calls.recv(out, source)
        else:
            calls.recv(out, source)
            calls.send(pattern(calls.rank, count, dtype), to)
        same(out, pattern(source, count, dtype))


def lengths(calls, count):
    """Of every rank's part: all differ, and one is empty."""
    return [count * rank for rank in range(calls.size)]


def uneven(calls, count, dtype):
    """The v-forms."""
    counts, mine = lengths(calls, count), count * calls.rank
    first = sum(counts[: calls.rank])
    everything = np.concatenate([pattern(rank, counts[rank], dtype) for rank in range(calls.size)])
    out = np.zeros(sum(counts), dtype)
    calls.allgatherv(pattern(calls.rank, mine, dtype), out, counts)
    same(out, everything)
    whole = combined(calls, sum(counts), dtype, "max")
    out = np.zeros(mine, dtype)
    calls.reduce_scatterv(pattern(calls.rank, sum(counts), dtype), out, counts, "max")
    same(out, whole[first : first + mine])
    for root in range(calls.size):
        is_root = calls.rank == root
        out = np.zeros(sum(counts), dtype)
        calls.gatherv(pattern(calls.rank, mine, dtype), out if is_root else None, counts if is_root else None, root)
        same(out, everything if is_root else 0 * everything)
        out = np.zeros(mine, dtype)
        calls.scatterv(everything if is_root else None, out, counts if is_root else None, root)
        same(out, pattern(calls.rank, mine, dtype))
    # Rank b gets count * b elements of every rank.
    out = np.zeros(mine * calls.size, dtype)
    calls.alltoallv(pattern(calls.rank, sum(counts), dtype), counts, out, [mine] * calls.size)
    parts = [pattern(rank, sum(counts), dtype)[first : first + mine] for rank in range(calls.size)]
    same(out, np.concatenate(parts))


EVERYTHING = [allreduce, reduce, broadcast, allgather, reduce_scatter, alltoall, gather, scatter, messages, uneven]


def call_everything(world, way):
    calls = Calls(world, way)
    for collective in EVERYTHING:
        for dtype in TYPES:
            for count in COUNTS:
                collective(calls, count, dtype)
        calls.barrier()


@pytest.mark.parametrize("way", ["called", "started", "planned"])
@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
def test_everything_is_as_numpy_has_it(ranks, way):
    run(call_everything, ranks, way).values  # noqa: B018  # all must have come to their end


def combine_in_other_ways(world):
    calls = Calls(world)
    mean = np.full(5, 1.0 + world.rank)
    calls.allreduce(mean, op="avg")
    same(mean, np.full(5, (1 + world.size) / 2))
    scaled, out = np.full(5, 2.0, np.float32), np.zeros(5, np.float32)
    calls.allreduce(scaled, out, "premul_sum", scale=0.5 * world.rank)
    same(out, np.full(5, sum(range(world.size))))
    for algorithm in ("two_shot", "mesh"):
        x = np.ones(12)
        calls.allreduce(x, algorithm=algorithm, same_bits_every_run=True, timeout=60)
        same(x, np.full(12, world.size))
        assert world.last_algorithm == algorithm


def test_averages_scales_and_named_algorithms():
    run(combine_in_other_ways, 3).values  # noqa: B018


def take_what_is_no_numpy_array(world):
    for make in (bytearray, lambda data: memoryview(bytearray(data)), lambda data: array.array("B", data)):
        x = make(bytes([1, 2, 3]))
        world.allreduce(x)
        assert bytes(x) == bytes([2, 4, 6])
    x = array.array("d", [world.rank, 5])
    world.allreduce(x, op="max")
    assert list(x) == [1, 5]
    data = bytearray(3) if world.rank else b"abc"  # the root's may be read-only
    world.broadcast(data)
    assert bytes(data) == b"abc"
    cube = np.ones((2, 3, 4), np.float32)
    world.allreduce(cube[1])  # contiguous in itself
    assert (cube[0] == 1).all() and (cube[1] == 2).all()
    number = np.array(3.0)
    world.allreduce(number)
    assert number == 6


def test_anything_with_a_buffer_is_an_array():
    run(take_what_is_no_numpy_array, 2).values  # noqa: B018


class OnlyDLPack:
    """As arrays of libraries without the buffer protocol are; `flags` as before version 1."""

    def __init__(self, x, device=1, old=False):
        self.x, self.device, self.old = x, device, old

    def __dlpack_device__(self):
        return (self.device, 0)

    def __dlpack__(self, **named):
        if self.old and named:
            raise TypeError("unexpected keyword argument")
        return self.x.__dlpack__(**named)


def take_dlpack(world):
    for old in (False, True):
        for dtype in [dtype for dtype in TYPES if dtype != ml_dtypes.bfloat16]:
            x = pattern(world.rank, 7, dtype)
            world.allreduce(OnlyDLPack(x, old=old))
            same(x, combined(Calls(world), 7, dtype, "sum"))
    world.allreduce(OnlyDLPack(np.zeros((0, 4))[:, ::2]))  # of nothing all is contiguous
    fixed = np.arange(3.0)
    fixed.flags.writeable = False
    out = np.zeros(3)
    world.allreduce(OnlyDLPack(fixed), OnlyDLPack(out))
    same(out, world.size * fixed)
    refusals = []
    for wrong in (OnlyDLPack(fixed), OnlyDLPack(out, device=2), OnlyDLPack(np.zeros((4, 4))[:, 1])):
        try:
            world.allreduce(wrong)
        except ValueError as error:
            refusals.append(str(error))
    return refusals


def test_anything_with_dlpack_is_an_array():
    for read_only, on_device, strided in run(take_dlpack, 2).values:
        assert "x is read-only" in read_only
        assert "x is on a device" in on_device
        assert "x is not contiguous" in strided


def take_tensors(world):
    import torch

    for dtype in (torch.float32, torch.bfloat16, torch.float16, torch.int64):
        x = torch.full((4, 3), 1 + world.rank, dtype=dtype)
        world.allreduce(x)
        assert (x == 3).all()
    mixed = torch.zeros(3, dtype=torch.bfloat16)
    world.allreduce(np.ones(3, ml_dtypes.bfloat16), mixed)
    assert (mixed == 2).all()
    try:
        world.allreduce(torch.ones(3, requires_grad=True))
    except BufferError as error:
        return str(error)


def test_tensors_of_pytorch_are_arrays():
    pytest.importorskip("torch")
    for refusal in run(take_tensors, 2).values:
        assert "grad" in refusal
