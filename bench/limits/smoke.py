"""Runs motet-limits with hardly any repetitions: smoke.py MOTET_LIMITS.

Every row must come, in JSON that parses and with positive numbers. The program ends with a failure when a variant
computes wrong things. How fast anything is does not matter.
"""

import json
import subprocess
import sys

NUMBERS = {
    "line": ["ns_one_way"],
    "flag": ["ns_exchange"],
    "copy": ["gbps_per_core"],
    "reduce": ["gbps_per_core"],
    "readv": ["gbps_per_core"],
    "wake": ["us_one_way"],
    "floor": ["time_us_median", "line_ns_one_way"],
}
COLLECTIVES = {"allreduce", "allgather", "reduce_scatter", "broadcast", "alltoall", "barrier"}
# One float, lines, an odd number of floats in slots of every size, and streamed stores.
SIZES = ["4", "60", "1K", "69644", "1048580", "5M"]


def run(*arguments):
    command = [sys.argv[1], "--json", "--passes", "1", "--pass-ms", "0.01", *arguments]
    done = subprocess.run(command, text=True, capture_output=True, check=False, timeout=100)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def check(line):
    if "refused" not in line and not all(line[key] > 0 for key in NUMBERS[line["what"]]):
        sys.exit(f"no sensible number in {line}")


def check_rows():
    lines = run("--bytes", "4,16K,1M")
    for line in lines:
        check(line)
    if missing := set(NUMBERS) - {line["what"] for line in lines}:
        sys.exit(f"no row {missing}")


def check_floors(mode, buffers):
    lines = run("floor", "--mode", mode, "--buffers", buffers, "--bytes", ",".join(SIZES))
    for line in lines:
        check(line)
        if (line["mode"], line["buffers"], line["ranks"]) != (mode, buffers, 2):
            sys.exit(f"asked for {mode} {buffers}, got {line}")
    if missing := COLLECTIVES - {line["collective"] for line in lines}:
        sys.exit(f"no floor of {missing}")
    bytes_of_allreduce = [line["bytes"] for line in lines if line["collective"] == "allreduce"]
    if bytes_of_allreduce != [4, 60, 1024, 69644, 1048580, 5 << 20]:
        sys.exit(f"unexpected sizes {bytes_of_allreduce}")


check_rows()
check_floors("hot", "ordinary")
check_floors("fresh", "shared")
