"""Normalisation by statistics that are given, as batch norm does outside of training.

``y = (x - mean) / sqrt(var + eps) * weight + bias``, channel by channel, in one pass.
"""

from __future__ import annotations

from typing import Any

from lampas.engine.infer import like_input
from lampas.engine.record import op

__all__ = ["standardize_by"]

_given = op(
    "standardize_given",
    saves="x?123 mean var weight",
    fresh=True,
    infer=like_input,
)
_given_backward = op(
    "standardize_given_backward",
    outputs=3,
    saves="g x mean var weight",
    infer=lambda specs, **_: (specs[1], specs[4], specs[4]),
)
"""The gradients of x, weight and bias in one pass over the cotangent and x."""


def _across(x: Any) -> tuple[int, ...]:
    """The shape of one number for each channel that broadcasts against x."""
    return (1, x.shape[1], *(1,) * (x.ndim - 2))


def _dims(x: Any) -> tuple[int, ...]:
    """All dimensions of x but that of channels."""
    return (0, *range(2, x.ndim))


@_given.forward
def standardize_given_forward(
    xp: Any, x: Any, mean: Any, var: Any, weight: Any, bias: Any, *, eps: float
) -> Any:
    factor = weight / xp.sqrt(var + eps)
    y = x * factor.reshape(_across(x))
    y += (bias - mean * factor).reshape(_across(x))
    return y


@_given.vjp
def standardize_given_vjp(
    F: Any, g: Any, x: Any, mean: Any, var: Any, weight: Any, *, need: Any, eps: float
) -> Any:
    root = F.rsqrt(var + eps)
    if need[1] or need[2] or need[3]:
        dx, dweight, dbias = F.standardize_given_backward(
            g, x, mean, var, weight, eps=eps
        )
        dmean = F.neg(dbias * weight * root)
        dvar = dweight * weight * root * root * -0.5
        return dx, dmean, dvar, dweight, dbias
    dx = g * F.reshape(weight * root, shape=_across(g)) if need[0] else None
    dbias = F.sum(g, dim=_dims(g), keepdim=False) if need[4] else None
    return dx, None, None, None, dbias


@_given.batch
def standardize_given_batch(
    F: Any,
    size: int,
    batched: Any,
    x: Any,
    mean: Any,
    var: Any,
    weight: Any,
    bias: Any,
    *,
    eps: float,
) -> Any:
    if not any(batched[1:]):
        rows = F.reshape(x, shape=(size * x.shape[1], *x.shape[2:]))
        y = F.standardize_given(rows, mean, var, weight, bias, eps=eps)
        return F.reshape(y, shape=x.shape)
    example = x.shape[1:] if batched[0] else x.shape
    across = (1, example[1], *(1,) * (len(example) - 2))
    mean, var, weight, bias = (
        F.reshape(v, shape=(size, *across) if known else across)
        for v, known in zip((mean, var, weight, bias), batched[1:], strict=True)
    )
    return (x - mean) * (weight * F.rsqrt(var + eps)) + bias


@_given_backward.forward
def standardize_given_backward_forward(
    xp: Any, g: Any, x: Any, mean: Any, var: Any, weight: Any, *, eps: float
) -> Any:
    root = 1 / xp.sqrt(var + eps)
    products = x - mean.reshape(_across(x))
    products *= g
    dweight = xp.sum(products, axis=_dims(x)) * root
    dx = xp.multiply(g, (weight * root).reshape(_across(x)), out=products)
    return dx, dweight, xp.sum(g, axis=_dims(x))


@_given_backward.vjp
def standardize_given_backward_vjp(
    F: Any,
    h: Any,
    g: Any,
    x: Any,
    mean: Any,
    var: Any,
    weight: Any,
    *,
    need: Any,
    eps: float,
) -> Any:
    hx, hweight, hbias = h
    across, dims = _across(x), _dims(x)
    root = F.rsqrt(var + eps)
    dg = dx = dmean = dvar = dweight = None
    if hx is not None:
        dg = hx * F.reshape(weight * root, shape=across)
        dweight = F.sum(hx * g, dim=dims, keepdim=False) * root
        dvar = dweight * weight
    if hweight is not None:
        factor = F.reshape(hweight * root, shape=across)
        along = factor * (x - F.reshape(mean, shape=across))
        dg = along if dg is None else dg + along
        dx = factor * g
        dmean = F.neg(F.sum(dx, dim=dims, keepdim=False))
        inner = F.sum(along * g, dim=dims, keepdim=False)
        dvar = inner if dvar is None else dvar + inner
    if hbias is not None:
        even = F.expand(F.reshape(hbias, shape=across), shape=x.shape)
        dg = even if dg is None else dg + even
    if dvar is not None:
        dvar = dvar * root * root * -0.5
    return dg, dx, dmean, dvar, dweight


def standardize_by(
    x: Any, mean: Any, var: Any, weight: Any, bias: Any, eps: float
) -> Any:
    """``(x - mean) / sqrt(var + eps) * weight + bias``.

    Args:
        x: (N, C, ...).
        mean, var, weight, bias: (C,).
        eps: added to the variance.
    """
    return _given.call(x, mean, var, weight, bias, eps=eps)
