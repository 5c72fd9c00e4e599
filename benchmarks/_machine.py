"""What the figures of a benchmark belong to: machine, versions, commit.

Nothing here names a host, a user or a path.
"""

from __future__ import annotations

import importlib.metadata
import itertools
import os
import platform
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import lampas
from lampas import kernels


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    named = [line.split(":", 1)[1].strip() for line in lines if "model name" in line]
    return named[0] if named else platform.machine()


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *arguments],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )


def _commit() -> str:
    """The commit; figures and pages may have changed since, but no package."""
    changed = _git("diff", "--quiet", "HEAD", "--", "packages").returncode
    name = _git("rev-parse", "--short", "HEAD").stdout.strip()
    return f"{name}{'-dirty' * bool(changed)}" if name else "unknown"


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def copier(count: int) -> Callable[[], None]:
    """Copies so many floats by all threads, each time to the same place."""
    source, target = (np.ones(count, np.float32) for _ in range(2))
    edges = np.linspace(0, count, lampas.get_num_threads() + 1).astype(int)
    parts = [(target[a:b], source[a:b]) for a, b in itertools.pairwise(edges)]

    def copy() -> None:
        workers = [threading.Thread(target=np.copyto, args=part) for part in parts]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    return copy


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
