"""Starts ranks: of a function, as forked processes, and gathers what they return; or of a program."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys
import tempfile
import textwrap
import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

TIMEOUT_S = 180


def _be(rank: int, size: int, backend: str, folder: str, body: Callable[..., Any], given: tuple, pipe: Any) -> None:
    torch.set_num_threads(1)
    try:
        dist.init_process_group(
            backend,
            init_method=f"file://{folder}/store",
            rank=rank,
            world_size=size,
            timeout=timedelta(seconds=60),
        )
        result = body(*given)
        dist.destroy_process_group()
        # By value: a pipe would hand over memory that goes with this process.
        pipe.send((True, pickle.dumps(result)))
    except BaseException:
        pipe.send((False, traceback.format_exc()))
    pipe.close()
    os._exit(0)


def run(body: Callable[..., Any], size: int, backend: str, *given: Any) -> list[Any]:
    """What `body(*given)` returns on each rank, within a process group. Raises where one fails."""
    fork = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder:
        ends, processes = [], []
        for rank in range(size):
            here, there = fork.Pipe(duplex=False)
            process = fork.Process(target=_be, args=(rank, size, backend, folder, body, given, there))
            process.start()
            there.close()
            ends.append(here)
            processes.append(process)
        results, problems = [], []
        for rank, end in enumerate(ends):
            try:
                good, result = end.recv() if end.poll(TIMEOUT_S) else (False, "no answer in time")
                result = pickle.loads(result) if good else result
            except EOFError:
                good, result = False, "ended without an answer"
            results.append(result)
            if not good:
                problems.append(f"rank {rank}: {result}")
        for process in processes:
            process.join(5)
            if process.is_alive():
                process.kill()
        if problems:
            raise RuntimeError(f"{backend}, {size} ranks:\n" + "\n".join(problems))
    return results


def run_program(
    program: str, ranks: int = 2, options: tuple[str, ...] = (), arguments: tuple[str, ...] = (), **environment: str
) -> tuple[int, str]:
    """Under torchrun, which gets the options: its exit status, and what it and the program print."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "program.py").write_text(textwrap.dedent(program))
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(ranks)]
        meeting = ["--master-port", "0", "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]
        done = subprocess.run(
            [*torchrun, *meeting, *options, "program.py", *arguments],
            cwd=folder,
            env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
        )
    return done.returncode, done.stdout
