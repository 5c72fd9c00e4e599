"""Covariance and correlation of variables from observations."""

from __future__ import annotations

from lampas.engine.tensor import Tensor, method
from lampas.errors import DTypeError, ShapeError
from lampas.ops.matmul import mm

__all__ = ["corrcoef", "cov"]


def _check_weights(name: str, weights: Tensor, kinds: str, count: int) -> Tensor:
    if weights._data.ndim > 1:
        raise ShapeError(
            f"cov: {name} must be a vector, got shape {tuple(weights.shape)}"
        )
    if weights._data.dtype.kind not in kinds:
        wanted = "integers" if kinds == "iu" else "floating"
        raise DTypeError(f"cov: {name} must be {wanted}, got {weights.dtype}")
    if weights._data.size != count:
        raise ShapeError(
            f"cov: {name} must have one entry for each of {count} observations, got "
            f"{weights._data.size}"
        )
    if count and bool((weights < 0).any()):
        raise ShapeError(f"cov: {name} must not be negative")
    return weights


@method()
def cov(
    input: Tensor,
    *,
    correction: int = 1,
    fweights: Tensor | None = None,
    aweights: Tensor | None = None,
) -> Tensor:
    """The covariance matrix of variables: ``c[i, j] = mean((x_i - m_i)(x_j - m_j)*)``.

    Args:
        input: (variables, observations), or one variable's observations.
        correction: what is subtracted from the number of observations before the
            division; 1 makes the estimate unbiased.
        fweights: how often each observation counts, integers.
        aweights: how much each observation weighs, floating.

    Returns:
        (variables, variables); 0-d for one variable.

    Raises:
        RuntimeError: more than two dimensions, a bool input, or weights that are
            negative or do not fit.

    >>> lampas.cov(lampas.tensor([[0.0, 2.0], [2.0, 0.0]]))
    tensor([[ 2., -2.],
            [-2.,  2.]])
    """
    if input._data.ndim > 2:
        raise ShapeError(
            f"cov: input must have at most 2 dimensions, got {tuple(input.shape)}"
        )
    if input._data.dtype.kind == "b":
        raise DTypeError("cov is not implemented for bool tensors")
    x = input if input._data.ndim == 2 else input.reshape(1, -1)
    count = x._data.shape[1]
    weights = None
    if fweights is not None:
        weights = _check_weights("fweights", fweights, "iu", count)
    if aweights is not None:
        aweights = _check_weights("aweights", aweights, "fV", count)
        weights = aweights if weights is None else weights * aweights
    total: Tensor | int = count if weights is None else weights.sum()
    mean = (x if weights is None else x * weights).sum(1, keepdim=True) / total
    norm = total - correction
    if weights is not None and aweights is not None and correction != 0:
        norm = total - correction * (weights * aweights).sum() / total
    x = x - mean
    product = mm(x if weights is None else x * weights, x.t().conj())
    if isinstance(norm, Tensor):
        return (product / norm.clamp(min=0)).squeeze()
    return (product / max(norm, 0)).squeeze()


@method()
def corrcoef(input: Tensor) -> Tensor:
    """The matrix of Pearson's correlation: covariances over standard deviations.

    Args:
        input: (variables, observations), or one variable's observations.

    Returns:
        (variables, variables) with values in [-1, 1]; 0-d for one variable.

    Raises:
        RuntimeError: more than two dimensions.

    >>> lampas.corrcoef(lampas.tensor([[0.0, 2.0], [2.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    if input._data.ndim > 2:
        raise ShapeError(
            f"corrcoef: input must have at most 2 dimensions, got {tuple(input.shape)}"
        )
    c = cov(input)
    if c._data.ndim == 0:
        return c / c
    spread = c.diagonal().real if c.is_complex() else c.diagonal()
    deviation = spread.sqrt()
    c = c / deviation.unsqueeze(1) / deviation
    return c if c.is_complex() else c.clamp(-1, 1)
