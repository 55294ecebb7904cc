"""Every style of parallel training gives over Motet what it gives over gloo."""

from __future__ import annotations

import os
import unittest

os.environ.setdefault("OMP_NUM_THREADS", "1")

import group_ranks
import motet.torch  # noqa: F401  registers the backend
import styles
import torch


def judged(style: str) -> list[torch.Tensor]:
    return styles.STYLES[style]()


def difference(one: list[torch.Tensor], other: list[torch.Tensor]) -> float:
    assert len(one) == len(other)
    return max(float((a - b).detach().abs().max()) if a.numel() else 0.0 for a, b in zip(one, other, strict=True))


class Training(unittest.TestCase):
    def compare(self, style: str, size: int, within: float) -> None:
        for over_gloo, over_motet in zip(
            group_ranks.run(judged, size, "gloo", style), group_ranks.run(judged, size, "motet", style), strict=True
        ):
            self.assertLessEqual(difference(over_gloo, over_motet), within)

    def test_gives_the_bits_of_gloo_on_two_ranks(self) -> None:
        for style in styles.STYLES:
            with self.subTest(style):
                self.compare(style, 2, 0.0)

    def test_gives_the_results_of_gloo_on_three_and_four_ranks(self) -> None:
        for size in (3, 4):
            for style in styles.STYLES:
                if style in styles.EVEN and size % 2:
                    continue
                with self.subTest(style, ranks=size):
                    # 16-bit gradients are rounded at every addition.
                    self.compare(style, size, 2e-3 if style in ("fp16_hook", "bf16_hook") else 1e-6)


if __name__ == "__main__":
    unittest.main()
