"""What the functions of linear algebra share: checks of matrices, steps of rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lampas.dtypes import HALVES
from lampas.engine.batching import aligned, all_batched, moved
from lampas.engine.infer import Spec
from lampas.engine.record import Record
from lampas.engine.tensor import Tensor
from lampas.engine.tracer import Tracer
from lampas.errors import DTypeError, LinAlgError, ShapeError

__all__ = [
    "adjoint",
    "batch_matrices",
    "batch_pairs",
    "batch_spec",
    "check_info",
    "leading",
    "need_floats",
    "need_matrices",
    "need_square",
    "on_diagonal",
    "real_dtype",
    "values_of",
    "zeros_if_none",
]


def need_floats(name: str, **tensors: Tensor) -> None:
    """Refuse tensors that are not float32, float64 or complex, or not all of one dtype.

    Raises:
        RuntimeError: such a tensor, by name.
    """
    first: Tensor | None = None
    for argument, x in tensors.items():
        dtype = x._data.dtype
        if dtype.kind not in "fc" or dtype in HALVES:
            raise DTypeError(
                f"{name}: {argument} must be float32, float64, complex64 or "
                f"complex128, got {x.dtype}"
            )
        if first is None:
            first = x
        elif first._data.dtype != dtype:
            raise DTypeError(
                f"{name}: all tensors must have one dtype, got {first.dtype} and "
                f"{x.dtype} for {argument}"
            )


def need_matrices(name: str, **tensors: Tensor) -> None:
    """Refuse what is no floating matrix or batch of matrices.

    Raises:
        RuntimeError: fewer than two dimensions, or another dtype.
    """
    for argument, x in tensors.items():
        if x._data.ndim < 2:
            raise ShapeError(
                f"{name}: {argument} must have at least two dimensions, got shape "
                f"{tuple(x.shape)}"
            )
    need_floats(name, **tensors)


def need_square(name: str, **tensors: Tensor) -> None:
    """Refuse what is no floating square matrix or batch of them.

    Raises:
        RuntimeError: another shape or dtype.
    """
    need_matrices(name, **tensors)
    for argument, x in tensors.items():
        rows, columns = x._data.shape[-2:]
        if rows != columns:
            raise ShapeError(
                f"{name}: {argument} must be batches of square matrices, got matrices "
                f"of {rows} by {columns}"
            )


def values_of(x: Tensor) -> Tensor:
    """The tensor with the values, of all examples where a transform has batches."""
    while isinstance(x, Tracer):
        x = x._value
    return x


def check_info(name: str, info: Tensor, reason: str) -> None:
    """Raise for the first matrix whose decomposition failed.

    Args:
        info: 0 where it succeeded, else the number that ``reason`` speaks of.
        reason: text with ``{}`` in the place of that number.

    Raises:
        RuntimeError: an entry of ``info`` is not 0.
    """
    info = values_of(info)
    array = info._data
    if not bool((array != 0).any()):
        return
    host = np.asarray(info.numpy(force=True)).reshape(-1)
    index = int(np.flatnonzero(host)[0])
    where = f"(batch element {index}): " if array.ndim else ""
    raise LinAlgError(f"{name}: {where}{reason.format(int(host[index]))}")


def real_dtype(dtype: Any) -> np.dtype:
    """The dtype of the absolute value of such elements."""
    return np.dtype(dtype.char.lower()) if dtype.kind == "c" else dtype


def batch_spec(spec: Spec, *sizes: Any) -> Spec:
    """The leading dimensions of matrices, with others behind them."""
    return Spec((*spec.shape[:-2], *sizes), spec.dtype)


# ---- batching rules


def batch_matrices(*records: Record) -> None:
    """Batch ops on matrices, all of whose operands have the same leading dimensions."""
    moved(*records, least=2)


def batch_pairs(*records: Record) -> None:
    """Batch ops on matrices whose leading dimensions broadcast."""
    for record in records:
        record.batch(_pair_rule(record))


def _pair_rule(record: Record) -> Callable[..., Any]:
    def rule(F: Any, size: int, batched: Any, /, *values: Any, **params: Any) -> Any:
        full = all_batched(F, size, batched, values)
        return record.call(*aligned(F, (True,) * len(full), full), **params)

    return rule


# ---- steps of gradient rules; F is the namespace of their records


def adjoint(F: Any, x: Any) -> Any:
    """The conjugate transpose."""
    return F.conj(F.matrix_transpose(x))


def leading(F: Any, x: Any, rows: int | None, columns: int | None) -> Any:
    """The first rows and columns; None takes all."""
    return F.slice(x, index=(..., slice(0, rows), slice(0, columns)))


def on_diagonal(F: Any, values: Any) -> Any:
    """Square matrices with these values on the diagonal."""
    shape = (*values.shape, values.shape[-1])
    first, second = len(shape) - 2, len(shape) - 1
    return F.diagonal_scatter_zeros(
        values, shape=shape, offset=0, dim1=first, dim2=second
    )


def zeros_if_none(F: Any, g: Any, like: Any) -> Any:
    """A cotangent; zeros where an output has none."""
    return F.zeros_like(like) if g is None else g
