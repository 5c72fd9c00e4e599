"""Bringing mean and mean square to 0 and 1: the record under all normalisation.

``standardize`` brings the mean and mean square over some dimensions to 0 and 1 and
applies an affine map. Its gradient is a record too, with its own gradient written out,
so derivatives of every order follow. Mean and scale travel between them as caches:
they are functions of ``x``, and the rules differentiate them as such.
"""

from __future__ import annotations

import math
from typing import Any

from lampas.engine.batching import moved, shifted
from lampas.engine.infer import Spec, like_input
from lampas.engine.record import op
from lampas.ops.reduce import sum_to_forward

__all__ = ["standardize"]


def _with_stats(specs: Any, *, dims: Any, **params: Any) -> Any:
    shape, dtype = specs[0]
    kept = tuple(1 if i in dims else s for i, s in enumerate(shape))
    return specs[0], Spec(kept, dtype), Spec(kept, dtype)


def _standardizer(name: str, saves: str) -> Any:
    return op(name, outputs=3, saves=saves, fresh=True, infer=_with_stats)


_plain = _standardizer("standardize", "x y1 y2")
_scaled = _standardizer("standardize_scaled", "x weight y1 y2 weight.shape")
_affine = _standardizer("standardize_affine", "x weight y1 y2 weight.shape bias.shape")
_backward = op(
    "standardize_backward", saves="g x mean scale", fresh=True, infer=like_input
)
_affine_backward = op(
    "standardize_affine_backward",
    outputs=3,
    saves="g x weight mean scale weight.shape",
    fresh=True,
    infer=lambda specs, **_: (specs[1], specs[2], specs[2]),
)
"""The gradients of x, weight and bias in one pass over the cotangent and x."""
_standard = op("standardized", saves="x mean scale", fresh=True, infer=like_input)
"""``(x - mean) * scale`` as a function of x alone; the other two are caches."""
_scale_of = op(
    "standard_scale",
    saves="x mean scale",
    fresh=True,
    infer=lambda specs, **_: specs[2],
)
"""The scale as a function of x; the other two are caches."""


@_plain.forward
def standardize_forward(
    xp: Any, x: Any, *, dims: Any, shape: Any, eps: float, center: bool
) -> Any:
    count = math.prod(x.shape[d] for d in dims)
    if center:
        mean = xp.sum(x, axis=dims, keepdims=True)
        mean /= count
        y = x - mean
        square = y * y
    else:
        mean, y, square = None, x, x * x
    scale = xp.sum(square, axis=dims, keepdims=True)
    scale /= count
    scale += eps
    xp.sqrt(scale, out=scale)
    xp.divide(1, scale, out=scale)
    mean = xp.zeros_like(scale) if mean is None else mean
    return xp.multiply(y, scale, out=square), mean, scale


@_scaled.forward
def standardize_scaled_forward(
    xp: Any, x: Any, weight: Any, *, dims: Any, shape: Any, eps: float, center: bool
) -> Any:
    y, mean, scale = standardize_forward(
        xp, x, dims=dims, shape=shape, eps=eps, center=center
    )
    y *= weight.reshape(shape)
    return y, mean, scale


@_affine.forward
def standardize_affine_forward(
    xp: Any,
    x: Any,
    weight: Any,
    bias: Any,
    *,
    dims: Any,
    shape: Any,
    eps: float,
    center: bool,
) -> Any:
    y, mean, scale = standardize_forward(
        xp, x, dims=dims, shape=shape, eps=eps, center=center
    )
    y *= weight.reshape(shape)
    y += bias.reshape(shape)
    return y, mean, scale


@_plain.vjp
def standardize_vjp(
    F: Any,
    g: Any,
    x: Any,
    mean: Any,
    scale: Any,
    *,
    need: Any,
    dims: Any,
    shape: Any,
    eps: float,
    center: bool,
) -> Any:
    dy, _, _ = g
    return (F.standardize_backward(dy, x, mean, scale, dims=dims, center=center),)


