"""What is measured: collectives, sizes and modes, and where a row of a program's output belongs."""

from dataclasses import dataclass, replace

COLLECTIVES = ("allreduce", "reduce_scatter", "allgather", "alltoall", "broadcast", "barrier")
MODES = ("fresh", "hot")
DEFAULT_SIZES = "8,1K,16K,128K,1M,16M,64M"
QUICK_SIZES = "8,16K,1M"
IN_PARTS = ("reduce_scatter", "allgather", "alltoall")
ELEMENT_BYTES = 4


@dataclass(frozen=True, order=True)
class Cell:
    """One line of one table. Bytes mean what they mean in nccl-tests: of all parts together."""

    collective: str
    bytes: int
    mode: str


@dataclass(frozen=True)
class Request:
    """What one contender is to measure in one go."""

    collective: str
    sizes: tuple[int, ...]
    modes: tuple[str, ...]
    ranks: int

    def cell_by_cell(self) -> list["Request"]:
        return [replace(self, sizes=(size,), modes=(mode,)) for mode in self.modes for size in self.sizes]


def parse_size(text: str) -> int:
    """8, 1K, 64M: suffixes are powers of 1024."""
    suffixes = {"K": 10, "M": 20, "G": 30}
    shift = suffixes.get(text[-1:].upper(), 0)
    value = int(text[:-1] if shift else text) << shift
    if value < 0:
        raise ValueError(f"{text} is no size")
    return value


def size_text(size: int) -> str:
    for unit, shift in (("MiB", 20), ("KiB", 10)):
        if size >= 1 << shift and size % (1 << shift) == 0:
            return f"{size >> shift} {unit}"
    return f"{size} B"


def possible_sizes(collective: str, sizes: list[int], ranks: int) -> tuple[int, ...]:
    """What the sizes asked for come to: whole elements, at least one for each rank, each size once."""
    if collective == "barrier":
        return (0,)
    unit = ELEMENT_BYTES * (ranks if collective in IN_PARTS else 1)
    return tuple(sorted({max(1, size // unit) * unit for size in sizes}))


def request_for(collective: str, sizes: list[int], modes: tuple[str, ...], ranks: int) -> Request:
    """A barrier has no data that could be fresh."""
    return Request(
        collective, possible_sizes(collective, sizes, ranks), ("hot",) if collective == "barrier" else modes, ranks
    )
