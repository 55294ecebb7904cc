"""A small residual network learns synthetic images, one copy on every rank (DistributedDataParallel).

torchrun --nproc-per-node 2 ddp_images.py [--backend gloo] [--steps N]
"""

import argparse
import time

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

CLASSES = 10


class Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.shortcut = nn.Conv2d(channels_in, channels, 1, stride, bias=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.body(images) + self.shortcut(images))


def network() -> nn.Module:
    return nn.Sequential(
        Block(3, 16, 1),
        Block(16, 32, 2),
        Block(32, 64, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, CLASSES),
    )


def batch(step: int, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Each class is a pattern of its own under noise."""
    patterns = torch.randn(CLASSES, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    source = torch.Generator().manual_seed(1000 * step + rank + 1)
    labels = torch.randint(CLASSES, (32,), generator=source)
    return patterns[labels] + torch.randn(32, 3, 16, 16, generator=source), labels


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--backend", default="motet")
    parser.add_argument("--steps", type=int, default=30)
    given = parser.parse_args()

    dist.init_process_group(given.backend)
    rank = dist.get_rank()
    torch.manual_seed(0)
    model = DistributedDataParallel(network())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    began = time.perf_counter()
    for step in range(given.steps):
        images, labels = batch(step, rank)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        if rank == 0 and step % 10 == 9:
            took = (time.perf_counter() - began) / (step + 1)
            print(f"step {step + 1:3}: loss {loss.item():.3f}, {1e3 * took:.0f} ms a step", flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
