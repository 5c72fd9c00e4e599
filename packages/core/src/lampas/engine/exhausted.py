"""What to say when memory does not suffice: who asked, and who holds what there is."""

from __future__ import annotations

import gc
from typing import Any

from lampas.engine.tensor import Tensor
from lampas.errors import OutOfMemoryError

__all__ = ["out_of_memory"]

_LISTED = 5


def _owner(array: Any) -> Any:
    """The array whose memory this one shows."""
    while hasattr(array.base, "nbytes"):
        array = array.base
    return array


def _largest() -> list[Tensor]:
    """The largest live tensors, one for each piece of memory.

    Nobody keeps a list of tensors, which would cost each call something: the garbage
    collector knows all of them.
    """
    found: dict[int, Tensor] = {}
    for x in gc.get_objects():
        if type(x) is Tensor and hasattr(getattr(x, "_data", None), "nbytes"):
            found.setdefault(id(_owner(x._data)), x)
    return sorted(found.values(), key=lambda x: -_owner(x._data).nbytes)[:_LISTED]


def _line(x: Tensor) -> str:
    size = _owner(x._data).nbytes
    return f"  {tuple(x.shape)} {x.dtype} on {x.device}: {size:,} bytes"


def out_of_memory(name: str, error: BaseException) -> OutOfMemoryError:
    """The error for one that NumPy or CuPy raised for want of memory.

    Args:
        name: of the op or function that asked.
        error: what was raised; its text tells what was asked for.
    """
    lines = [f"{name}: {str(error) or 'memory does not suffice'}"]
    if largest := _largest():
        lines += ["largest live tensors:", *map(_line, largest)]
    lines.append(
        "Let go of what is not needed (del), compute under no_grad, or take a "
        "smaller batch."
    )
    return OutOfMemoryError("\n".join(lines))
