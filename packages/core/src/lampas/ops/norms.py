"""Vector norms: the size of a tensor's elements taken together."""

from __future__ import annotations

import math
from typing import Any

from lampas.dtypes import DType, as_dtype, promote_types
from lampas.engine.autocast import computes_in
from lampas.engine.infer import Spec, reduced
from lampas.engine.record import REDUCTION, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import ArgumentError, DTypeError, ShapeError
from lampas.ops import _late
from lampas.ops._arguments import dims_of
from lampas.ops.convert import cast

__all__ = ["dist", "norm"]


def _real_spec(specs: Any, *, ord: float, dim: Any, keepdim: bool) -> Spec:
    shape, dtype = reduced(specs, dim=dim, keepdim=keepdim)
    return Spec(shape, dtype.type(0).real.dtype if dtype.kind == "c" else dtype)


_vector_norm = op(
    "vector_norm", kind=REDUCTION, saves="x y", infer=_real_spec, autocast="float:cuda"
)


@_vector_norm.forward
def vector_norm_forward(xp: Any, x: Any, *, ord: float, dim: Any, keepdim: bool) -> Any:
    size = xp.absolute(x)
    if math.isinf(ord):
        pick = xp.max if ord > 0 else xp.min
        if ord > 0 and size.size == 0:
            return size.sum(axis=dim, keepdims=keepdim)
        return pick(size, axis=dim, keepdims=keepdim)
    if ord == 0:
        return (size != 0).sum(axis=dim, keepdims=keepdim, dtype=size.dtype)
    if ord == 1:
        return size.sum(axis=dim, keepdims=keepdim)
    if ord == 2:
        return xp.sqrt((size * size).sum(axis=dim, keepdims=keepdim))
    return xp.power(xp.power(size, ord).sum(axis=dim, keepdims=keepdim), 1 / ord)


@_vector_norm.vjp
def vector_norm_vjp(
    F: Any, g: Any, x: Any, y: Any, *, need: Any, ord: float, dim: Any, keepdim: bool
) -> Any:
    # Where the norm is 0 the gradient is taken as 0.
    kept = tuple(1 if i in dim else s for i, s in enumerate(x.shape))
    g, y = F.reshape(g, shape=kept), F.reshape(y, shape=kept)
    if ord == 0:
        return (F.zeros_like(x),)
    if ord == 1:
        return (g * F.sgn(x),)
    if ord == 2:
        return (x * F.masked(g / y, y != 0),)
    if math.isinf(ord):
        top = F.logical_or(F.abs(x) == y, F.logical_and(F.isnan(x), F.isnan(y)))
        count = F.sum(F.cast(top, dtype=g.dtype), dim=dim, keepdim=True)
        return (F.masked(F.sgn(x) * (g / count), top),)
    slope = F.masked(F.pow_number(F.abs(x), exponent=ord - 1), x != 0)
    scale = F.masked(g / F.pow_number(y, exponent=ord - 1), y != 0)
    return (F.sgn(x) * slope * scale,)


def as_floats(name: str, input: Tensor, dtype: DType | None) -> Tensor:
    """``input`` in a dtype that a norm may ask for, by default its own.

    Raises:
        RuntimeError: neither is floating or complex, one is complex and the other not,
            or ``dtype`` is narrower.
    """
    wanted = input.dtype if dtype is None else as_dtype(dtype)
    if wanted.category < 2 or input.dtype.category < 2:
        raise DTypeError(
            f"{name}: input must be floating or complex, got {input.dtype}"
        )
    if promote_types(input.dtype, wanted) != wanted:
        raise DTypeError(f"{name}: dtype {wanted} is narrower than {input.dtype}")
    if wanted.is_complex != input.dtype.is_complex:
        raise DTypeError(
            f"{name}: dtype must be complex exactly if the input is, got {wanted} for "
            f"{input.dtype}"
        )
    return cast(input, wanted)


def vector_norm(
    input: Tensor,
    ord: float = 2,
    dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
) -> Tensor:
    """The norm of elements as one vector: ``(sum_i |x[i]| ** ord) ** (1 / ord)``.

    Args:
        input: any shape, floating or complex.
        ord: the order; ``inf`` and ``-inf`` take the largest and smallest size, 0
            counts nonzero elements.
        dim: the dimensions to reduce; all of them by default.
        keepdim: keep reduced dimensions with size 1.
        dtype: cast the input to this first.

    Raises:
        RuntimeError: the input is integer, or has no elements and ``ord`` no value
            for that.

    >>> lampas.linalg.vector_norm(lampas.tensor([3.0, -4.0]))
    tensor(5.)
    """
    if not isinstance(ord, (int, float)):
        raise ShapeError(f"vector_norm: ord must be a number, got {ord!r}")
    input = as_floats("vector_norm", input, dtype)
    dims = dims_of(dim, input._data.ndim)
    empty = any(input._data.shape[d] == 0 for d in dims)
    if empty and (ord < 0 or (math.isinf(ord) and input._data.size == 0)):
        raise ShapeError(
            f"norm: order {ord} of no elements is not defined (input has shape "
            f"{tuple(input.shape)})"
        )
    return _vector_norm.call(input, ord=ord, dim=dims, keepdim=keepdim)


@method()
def norm(
    input: Tensor,
    p: float | str | None = "fro",
    dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
) -> Tensor:
    """The norm of elements as one vector; see also :func:`lampas.linalg.norm`.

    Args:
        input: any shape, floating or complex.
        p: the order; ``"fro"`` is 2, and ``"nuc"`` adds the singular values of the
            matrices in two dimensions.
        dim: the dimensions to reduce; all of them by default.
        keepdim: keep reduced dimensions with size 1.
        dtype: cast the input to this first.

    Raises:
        RuntimeError: the input is integer.
        ValueError: ``p`` is an unknown name.

    >>> lampas.norm(lampas.tensor([3.0, -4.0]))
    tensor(5.)
    """
    if p == "nuc":
        plane = tuple(range(input._data.ndim)) if dim is None else dim
        return _late.load("matrix_norm").matrix_norm(
            input, "nuc", plane, keepdim, dtype=dtype
        )
    if isinstance(p, str) and p != "fro":
        raise ArgumentError(f"norm: p must be a number, 'fro' or 'nuc', got {p!r}")
    order = 2 if p is None or p == "fro" else p
    return vector_norm(input, order, dim, keepdim, dtype=dtype)


@method()
@computes_in("float:cuda")
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The norm of order ``p`` of ``input - other``.

    Args:
        input, other: tensors that broadcast against each other.
        p: the order.

    >>> lampas.dist(lampas.tensor([3.0, 0.0]), lampas.tensor([0.0, 4.0]))
    tensor(5.)
    """
    return vector_norm(input - other, p)
