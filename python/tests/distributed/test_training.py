"""Every style of parallel training gives over Motet what it gives over gloo."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import group_ranks
import motet.torch  # noqa: F401  registers the backend
import pytest
import styles
import torch


def judged(style: str) -> list[torch.Tensor]:
    return styles.STYLES[style]()


def judged_in_fixed_order(style: str) -> list[torch.Tensor]:
    torch.use_deterministic_algorithms(True)
    return judged(style)


def difference(one: list[torch.Tensor], other: list[torch.Tensor]) -> float:
    assert len(one) == len(other)
    return max(float((a - b).detach().abs().max()) if a.numel() else 0.0 for a, b in zip(one, other, strict=True))


# These two are what most people train with: they stand for the others where time is short.
COMMON = ("ddp", "fsdp")
# 16-bit gradients are rounded at every addition.
ROUNDED = ("fp16_hook", "bf16_hook")

CASES = [
    pytest.param(style, ranks, id=f"{style}-{ranks}", marks=() if style in COMMON else pytest.mark.slow)
    for ranks in (2, 3, 4)
    for style in styles.STYLES
    if style not in styles.EVEN or ranks % 2 == 0
]


@pytest.mark.parametrize(("style", "ranks"), CASES)
def test_gives_the_results_of_gloo(style: str, ranks: int) -> None:
    within = 0.0 if ranks == 2 else 2e-3 if style in ROUNDED else 1e-6
    over_gloo, over_motet = (group_ranks.run(judged, ranks, backend, style) for backend in ("gloo", "motet"))
    for one, other in zip(over_gloo, over_motet, strict=True):
        assert difference(one, other) <= within


@pytest.mark.parametrize("style", COMMON)
def test_gives_the_same_bits_twice_where_the_order_is_fixed(style: str) -> None:
    first, second = (group_ranks.run(judged_in_fixed_order, 4, "motet", style) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert difference(one, other) == 0.0