@_scaled.vjp
def standardize_scaled_vjp(
    F: Any,
    g: Any,
    x: Any,
    weight: Any,
    mean: Any,
    scale: Any,
    weight_shape: Any,
    *,
    need: Any,
    dims: Any,
    shape: Any,
    eps: float,
    center: bool,
) -> Any:
    dy, _, _ = g
    how = {"dims": dims, "center": center}
    dx = dweight = None
    if need[0] and need[1]:
        dx, dweight, _ = F.standardize_affine_backward(
            dy, x, weight, mean, scale, shape=shape, **how
        )
        return dx, dweight
    if need[0]:
        scaled = dy * F.reshape(weight, shape=shape)
        dx = F.standardize_backward(scaled, x, mean, scale, **how)
    if need[1]:
        products = dy * F.standardized(x, mean, scale, **how)
        dweight = F.reshape(F.sum_to(products, shape=shape), shape=weight_shape)
    return dx, dweight


@_affine.vjp
def standardize_affine_vjp(
    F: Any,
    g: Any,
    x: Any,
    weight: Any,
    mean: Any,
    scale: Any,
    weight_shape: Any,
    bias_shape: Any,
    *,
    need: Any,
    dims: Any,
    shape: Any,
    eps: float,
    center: bool,
) -> Any:
    dy, _, _ = g
    if need[0] and need[1] and need[2] and weight_shape == bias_shape:
        how = {"dims": dims, "shape": shape, "center": center}
        return F.standardize_affine_backward(dy, x, weight, mean, scale, **how)
    dx, dweight = standardize_scaled_vjp(
        F,
        g,
        x,
        weight,
        mean,
        scale,
        weight_shape,
        need=need,
        dims=dims,
        shape=shape,
        eps=eps,
        center=center,
    )
    dbias = None
    if need[2]:
        # Over one group the sum is the cotangent itself: not ours to give away.
        dbias = F.clone(F.reshape(F.sum_to(dy, shape=shape), shape=bias_shape))
    return dx, dweight, dbias


def _batch_rule(record: Any) -> None:
    def rule(
        F: Any, size: int, batched: Any, /, x: Any, *rest: Any, **params: Any
    ) -> Any:
        shape = params["shape"]
        if not batched[0]:
            x = F.expand(x, shape=(size, *x.shape))
        params["dims"] = shifted(size, params["dims"])
        if not any(batched[1:]):
            return record.call(x, *rest, **params)
        y, mean, scale = F.standardize(x, **params)
        own = (size, *(1,) * (x.ndim - 1 - len(shape)), *shape)
        factors = [
            F.reshape(w, shape=own if known else shape)
            for w, known in zip(rest, batched[1:], strict=True)
        ]
        y = y * factors[0]
        return (y + factors[1] if len(factors) > 1 else y), mean, scale

    record.batch(rule)


_batch_rule(_scaled)
_batch_rule(_affine)


@_backward.forward
def standardize_backward_forward(
    xp: Any, g: Any, x: Any, mean: Any, scale: Any, *, dims: Any, center: bool
) -> Any:
    count = math.prod(x.shape[d] for d in dims)
    standard = (x - mean) * scale if center else x * scale
    product = g * standard
    inner = xp.sum(product, axis=dims, keepdims=True)
    inner /= count
    standard *= inner
    dx = xp.subtract(g, standard, out=product)
    if center:
        average = xp.sum(g, axis=dims, keepdims=True)
        average /= count
        dx -= average
    dx *= scale
    return dx


@_backward.vjp
def standardize_backward_vjp(
    F: Any,
    h: Any,
    g: Any,
    x: Any,
    mean: Any,
    scale: Any,
    *,
    need: Any,
    dims: Any,
    center: bool,
) -> Any:
    how = {"dims": dims, "center": center}
    dg = F.standardize_backward(h, x, mean, scale, **how) if need[0] else None
    dx = _bend(F, h, g, x, mean, scale, dims, center) if need[1] else None
    return dg, dx, None, None


def _bend(
    F: Any, h: Any, g: Any, x: Any, mean: Any, scale: Any, dims: Any, center: bool
) -> Any:
    """The derivative by x of ``sum(h * standardize_backward(g, x))``."""
    how = {"dims": dims, "center": center}
    count = math.prod(x.shape[d] for d in dims)
    standard = F.standardized(x, mean, scale, **how)
    r = F.standard_scale(x, mean, scale, **how)
    a = F.sum(g * standard, dim=dims, keepdim=True) / count
    b = F.sum(h * standard, dim=dims, keepdim=True) / count
    of_standard = F.neg(r * (g * b + h * a))
    both = F.sum(h * g, dim=dims, keepdim=True) / count - a * b
    if center:
        gm = F.sum(g, dim=dims, keepdim=True) / count
        hm = F.sum(h, dim=dims, keepdim=True) / count
        both = both - gm * hm
    through = F.standardize_backward(of_standard, x, mean, scale, **how)
    return through - r * r * standard * both


