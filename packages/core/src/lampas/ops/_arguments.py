"""Checks and normal forms of arguments that many ops share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from lampas.engine.modes import mode
from lampas.engine.tensor import Tensor
from lampas.engine.tracer import check_randomness
from lampas.errors import ArgumentTypeError, DeviceError, DimensionError, DTypeError
from lampas.random import Generator, default_generator

__all__ = [
    "dims_of",
    "normalize_dim",
    "numpy_names",
    "require_one",
    "require_ordered",
    "require_same_device",
    "require_tensors",
    "sizes_of",
    "source_of",
    "spelled_as_ours",
]


def normalize_dim(dim: Any, ndim: int) -> int:
    """Return ``dim`` counted from the front.

    A 0-d tensor takes dim 0 and -1, as in PyTorch.

    Raises:
        IndexError: ``dim`` is outside ``[-ndim, ndim - 1]``.
    """
    if not isinstance(dim, int):
        if not hasattr(dim, "__index__"):
            raise ArgumentTypeError(f"dim must be an int, got {type(dim).__name__}")
        dim = dim.__index__()
    size = max(ndim, 1)
    if not -size <= dim < size:
        raise DimensionError(
            f"dimension out of range: dim must be in [{-size}, {size - 1}], got {dim}"
        )
    return dim % size


def dims_of(dim: Any, ndim: int) -> tuple[int, ...]:
    """Dimensions as a sorted tuple; None and ``()`` mean all of them.

    Raises:
        IndexError: one is out of range.
        RuntimeError: one is named twice.
    """
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        return tuple(range(ndim))
    dims = dim if isinstance(dim, (tuple, list)) else (dim,)
    normal = [normalize_dim(d, ndim) for d in dims]
    if len(set(normal)) != len(normal):
        raise DimensionRepeated(f"dim {dim} names one dimension twice")
    return tuple(sorted(normal)) if ndim else ()


class DimensionRepeated(DimensionError, RuntimeError):
    """One dimension is named twice in an argument."""


def sizes_of(sizes: Sequence[Any], named: Any = None) -> tuple[int, ...]:
    """Sizes given one by one, as one sequence or by keyword, as a tuple of ints."""
    if named is not None:
        if sizes:
            raise ArgumentTypeError(f"sizes are given twice: {sizes} and {named}")
        sizes = named if isinstance(named, (tuple, list)) else (named,)
    elif len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = sizes[0]
    for size in sizes:
        if size.__class__ is not int:
            break
    else:
        return tuple(sizes)
    for size in sizes:
        if isinstance(size, (float, str)) or (
            isinstance(size, Tensor) and size.dtype.category != 1
        ):
            raise ArgumentTypeError(f"sizes must be integers, got {size!r}")
    return tuple(int(s) for s in sizes)


def source_of(generator: Generator | None) -> Generator:
    """Where to draw random numbers from; function transforms may object.

    Raises:
        TypeError: ``generator`` is no Generator.
    """
    if mode.levels:
        check_randomness()
    if generator is None:
        return default_generator
    if not isinstance(generator, Generator):
        raise ArgumentTypeError(
            f"generator must be a lampas.Generator, got {type(generator).__name__}"
        )
    return generator


F = TypeVar("F", bound=Callable[..., Any])


def numpy_names(function: F) -> F:
    """Let a function of ``dim`` be called with NumPy's ``axis`` and ``keepdims``.

    PyTorch takes both spellings, and ``np.sum(tensor)`` calls the method with
    ``axis=None, out=None``.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            spelled_as_ours(kwargs)
            if kwargs.get("out", call) is None:
                del kwargs["out"]
        return function(*args, **kwargs)

    call.ours = function  # type: ignore[attr-defined]
    return cast("F", call)


def spelled_as_ours(keywords: dict[str, Any]) -> None:
    """Give NumPy's keywords ``axis`` and ``keepdims`` PyTorch's names."""
    for theirs, ours in (("axis", "dim"), ("keepdims", "keepdim")):
        if theirs in keywords and ours not in keywords:
            keywords[ours] = keywords.pop(theirs)


def require_tensors(name: str, **arguments: Any) -> None:
    """Refuse Python numbers where PyTorch takes tensors only.

    Raises:
        TypeError: an argument is a number.
    """
    for argument, value in arguments.items():
        if isinstance(value, (bool, int, float, complex)):
            raise ArgumentTypeError(
                f"{name}: {argument} must be a Tensor, got {type(value).__name__}"
            )


def require_same_device(name: str, **arguments: Tensor) -> None:
    """Refuse tensors on several devices, for ops that take some as parameters.

    Raises:
        RuntimeError: they are not all on one device; the text names each.
    """
    first, *others = arguments.values()
    device = first.device
    for t in others:
        if t.device != device:
            break
    else:
        return
    shown = ", ".join(f"{k} on {t.device}" for k, t in arguments.items())
    raise DeviceError(
        f"{name}: expected all tensors to be on the same device, got {shown}; "
        "move them with .to(device)"
    )


def require_ordered(name: str, *operands: Any) -> None:
    """Refuse complex numbers where order matters.

    Raises:
        RuntimeError: an operand is complex.
    """
    for x in operands:
        if isinstance(x, complex) or (isinstance(x, Tensor) and x.is_complex()):
            raise DTypeError(f"{name}: complex numbers have no order")


def require_one(name: str, input: Any, other: Any) -> None:
    """Refuse two Python numbers: one operand must be a tensor.

    Raises:
        TypeError: both are numbers.
    """
    if not isinstance(other, Tensor):
        require_tensors(name, input=input)
