"""torch.distributed over Motet.

    torch.distributed.init_process_group("motet")

is all it takes: PyTorch finds this module by its entry point.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist

from motet import _built

if not _built.TORCH_VERSION:
    raise ImportError(
        "motet was installed before PyTorch: install it again, with "
        "pip install --force-reinstall --no-deps, so that its backend is built"
    )
if torch.__version__ != _built.TORCH_VERSION:
    raise ImportError(
        f"motet was built for PyTorch {_built.TORCH_VERSION}, this is {torch.__version__}: "
        "install it again, with pip install --force-reinstall --no-deps"
    )

from motet.torch._backend import Backend, Options, create  # that of another PyTorch cannot be loaded

if TYPE_CHECKING:
    from torch._C._distributed_c10d import _DistributedBackendOptions

__all__ = ["Backend", "Options", "register"]


def _creator(name: str) -> Callable[[_DistributedBackendOptions, object], Backend]:
    """Of groups whose backend is asked for as `name`."""

    def create_for(given: _DistributedBackendOptions, options: object) -> Backend:
        own = Options(options.backend if isinstance(options, Options) else name, given.timeout)
        own.global_ranks_in_group = given.global_ranks_in_group
        own.group_name = given.group_id
        # torchrun's store keeps what former lives of the job have left there.
        group = f"{given.group_id}/life{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}"
        return create(given.store, group, given.group_rank, given.group_size, own)

    return create_for


def register(name: str = "motet") -> None:
    """Makes the backend known to torch.distributed as `name`, for CPU tensors.

    The names of PyTorch's own backends are replaced: register("gloo") has what asks for gloo run
    over Motet. Before the process groups are made; the name must be the same on all ranks.
    """
    # PyTorch takes what has the type of one of its own backends for an object of its class.
    dist.Backend.register_backend(
        name,
        _creator(name),
        extended_api=True,
        devices=["cpu"],
        _backend_type=dist.ProcessGroup.BackendType.CUSTOM,
    )


register()
