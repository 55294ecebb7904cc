"""Ways of training in parallel, each a function that trains a small model for some steps and returns
what rank 0 is to be judged by: losses or weights. They use the default process group, whatever its
backend, so that two backends can be compared.

Models and data are the same on every run: seeded, float32, one thread.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

Judged = list[torch.Tensor]
STEPS = 20


def small_model() -> nn.Sequential:
    torch.manual_seed(7)
    return nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 4))


def batch(step: int, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    source = torch.Generator().manual_seed(1000 * step + rank)
    inputs = torch.randn(8, 16, generator=source)
    return inputs, inputs[:, :4].sin()


def train(model: nn.Module, optimizer: torch.optim.Optimizer, rank: int | None = None, steps: int = STEPS) -> Judged:
    """The loss of every step, averaged over the ranks."""
    losses = []
    for step in range(steps):
        inputs, targets = batch(step, dist.get_rank() if rank is None else rank)
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(inputs), targets)
        loss.backward()
        optimizer.step()
        average = loss.detach().clone()
        dist.all_reduce(average)
        losses.append(average / dist.get_world_size())
    return losses


def sgd(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)


def weights(model: nn.Module) -> Judged:
    return [parameter.detach().clone() for parameter in model.parameters()]


def ddp() -> Judged:
    model = DistributedDataParallel(small_model(), bucket_cap_mb=0.01)
    train(model, sgd(model))
    return weights(model)


def ddp_unused_parameters() -> Judged:
    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = small_model(), small_model()
            self.calls = 0

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            return self.first(inputs) if self.calls % 2 else self.second(inputs)

    model = DistributedDataParallel(Branches(), find_unused_parameters=True)
    return train(model, sgd(model))


def ddp_join() -> Judged:
    """Ranks have different numbers of batches."""
    model = DistributedDataParallel(small_model())
    optimizer = sgd(model)
    with model.join():
        for step in range(5 + 2 * dist.get_rank()):
            inputs, targets = batch(step, dist.get_rank())
            optimizer.zero_grad()
            nn.functional.mse_loss(model(inputs), targets).backward()
            optimizer.step()
    return weights(model)


def with_hook(hook: Callable, state: object = None) -> Judged:
    model = DistributedDataParallel(small_model())
    model.register_comm_hook(state, hook)
    return train(model, sgd(model))


def fp16_hook() -> Judged:
    from torch.distributed.algorithms.ddp_comm_hooks import default_hooks

    return with_hook(default_hooks.fp16_compress_hook)


def bf16_hook() -> Judged:
    from torch.distributed.algorithms.ddp_comm_hooks import default_hooks

    return with_hook(default_hooks.bf16_compress_hook)


def power_sgd_hook() -> Judged:
    """Its futures start further collectives."""
    from torch.distributed.algorithms.ddp_comm_hooks import powerSGD_hook

    state = powerSGD_hook.PowerSGDState(process_group=None, matrix_approximation_rank=2, start_powerSGD_iter=3)
    return with_hook(powerSGD_hook.powerSGD_hook, state)


def zero() -> Judged:
    from torch.distributed.optim import ZeroRedundancyOptimizer

    model = DistributedDataParallel(small_model())
    optimizer = ZeroRedundancyOptimizer(model.parameters(), torch.optim.Adam, lr=0.01)
    return train(model, optimizer)


def fully_sharded(shape: tuple[int, ...], names: tuple[str, ...]) -> Judged:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh("cpu", shape, mesh_dim_names=names)
    model = small_model()
    for layer in model:
        if isinstance(layer, nn.Linear):
            fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)
    return train(model, torch.optim.Adam(model.parameters(), lr=0.01))


def fsdp() -> Judged:
    return fully_sharded((dist.get_world_size(),), ("shard",))


def hsdp() -> Judged:
    return fully_sharded((2, dist.get_world_size() // 2), ("copy", "shard"))


def dtensor() -> Judged:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Replicate, Shard, distribute_tensor

    mesh = init_device_mesh("cpu", (dist.get_world_size(),))
    torch.manual_seed(3)
    left, right = torch.randn(24, 12), torch.randn(12, 24)
    rows = distribute_tensor(left, mesh, [Shard(0)])
    columns = distribute_tensor(right, mesh, [Shard(1)])
    product = rows @ columns
    partial = distribute_tensor(left, mesh, [Shard(1)]) @ distribute_tensor(right, mesh, [Shard(0)])
    turned = rows.redistribute(mesh, [Shard(1)]).redistribute(mesh, [Replicate()])
    return [product.full_tensor(), partial.full_tensor(), turned.to_local()]


def tensor_parallel() -> Judged:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor.parallel import (
        ColwiseParallel,
        RowwiseParallel,
        parallelize_module,
    )

    mesh = init_device_mesh("cpu", (dist.get_world_size(),))
    torch.manual_seed(7)
    hidden = 12 * dist.get_world_size()
    model = nn.Sequential(nn.Linear(16, hidden), nn.ReLU(), nn.Linear(hidden, 4))
    parallelize_module(model, mesh, {"0": ColwiseParallel(), "2": RowwiseParallel()})
    return train(model, torch.optim.Adam(model.parameters(), lr=0.01), rank=0)


def checkpoint() -> Judged:
    """Saves a sharded model and loads it into another."""
    import torch.distributed.checkpoint as saved
    from torch.distributed.checkpoint.state_dict import get_model_state_dict, set_model_state_dict
    from torch.distributed.fsdp import fully_shard

    model = fully_shard(small_model())
    train(model, torch.optim.Adam(model.parameters(), lr=0.01), steps=3)
    folders = [tempfile.mkdtemp() if dist.get_rank() == 0 else ""]
    dist.broadcast_object_list(folders)
    saved.save(get_model_state_dict(model), checkpoint_id=folders[0])
    other = fully_shard(small_model())
    state = get_model_state_dict(other)
    saved.load(state, checkpoint_id=folders[0])
    dist.barrier()
    if dist.get_rank() == 0:
        shutil.rmtree(folders[0])
    set_model_state_dict(other, state)
    pairs = zip(model.parameters(), other.parameters(), strict=True)
    assert all(torch.equal(one.full_tensor(), two.full_tensor()) for one, two in pairs)
    return [parameter.full_tensor().detach() for parameter in other.parameters()]


def pipeline() -> Judged:
    """Every rank is a stage; activations and gradients go by send and recv."""
    from torch.distributed.pipelining import PipelineStage, Schedule1F1B

    rank, size = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(7)
    stages = [nn.Sequential(nn.Linear(16, 16), nn.Tanh()) for _ in range(size)]
    stage = PipelineStage(stages[rank], rank, size, torch.device("cpu"))
    schedule = Schedule1F1B(stage, n_microbatches=4, loss_fn=nn.functional.mse_loss)
    optimizer = sgd(stages[rank])
    judged = []
    for step in range(5):
        inputs, _ = batch(step, 0)
        losses: list[torch.Tensor] = []
        optimizer.zero_grad()
        if rank == 0:
            schedule.step(inputs)
        elif rank == size - 1:
            schedule.step(target=inputs.sin(), losses=losses)
        else:
            schedule.step()
        optimizer.step()
        loss = torch.stack(losses).mean() if losses else torch.zeros(())
        dist.broadcast(loss, size - 1)
        judged.append(loss)
    return judged


def batched_messages() -> Judged:
    """Everybody sends to the right and receives from the left, in one batch."""
    rank, size = dist.get_rank(), dist.get_world_size()
    judged = []
    for length in (1, 1000, 100_000):
        mine = torch.arange(length, dtype=torch.float32) + rank
        theirs = torch.empty(length)
        works = dist.batch_isend_irecv(
            [
                dist.P2POp(dist.isend, mine, (rank + 1) % size),
                dist.P2POp(dist.irecv, theirs, (rank - 1) % size),
            ]
        )
        for work in works:
            work.wait()
        judged.append(theirs)
    return judged


def objects() -> Judged:
    rank, size = dist.get_rank(), dist.get_world_size()
    everybody: list = [None] * size
    dist.all_gather_object(everybody, {"rank": rank, "text": "x" * 100 * rank})
    assert [one["rank"] for one in everybody] == list(range(size))
    told = [{"from": rank}]
    dist.broadcast_object_list(told, src=size - 1)
    gathered: list | None = [None] * size if rank == 0 else None
    dist.gather_object(("mine", rank), gathered)
    assert rank != 0 or gathered == [("mine", other) for other in range(size)]
    given: list = [None]
    dist.scatter_object_list(given, [f"for {other}" for other in range(size)] if rank == 0 else None)
    assert given == [f"for {rank}"]
    return [torch.tensor([told[0]["from"]])]


def subgroups() -> Judged:
    """Many groups, few of which are ever used."""
    rank, size = dist.get_rank(), dist.get_world_size()
    groups = [dist.new_group([other for other in range(size) if other != left]) for left in range(size)]
    for _ in range(3):
        groups.append(dist.new_group(list(range(size))))
    judged = []
    for left, group in enumerate(groups[:size]):
        value = torch.tensor([float(rank)])
        if rank != left:
            dist.all_reduce(value, group=group)
        dist.broadcast(value, (left + 1) % size)
        judged.append(value)
    for group in groups:
        if group != dist.GroupMember.NON_GROUP_MEMBER:
            dist.destroy_process_group(group)
    return judged


STYLES: dict[str, Callable[[], Judged]] = {
    style.__name__: style
    for style in (
        ddp,
        ddp_unused_parameters,
        ddp_join,
        fp16_hook,
        bf16_hook,
        power_sgd_hook,
        zero,
        fsdp,
        hsdp,
        dtensor,
        tensor_parallel,
        checkpoint,
        pipeline,
        batched_messages,
        objects,
        subgroups,
    )
}
# They need an even number of ranks.
EVEN = {"hsdp"}
