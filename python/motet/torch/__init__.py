"""torch.distributed over Motet.

    torch.distributed.init_process_group("motet")

is all it takes: PyTorch finds this module by its entry point.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist

from motet import _built

if TYPE_CHECKING:
    from torch.distributed.distributed_c10d import _DistributedBackendOptions


def _load() -> Any:
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
    from motet.torch import _backend

    return _backend


_backend = _load()
Options = _backend.Options


def _create(name: str) -> Any:
    def create(given: _DistributedBackendOptions, options: Any) -> Any:
        if not isinstance(options, Options):
            options = Options(name)
        options._timeout = given.timeout
        options.global_ranks_in_group = given.global_ranks_in_group
        options.group_name = given.group_id
        # torchrun's store keeps what former lives of the job have left there.
        group = f"{given.group_id}/life{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}"
        return _backend.create(given.store, group, given.group_rank, given.group_size, options)

    return create


def register(name: str = "motet") -> None:
    """Makes the backend known to torch.distributed as `name`, for CPU tensors. The names of
    PyTorch's own backends are replaced: register("gloo") runs over Motet what asks for gloo."""
    # PyTorch takes what has the type of one of its own backends for an object of its class.
    dist.Backend.register_backend(
        name,
        _create(name),
        extended_api=True,
        devices=["cpu"],
        _backend_type=dist.ProcessGroup.BackendType.CUSTOM,
    )


if "MOTET" not in dist.Backend._plugins:
    register()
