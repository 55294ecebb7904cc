"""examples/numpy, as its README has it."""

import pathlib
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("ranks", [1, 3])
def test_training_finds_the_same_weights_on_all_ranks(ranks):
    command = [EXAMPLES / "run.sh", str(ranks), sys.executable, EXAMPLES / "numpy" / "logistic.py", "--rows", "300"]
    ended = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    assert ended.returncode == 0, ended.stdout
    assert f"weights are the same on all {ranks} ranks" in ended.stdout
    shares = [float(line.split()[2]) for line in ended.stdout.splitlines() if line.startswith("step")]
    assert shares[-1] > 95
