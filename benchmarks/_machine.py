"""What the figures of a benchmark belong to: machine, versions, commit.

Nothing here names a host, a user or a path.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

import lampas
from lampas import kernels

BANDWIDTH_FLOATS = 10**8


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    named = [line.split(":", 1)[1].strip() for line in lines if "model name" in line]
    return named[0] if named else platform.machine()


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude=*"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def copy_bandwidth(rounds: int = 5) -> float:
    """GB/s, read and written, of the quickest copy of 10^8 floats by all threads."""
    source = np.ones(BANDWIDTH_FLOATS, np.float32)
    target = np.ones(BANDWIDTH_FLOATS, np.float32)
    count = lampas.get_num_threads()
    edges = np.linspace(0, source.size, count + 1).astype(int)
    parts = [(target[a:b], source[a:b]) for a, b in zip(edges, edges[1:], strict=False)]
    best = float("inf")
    for _ in range(rounds):
        workers = [threading.Thread(target=np.copyto, args=part) for part in parts]
        began = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        best = min(best, time.perf_counter() - began)
    return 2 * source.nbytes / best / 1e9


def facts() -> dict[str, Any]:
    """What a reader must know of the machine and the programs that were timed."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory GiB": round(memory / 2**30),
        "instruction set": kernels.instruction_set(),
        "threads": lampas.get_num_threads(),
        "commit": _commit(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": _version("torch"),
    }
