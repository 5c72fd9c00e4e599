"""How many threads compute: the kernels' pool and NumPy's BLAS library are told so.

Everything else in NumPy runs in the thread that calls it.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from lampas._warn import warn_once
from lampas.backend import native
from lampas.errors import DTypeError

__all__ = [
    "blas_threads",
    "get_num_interop_threads",
    "get_num_threads",
    "set_num_interop_threads",
    "set_num_threads",
    "set_threads",
]

# Setter and getter by library; the wheel of NumPy renames OpenBLAS' own.
_SPELLINGS = [(prefix, suffix) for prefix in ("scipy_", "") for suffix in ("64_", "")]
_NAMES = [
    (f"{a}openblas_set_num_threads{z}", f"{a}openblas_get_num_threads{z}")
    for a, z in _SPELLINGS
]
_NAMES += [
    ("MKL_Set_Num_Threads", "MKL_Get_Max_Threads"),
    ("bli_thread_set_num_threads", "bli_thread_get_num_threads"),
]
# More are of no use, and each costs memory.
MOST_THREADS = 1024
_LIBRARIES = ("openblas", "mkl_rt", "blis")


def _loaded() -> Iterator[str]:
    """Libraries that Linux has mapped into this process."""
    if sys.platform == "linux":
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                yield line[line.find("/") :].strip() if "/" in line else ""


def _bundled() -> Iterator[str]:
    """Libraries that lie beside NumPy, as its wheels have them."""
    package = Path(np.__file__).parent
    for folder in (package.with_name("numpy.libs"), package / ".dylibs"):
        yield from (str(path) for path in sorted(folder.glob("*")))


@cache
def _controls() -> tuple[Callable[[Any], Any], Callable[[], int]] | None:
    """The functions of NumPy's BLAS that set and get its number of threads."""
    paths = dict.fromkeys([*_bundled(), *_loaded()])
    for path in paths:
        if not any(name in os.path.basename(path) for name in _LIBRARIES):
            continue
        try:
            library = ctypes.CDLL(path)
        except OSError:
            continue
        for setter, getter in _NAMES:
            if hasattr(library, setter) and hasattr(library, getter):
                return getattr(library, setter), getattr(library, getter)
    return None


def blas_threads() -> int | None:
    """The number of threads of NumPy's BLAS; None where it is not one that is known."""
    controls = _controls()
    return None if controls is None else int(controls[1]())


def set_threads(number: int) -> bool:
    """Tell the kernels' pool and NumPy's BLAS; False where BLAS can't be told."""
    if native.extension is not None:
        native.extension.set_threads(min(number, MOST_THREADS))
    controls = _controls()
    if controls is None:
        return False
    controls[0](ctypes.c_int(number))
    return True


def _positive(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise DTypeError(f"{name} must be an int, got {type(value).__name__}")
    if value < 1:
        raise DTypeError(f"{name} must be positive, got {value}")
    return value


def get_num_threads() -> int:
    """How many threads the kernels use; without kernels, NumPy's BLAS library.

    Where neither can be asked, the number of cores that the process may use.

    >>> import lampas
    >>> lampas.get_num_threads() >= 1
    True
    """
    if native.extension is not None:
        return int(native.extension.threads())
    number = blas_threads()
    if number is not None:
        return number
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def set_num_threads(int: int) -> None:
    """Set how many threads compute one operation, in this process.

    It tells the kernels' pool and the BLAS library that NumPy uses (OpenBLAS, MKL,
    BLIS); a warning says so, once, where none of these is found. What neither serves
    runs in the thread that calls it.

    Args:
        int: the number of threads; a library may have a limit of its own.

    Raises:
        RuntimeError: it is no positive integer.

    >>> import lampas
    >>> lampas.set_num_threads(1)
    >>> lampas.get_num_threads()
    1
    """
    number = _positive("int", int)
    if not set_threads(number):
        warn_once(
            "set_num_threads has no effect: NumPy's BLAS is neither OpenBLAS, MKL nor "
            "BLIS; set its environment variable before Python starts",
            stacklevel=2,
        )


def get_num_interop_threads() -> int:
    """How many ops run side by side: one, lampas runs them in order.

    >>> import lampas
    >>> lampas.get_num_interop_threads()
    1
    """
    return 1


def set_num_interop_threads(int: int) -> None:
    """Accepted and checked as PyTorch does; lampas runs one op after the other.

    Raises:
        RuntimeError: it is no positive integer.

    >>> import lampas
    >>> lampas.set_num_interop_threads(2)
    """
    _positive("int", int)
