"""examples/torch, as its README has it."""

from __future__ import annotations

import re
from pathlib import Path

import group_ranks
import pytest

EXAMPLES = Path(__file__).parents[3] / "examples" / "torch"


@pytest.mark.parametrize("name", ["ddp_images", "fsdp_transformer"])
def test_training_lowers_the_loss(name: str) -> None:
    program = (EXAMPLES / f"{name}.py").read_text()
    status, output = group_ranks.run_program(program, arguments=("--steps", "20"))
    assert status == 0, output
    losses = [float(loss) for loss in re.findall(r"loss ([0-9.]+)", output)]
    assert len(losses) == 2 and losses[1] < losses[0], output
