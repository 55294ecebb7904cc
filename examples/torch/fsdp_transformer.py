"""A small transformer learns a synthetic language; parameters, gradients and optimizer are dealt out
to the ranks (FSDP2).

torchrun --nproc-per-node 2 fsdp_transformer.py [--backend gloo] [--steps N]
"""

import argparse
import time

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

WORDS, WIDTH, LENGTH = 64, 128, 32


class Transformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        self.places = nn.Embedding(LENGTH, WIDTH)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(WIDTH, 4, 4 * WIDTH, dropout=0.0, batch_first=True) for _ in range(3)
        )
        self.head = nn.Linear(WIDTH, WORDS)

    def forward(self, text: torch.Tensor) -> torch.Tensor:
        length = text.shape[1]
        hidden = self.words(text) + self.places(torch.arange(length))
        earlier = nn.Transformer.generate_square_subsequent_mask(length)
        for layer in self.layers:
            hidden = layer(hidden, src_mask=earlier, is_causal=True)
        return self.head(hidden)


def batch(step: int, rank: int) -> torch.Tensor:
    """Every word follows from the two before it."""
    source = torch.Generator().manual_seed(1000 * step + rank)
    text = torch.randint(WORDS, (16, LENGTH + 1), generator=source)
    for place in range(2, LENGTH + 1):
        text[:, place] = (3 * text[:, place - 1] + text[:, place - 2]) % WORDS
    return text


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--backend", default="motet")
    parser.add_argument("--steps", type=int, default=30)
    given = parser.parse_args()

    dist.init_process_group(f"cpu:{given.backend}")
    rank = dist.get_rank()
    mesh = init_device_mesh("cpu", (dist.get_world_size(),))
    torch.manual_seed(0)
    model = Transformer()
    for layer in model.layers:
        fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    began = time.perf_counter()
    for step in range(given.steps):
        text = batch(step, rank)
        optimizer.zero_grad()
        guesses = model(text[:, :-1])
        loss = nn.functional.cross_entropy(guesses.flatten(0, 1), text[:, 1:].flatten())
        loss.backward()
        optimizer.step()
        if rank == 0 and step % 10 == 9:
            took = (time.perf_counter() - began) / (step + 1)
            print(f"step {step + 1:3}: loss {loss.item():.3f}, {1e3 * took:.0f} ms a step", flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
