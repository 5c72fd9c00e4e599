"""Give a worker one BLAS thread: parallel workers would fight over the cores."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np

__all__ = ["use_one_thread"]

_SETTERS = (
    "scipy_openblas_set_num_threads64_",
    "openblas_set_num_threads64_",
    "openblas_set_num_threads",
)


def use_one_thread() -> None:
    """Tell the OpenBLAS inside NumPy's wheel to use one thread; no other is known."""
    package = Path(np.__file__).parent
    folders = (package.with_name("numpy.libs"), package / ".dylibs")
    for path in (p for f in folders for p in f.glob("*openblas*")):
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        for name in _SETTERS:
            setter = getattr(library, name, None)
            if setter is not None:
                setter(ctypes.c_int(1))
                return
