"""Batching rules of convolution: as more samples or, of weights, as more groups."""

from __future__ import annotations

from typing import Any

__all__ = ["images_rule", "weight_rule"]


def _as_samples(F: Any, size: int, known: bool, x: Any) -> Any:
    """(size, N, C, ...) as (size * N, C, ...)."""
    x = x if known else F.expand(x, shape=(size, *x.shape))
    return F.reshape(x, shape=(size * x.shape[1], *x.shape[2:]))


def _as_groups(F: Any, size: int, known: bool, x: Any) -> Any:
    """(size, N, C, ...) as (N, size * C, ...)."""
    x = x if known else F.expand(x, shape=(size, *x.shape))
    x = F.permute(x, dims=(1, 0, *range(2, x.ndim)))
    return F.reshape(x, shape=(x.shape[0], size * x.shape[2], *x.shape[3:]))


def _from_groups(F: Any, size: int, y: Any) -> Any:
    """(N, size * C, ...) as (size, N, C, ...)."""
    y = F.reshape(y, shape=(y.shape[0], size, y.shape[1] // size, *y.shape[2:]))
    return F.permute(y, dims=(1, 0, *range(2, y.ndim)))


def images_rule(name: str) -> Any:
    """The rule of ``conv`` and of ``conv_input``: images with weights."""

    def rule(
        F: Any,
        size: int,
        batched: Any,
        /,
        x: Any,
        weight: Any,
        *bias: Any,
        **params: Any,
    ) -> Any:
        convolve = getattr(F, name)
        if not batched[1]:
            y = convolve(_as_samples(F, size, batched[0], x), weight, **params)
            y = F.reshape(y, shape=(size, y.shape[0] // size, *y.shape[1:]))
        else:
            x = _as_groups(F, size, batched[0], x)
            weight = _as_samples(F, size, True, weight)
            groups = size * params.pop("groups")
            y = _from_groups(F, size, convolve(x, weight, groups=groups, **params))
        if not bias:
            return y
        lead = bias[0].shape[:1] if batched[2] else (1,)
        shape = (*lead, 1, bias[0].shape[-1], *(1,) * (y.ndim - 3))
        return F.add(y, F.reshape(bias[0], shape=shape))

    return rule


def weight_rule(
    F: Any, size: int, batched: Any, /, x: Any, g: Any, *, groups: int, **params: Any
) -> Any:
    x = _as_groups(F, size, batched[0], x)
    g = _as_groups(F, size, batched[1], g)
    y = F.conv_weight(x, g, groups=size * groups, **params)
    return F.reshape(y, shape=(size, y.shape[0] // size, *y.shape[1:]))