@_affine_backward.forward
def standardize_affine_backward_forward(
    xp: Any,
    g: Any,
    x: Any,
    weight: Any,
    mean: Any,
    scale: Any,
    *,
    dims: Any,
    shape: Any,
    center: bool,
) -> Any:
    how = {"dims": dims, "center": center}
    scaled = g * weight.reshape(shape)
    dx = standardize_backward_forward(xp, scaled, x, mean, scale, **how)
    scaled = xp.multiply(g, standardized_forward(xp, x, mean, scale, **how), out=scaled)
    dweight = sum_to_forward(xp, scaled, shape=shape).reshape(weight.shape)
    # Over one group the sum is the cotangent itself, which is not ours to give away.
    dbias = sum_to_forward(xp, g, shape=shape).reshape(weight.shape).copy()
    return dx, dweight, dbias


@_affine_backward.vjp
def standardize_affine_backward_vjp(
    F: Any,
    h: Any,
    g: Any,
    x: Any,
    weight: Any,
    mean: Any,
    scale: Any,
    weight_shape: Any,
    *,
    need: Any,
    dims: Any,
    shape: Any,
    center: bool,
) -> Any:
    hx, hweight, hbias = h
    how = {"dims": dims, "center": center}
    w = F.reshape(weight, shape=shape)
    dg = dx = dweight = None
    if hx is not None:
        inner = F.standardize_backward(hx, x, mean, scale, **how)
        dg = w * inner
        if need[1]:
            dx = _bend(F, hx, g * w, x, mean, scale, dims, center)
        if need[2]:
            dweight = F.reshape(F.sum_to(g * inner, shape=shape), shape=weight_shape)
    if hweight is not None:
        factor = F.reshape(hweight, shape=shape)
        along = factor * F.standardized(x, mean, scale, **how)
        dg = along if dg is None else dg + along
        if need[1]:
            through = F.standardize_backward(g * factor, x, mean, scale, **how)
            dx = through if dx is None else dx + through
    if hbias is not None:
        even = F.expand(F.reshape(hbias, shape=shape), shape=x.shape)
        dg = even if dg is None else dg + even
    return dg if need[0] else None, dx, dweight, None, None


@_standard.forward
def standardized_forward(
    xp: Any, x: Any, mean: Any, scale: Any, *, dims: Any, center: bool
) -> Any:
    return (x - mean) * scale if center else x * scale


@_standard.vjp
def standardized_vjp(
    F: Any,
    h: Any,
    x: Any,
    mean: Any,
    scale: Any,
    *,
    need: Any,
    dims: Any,
    center: bool,
) -> Any:
    dx = F.standardize_backward(h, x, mean, scale, dims=dims, center=center)
    return dx, None, None


@_scale_of.forward
def standard_scale_forward(
    xp: Any, x: Any, mean: Any, scale: Any, *, dims: Any, center: bool
) -> Any:
    return scale.copy()


@_scale_of.vjp
def standard_scale_vjp(
    F: Any,
    h: Any,
    x: Any,
    mean: Any,
    scale: Any,
    *,
    need: Any,
    dims: Any,
    center: bool,
) -> Any:
    how = {"dims": dims, "center": center}
    count = math.prod(x.shape[d] for d in dims)
    r = F.standard_scale(x, mean, scale, **how)
    standard = F.standardized(x, mean, scale, **how)
    return F.neg(h * (r * r / count)) * standard, None, None


moved(_plain, _backward, _standard, _scale_of, dims=shifted)


def standardize(
    operands: tuple[Any, ...],
    dims: tuple[int, ...],
    shape: tuple[int, ...],
    eps: float,
    center: bool,
) -> tuple[Any, Any, Any]:
    """Standardize (x,), (x, weight) or (x, weight, bias) over ``dims``.

    Args:
        operands: the tensors.
        dims: the dimensions whose mean and mean square are brought to 0 and 1.
        shape: to which weight and bias are reshaped, to broadcast against x.
        eps: added to the mean square.
        center: whether the mean is subtracted.

    Returns:
        The result, the mean and the scale.
    """
    record = (_plain, _scaled, _affine)[len(operands) - 1]
    return record.call(*operands, dims=dims, shape=shape, eps=eps, center=center)
