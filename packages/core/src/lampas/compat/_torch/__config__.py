"""``torch.__config__``: what lampas computes with."""

from __future__ import annotations

import os
import platform

import numpy as np

from lampas._threads import get_num_threads
from lampas._version import __version__

__all__ = ["parallel_info", "show"]


def show() -> str:
    """Versions of lampas, NumPy and Python, and the library of matrix products."""
    blas = np.show_config("dicts")["Build Dependencies"]["blas"]
    return (
        "lampas, in place of PyTorch, built with:\n"
        f"  - lampas {__version__}\n"
        f"  - NumPy {np.__version__}, BLAS {blas.get('name')} {blas.get('version')}\n"
        f"  - Python {platform.python_version()} on {platform.machine()}\n"
    )


def parallel_info() -> str:
    """How many threads compute."""
    setting = os.environ.get("OMP_NUM_THREADS", "[not set]")
    return (
        f"lampas threads:\n\tget_num_threads() : {get_num_threads()}\n"
        f"\thardware : {os.cpu_count()}\n"
        f"Environment variables:\n\tOMP_NUM_THREADS : {setting}\n"
    )
