"""Slices scaled down to a largest norm."""

from __future__ import annotations

from lampas.dtypes import HALVES, float32
from lampas.engine.autocast import computes_in
from lampas.engine.tensor import Tensor, method
from lampas.errors import DTypeError, ShapeError
from lampas.ops._arguments import normalize_dim
from lampas.ops.choose import where
from lampas.ops.convert import cast
from lampas.ops.norms import vector_norm

__all__ = ["renorm"]


@method(inplace=True)
@computes_in("float:cuda")
def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """Scale slices down so that none has a norm above a limit.

    Args:
        input: at least 2-D, floating or complex.
        p: the order of the norm, positive.
        dim: each entry of this dimension is one slice.
        maxnorm: the limit; smaller slices stay as they are.

    Raises:
        RuntimeError: fewer than two dimensions, an integer input, ``p`` is not
            positive or ``maxnorm`` negative.
        IndexError: ``dim`` is out of range.

    >>> lampas.renorm(lampas.tensor([[3.0, 4.0], [0.3, 0.4]]), 2, 0, 1.0)
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])
    """
    ndim = input._data.ndim
    if isinstance(p, complex) or p <= 0:
        raise ShapeError(f"renorm: p must be a positive number, got {p}")
    if isinstance(maxnorm, complex) or maxnorm < 0:
        raise ShapeError(f"renorm: maxnorm must not be negative, got {maxnorm}")
    if ndim < 2:
        raise ShapeError(f"renorm: input must be at least 2-D, got {input.shape}")
    if input._data.dtype.kind in "biu":
        raise DTypeError(
            f"renorm: input must be floating or complex, got {input.dtype}"
        )
    dim = normalize_dim(dim, ndim)
    if input._data.dtype in HALVES:
        # Rounded once, not after each step.
        return cast(renorm(cast(input, float32), p, dim, maxnorm), input.dtype)
    others = tuple(d for d in range(ndim) if d != dim)
    norm = vector_norm(input, p, others, keepdim=True)
    return input * where(norm > maxnorm, maxnorm / (norm + 1e-7), 1.0)
