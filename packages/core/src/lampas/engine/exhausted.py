"""What to say when memory does not suffice: who asked, and who holds what there is."""

from __future__ import annotations

import gc
import math
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from lampas.backend.device import backend_of
from lampas.backend.memory import free_memory
from lampas.dtypes import from_numpy_dtype
from lampas.engine.tape import Node
from lampas.engine.tensor import Tensor
from lampas.errors import OutOfMemoryError

__all__ = ["out_of_memory"]

_LISTED = 5
_PACKAGE = str(Path(__file__).resolve().parent.parent)


class _Held(NamedTuple):
    """A piece of memory: the array that owns it, one that shows it, and who has that.

    The holder is a tensor, or a node that keeps the array for its gradient.
    """

    owner: Any
    array: Any
    holder: Any


def _arrays(values: Any) -> Iterator[Any]:
    for value in values or ():
        if isinstance(value, tuple):
            yield from _arrays(value)
        elif hasattr(value, "nbytes") and hasattr(value, "base"):
            yield value


def _held(kind: type, values: str, objects: list[Any]) -> Iterator[_Held]:
    for x in objects:
        # Not isinstance: objects that stand for others would be asked and woken.
        if not issubclass(type(x), kind):
            continue
        value = getattr(x, values, None)
        for array in _arrays(value if kind is Node else (value,)):
            owner = array
            while hasattr(getattr(owner, "base", None), "nbytes"):
                owner = owner.base
            yield _Held(owner, array, x)


def _largest() -> list[_Held]:
    """The largest pieces of memory that tensors hold, or nodes that outlive them.

    Nobody keeps a list of them, which would cost each call something: the garbage
    collector knows all. A piece is told once, as its tensor's if there is one.
    """
    found: dict[int, _Held] = {}
    objects = gc.get_objects()
    for kind, values in ((Tensor, "_data"), (Node, "saved")):
        for held in _held(kind, values, objects):
            found.setdefault(id(held.owner), held)
    return sorted(found.values(), key=lambda held: -held.owner.nbytes)[:_LISTED]


def _made_at(held: _Held) -> str:
    """The line of the program that made it, where somebody noted that.

    ``tracemalloc`` knows it when it traces enough frames, and the watched nodes of
    anomaly detection do.
    """
    frames = tracemalloc.get_object_traceback(held.owner) or ()
    lines = [(f.filename, f.lineno) for f in frames]
    lines = [line for line in lines if not line[0].startswith(_PACKAGE)][-1:]
    if not lines:
        holder = held.holder
        node = holder._node if issubclass(type(holder), Tensor) else holder
        lines = [line[:2] for line in (getattr(node, "line", None) or ())[:1]]
    return "".join(f", made at {file}:{number}" for file, number in lines)


def _line(held: _Held) -> str:
    array, holder = held.array, held.holder
    kept = "" if issubclass(type(holder), Tensor) else f", kept for {holder.name()}"
    return (
        f"  {tuple(array.shape)} {from_numpy_dtype(array.dtype)} on "
        f"{backend_of(array)}: {held.owner.nbytes:,} bytes{kept}{_made_at(held)}"
    )


def _asked(error: BaseException) -> str:
    """What was asked for, as far as NumPy or CuPy tells."""
    shape, dtype = getattr(error, "shape", None), getattr(error, "dtype", None)
    if shape is None or dtype is None:
        return str(error) or "more memory was asked for than there is"
    size = math.prod(shape) * dtype.itemsize
    return f"{size:,} bytes were asked for, shape {tuple(shape)} of {dtype}"


def _report(error: BaseException) -> list[str]:
    device = "cuda" if type(error).__module__.startswith("cupy") else "cpu"
    lines = []
    if free := free_memory(device):
        lines.append(f"free: {'; '.join(free)}")
    if largest := _largest():
        lines += ["largest live tensors:", *map(_line, largest)]
    return lines


def out_of_memory(name: str, error: BaseException) -> OutOfMemoryError:
    """The error for one that NumPy or CuPy raised for want of memory.

    What the frames that it left had begun is let go of: it is not needed any more, and
    the report needs some memory itself.

    Args:
        name: of the op or function that asked.
        error: what was raised; its text tells what was asked for. One that was
            explained already is returned as it is.
    """
    if isinstance(error, OutOfMemoryError):
        return error
    error.__traceback__ = None
    try:
        lines = [f"{name}: {_asked(error)}", *_report(error)]
    except MemoryError:
        lines = [f"{name}: there is not even memory to tell who holds it"]
    lines.append(
        "Let go of what is not needed (del), compute under no_grad, or take a "
        "smaller batch."
    )
    return OutOfMemoryError("\n".join(lines))
