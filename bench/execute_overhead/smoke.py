"""Runs motet-execute-overhead with hardly any repetitions: smoke.py MOTET_EXECUTE_OVERHEAD.

The program ends with a failure when either side computes wrong things. How fast anything is does not matter.
"""

import json
import subprocess
import sys

KEYS = ["what", "algorithm", "ranks", "bytes", "motet_us", "by_hand_us", "ratio", "goal_ratio", "batches"]


def run(*arguments, expected=0):
    command = [sys.argv[1], *arguments]
    done = subprocess.run(command, text=True, capture_output=True, check=False, timeout=100)
    if done.returncode != expected:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout.splitlines()


def check(ranks, sizes):
    lines = run("--json", "--batches", "2", "--batch-us", "20", "--ranks", str(ranks), "--bytes", ",".join(sizes))
    rows = [json.loads(line) for line in lines]
    for row in rows:
        if list(row) != KEYS or row["ranks"] != ranks or not all(row[key] > 0 for key in KEYS[4:]):
            sys.exit(f"not a sensible row: {row}")
    if [row["algorithm"] for row in rows] != ["mesh"] * len(sizes) + ["ring"] * len(sizes):
        sys.exit(f"not a row for each algorithm and size: {rows}")


# One block, blocks and an odd number of floats, more blocks than slots.
check(2, ["16K", "400004", "4M"])
# Shares of different lengths; more ranks than cores on many machines.
check(3, ["64K", "1048580"])
if len(table := run("--batches", "1", "--batch-us", "1", "--bytes", "16K")) != 3:
    sys.exit(f"not a head and two rows: {table}")
for wrong in (["--bytes", "16K,1002"], ["--ranks", "1"], ["--algorithm", "star"], ["--what"]):
    run(*wrong, expected=2)
