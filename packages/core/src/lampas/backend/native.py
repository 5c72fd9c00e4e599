"""The native kernels for the CPU, where they were built: found by the name of an op.

``LAMPAS_KERNELS=off`` leaves every op to its reference; ``LAMPAS_REQUIRE_NATIVE=1``
makes a missing extension an error instead of a slower suite. ``LAMPAS_OPENMP=off``
keeps the kernels to threads of their own where another library has loaded OpenMP.
"""

from __future__ import annotations

import atexit
import importlib
import os
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

__all__ = ["Block", "bind", "extension", "left_alone", "why_absent"]

extension: Any = None
"""The module ``lampas._native``, or None."""

why_absent = ""
"""Why there is no extension, in a few words."""

if os.environ.get("LAMPAS_KERNELS") == "off":
    why_absent = "LAMPAS_KERNELS=off"
else:
    try:
        # By name: the extension lies beside the packages and depends on none of them.
        extension = importlib.import_module("lampas._native")
    except ImportError as error:
        if os.environ.get("LAMPAS_REQUIRE_NATIVE") == "1":
            raise
        why_absent = f"not built ({error})"


class _NoBlock:
    """Stands for the type of a result's memory where nothing makes one."""


Block: type = _NoBlock
"""The type of the base of a large native result: memory that is that array's own."""


def _prepare() -> None:
    global Block
    extension.set_bfloat16(np.dtype(ml_dtypes.bfloat16))
    wanted = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    cores = len(os.sched_getaffinity(0))
    extension.set_threads(
        int(wanted) if wanted.isdecimal() and wanted != "0" else cores
    )
    if os.environ.get("LAMPAS_OPENMP") == "off":
        extension.leave_openmp()
    atexit.register(extension.stop)
    Block = extension.Block


if extension is not None:
    _prepare()


def bind(name: str, reference: Callable[..., Any]) -> Callable[..., Any]:
    """The kernel of an op, which calls ``reference`` for what it declines.

    Without a kernel of that name, or without the extension: the reference itself.
    """
    return reference if extension is None else extension.bind(name, reference)


def left_alone(*args: Any, **kwargs: Any) -> bool:
    """False: the reference of a kernel that changes arrays in place, and returns True.

    ``if not step(...)`` says what to do where the kernel has left the work alone.
    """
    return False
