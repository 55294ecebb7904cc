"""Collective communication that says what it knows.

    import motet, numpy
    with motet.Communicator.from_environment() as world:   # RANK, WORLD_SIZE, ...
        gradients = numpy.full(1_000_000, 1.0 + world.rank, numpy.float32)
        world.allreduce(gradients)                          # in place, summed

Arrays are anything contiguous on the CPU with the buffer protocol or DLPack. Failures are
motet.Error, whose text names rank, peer, transport and call.
"""

from motet._core import Communicator, Plan, Prediction, Request, unique_id, version
from motet._errors import (
    Aborted,
    Error,
    InvalidArgument,
    PeerLost,
    SystemError,  # the status is called so
    Timeout,
    Unavailable,
)
from motet._types import Array, ReduceOp

__version__ = version()
__all__ = [
    "Aborted",
    "Array",
    "Communicator",
    "Error",
    "InvalidArgument",
    "PeerLost",
    "Plan",
    "Prediction",
    "ReduceOp",
    "Request",
    "SystemError",
    "Timeout",
    "Unavailable",
    "unique_id",
    "version",
]
