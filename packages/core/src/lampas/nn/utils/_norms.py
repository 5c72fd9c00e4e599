"""What weight norm and spectral norm compute with."""

from __future__ import annotations

from typing import Any

from lampas.engine.tensor import Tensor
from lampas.nn.functional import normalize
from lampas.ops.random import randn

__all__ = ["norm_except", "power_method", "start_vectors"]


def norm_except(weight: Tensor, dim: int | None) -> Tensor:
    """The norm over all dimensions but ``dim``; over all if it is None or -1."""
    if dim is None or dim == -1:
        return weight.norm()
    rest = tuple(i for i in range(weight.ndim) if i != dim % weight.ndim)
    return weight.norm(dim=rest, keepdim=True) if rest else weight.abs()


def start_vectors(matrix: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Random unit vectors, one of the rows' and one of the columns' number."""
    kind: dict[str, Any] = {"dtype": matrix.dtype, "device": matrix.device}
    u, v = (normalize(randn(n, **kind), dim=0, eps=eps) for n in matrix.shape)
    return u, v


def power_method(
    matrix: Tensor, u: Tensor, v: Tensor, steps: int, eps: float
) -> tuple[Tensor, Tensor]:
    """Vectors nearer to the first left and right singular vector."""
    for _ in range(steps):
        u = normalize(matrix @ v, dim=0, eps=eps)
        v = normalize(matrix.T @ u, dim=0, eps=eps)
    return u, v
