"""Names for annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from typing_extensions import Buffer


class SupportsDLPack(Protocol):
    """Arrays of NumPy, PyTorch (on the CPU), JAX, CuPy's pinned memory, ..."""

    def __dlpack__(self, *args: Any, **kwargs: Any) -> Any: ...

    def __dlpack_device__(self) -> Any: ...


#: Contiguous CPU memory of a type that Motet has: anything with the buffer protocol or DLPack.
Array: TypeAlias = "Buffer | SupportsDLPack"

ReduceOp: TypeAlias = Literal["sum", "prod", "min", "max", "avg", "and", "or", "xor", "premul_sum"]

DataType: TypeAlias = Literal[
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "bfloat16",
    "float32",
    "float64",
]

Collective: TypeAlias = Literal[
    "allreduce",
    "allgather",
    "reduce_scatter",
    "broadcast",
    "reduce",
    "alltoall",
    "gather",
    "scatter",
    "barrier",
    "send",
    "recv",
    "allgatherv",
    "reduce_scatterv",
    "alltoallv",
    "gatherv",
    "scatterv",
]


class StoreSet(Protocol):
    """Stores a value under a key."""

    def __call__(self, key: str, value: bytes, /) -> object: ...


class StoreGet(Protocol):
    """Waits until the key is there, at most `timeout` seconds, and gives its value."""

    def __call__(self, key: str, timeout: float, /) -> bytes: ...
