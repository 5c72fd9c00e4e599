"""Convolution: three records, each the transpose of the others in some argument.

``conv`` is linear in input and weight; its gradients are ``conv_input`` (which is also
the transposed convolution) and ``conv_weight``. The gradients of these are again the
other two, so derivatives of every order follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lampas.engine.autocast import computes_in
from lampas.engine.infer import Spec
from lampas.engine.record import BILINEAR, op
from lampas.engine.tensor import Tensor
from lampas.errors import DTypeError, ShapeError
from lampas.ops import _conv_arrays as arrays
from lampas.ops import _conv_batches as batches
from lampas.ops._spatial import spatial

__all__ = [
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
]

Sizes = int | Sequence[int]


def _conv_spec(
    specs: Any, *, stride: Any, padding: Any, dilation: Any, groups: int
) -> Spec:
    x, w = specs[:2]
    out = tuple(
        (s + lo + hi - d * (k - 1) - 1) // st + 1
        for s, k, st, (lo, hi), d in zip(
            x.shape[2:], w.shape[2:], stride, padding, dilation, strict=True
        )
    )
    return Spec((x.shape[0], w.shape[0], *out), x.dtype)


def _input_spec(specs: Any, *, size: Any, groups: int, **params: Any) -> Spec:
    g, w = specs
    return Spec((g.shape[0], w.shape[1] * groups, *size), g.dtype)


def _weight_spec(specs: Any, *, kernel: Any, groups: int, **params: Any) -> Spec:
    x, g = specs
    return Spec((g.shape[1], x.shape[1] // groups, *kernel), x.dtype)


_conv = op(
    "conv",
    kind=BILINEAR,
    saves="x?1 weight?0 x.shape weight.shape",
    fresh=True,
    infer=_conv_spec,
    autocast="half",
)
_conv_input = op(
    "conv_input",
    kind=BILINEAR,
    saves="g?1 weight?0 weight.shape",
    fresh=True,
    infer=_input_spec,
    autocast="half",
)
_conv_weight = op(
    "conv_weight",
    kind=BILINEAR,
    saves="x?1 g?0 x.shape",
    fresh=True,
    infer=_weight_spec,
    autocast="half",
)


@_conv.forward
def conv_forward(
    xp: Any,
    x: Any,
    weight: Any,
    *bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> Any:
    shift = bias[0] if bias else None
    return arrays.convolve(xp, x, weight, shift, stride, padding, dilation, groups)


@_conv.vjp
def conv_vjp(
    F: Any,
    g: Any,
    x: Any,
    weight: Any,
    shape: Any,
    weight_shape: Any,
    *,
    need: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> Any:
    how = {
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
    }
    dx = dw = None
    if need[0]:
        dx = F.conv_input(g, F.conj(weight), size=shape[2:], **how)
    if need[1]:
        dw = F.conv_weight(F.conj(x), g, kernel=weight_shape[2:], **how)
    if len(need) == 2:
        return dx, dw
    dims = (0, *range(2, g.ndim))
    return dx, dw, F.sum(g, dim=dims, keepdim=False) if need[2] else None


@_conv_input.forward
def conv_input_forward(
    xp: Any,
    g: Any,
    weight: Any,
    *,
    size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> Any:
    return arrays.gradient_of_input(
        xp, g, weight, size, stride, padding, dilation, groups
    )


@_conv_input.vjp
def conv_input_vjp(
    F: Any,
    h: Any,
    g: Any,
    weight: Any,
    weight_shape: Any,
    *,
    need: Any,
    size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> Any:
    how = {
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
    }
    dg = dw = None
    if need[0]:
        dg = F.conv(h, F.conj(weight), **how)
    if need[1]:
        dw = F.conv_weight(h, F.conj(g), kernel=weight_shape[2:], **how)
    return dg, dw


@_conv_weight.forward
def conv_weight_forward(
    xp: Any,
    x: Any,
    g: Any,
    *,
    kernel: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> Any:
    return arrays.gradient_of_weight(
        xp, x, g, kernel, stride, padding, dilation, groups
    )


@_conv_weight.vjp
def conv_weight_vjp(
    F: Any,
    h: Any,
    x: Any,
    g: Any,
    shape: Any,
    *,
    need: Any,
    kernel: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> Any:
    how = {
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
    }
    dx = F.conv_input(F.conj(g), h, size=shape[2:], **how) if need[0] else None
    dg = F.conv(F.conj(x), h, **how) if need[1] else None
    return dx, dg


_conv.batch(batches.images_rule("conv"))
_conv_input.batch(batches.images_rule("conv_input"))
_conv_weight.batch(batches.weight_rule)


# ---- arguments


def _check_operands(
    name: str, n: int, input: Tensor, weight: Tensor, bias: Tensor | None
) -> None:
    for what, x in (("input", input), ("weight", weight)):
        if not isinstance(x, Tensor):
            raise TypeError(f"{name}: {what} must be a Tensor, got {type(x).__name__}")
    ndim = input._data.ndim
    if ndim not in (n + 1, n + 2):
        raise ShapeError(
            f"{name}: expected {n + 1}D (unbatched) or {n + 2}D (batched) input, "
            f"got input of size {tuple(input.shape)}"
        )
    if weight._data.ndim != n + 2:
        raise ShapeError(
            f"{name}: weight must have {n + 2} dimensions, got {tuple(weight.shape)}"
        )
    for other in (weight, bias):
        if other is not None and other._data.dtype != input._data.dtype:
            raise DTypeError(
                f"{name}: input and weight or bias must have one dtype, got "
                f"{input.dtype} and {other.dtype}"
            )


def _check_channels(
    name: str, have: int, want: int, outs: int, groups: int, bias: Tensor | None
) -> None:
    if have != want:
        raise ShapeError(
            f"{name}: weight expects input with {want} channels, got {have}"
        )
    if bias is not None and tuple(bias.shape) != (outs,):
        raise ShapeError(
            f"{name}: bias must have shape ({outs},), got {tuple(bias.shape)}"
        )


def _check_positive(name: str, groups: int, **values: tuple[int, ...]) -> None:
    if groups < 1:
        raise ShapeError(f"{name}: groups must be positive, got {groups}")
    for what, sizes in values.items():
        least = 0 if "padding" in what else 1
        if any(size < least for size in sizes):
            kind = "not be negative" if least == 0 else "be positive"
            raise ShapeError(f"{name}: {what} must {kind}, got {sizes}")


def _pads(
    name: str, padding: Any, kernel: Any, stride: Any, dilation: Any
) -> tuple[tuple[int, int], ...]:
    """Padding before and after each dimension."""
    if isinstance(padding, str):
        if padding == "valid":
            return ((0, 0),) * len(kernel)
        if padding != "same":
            raise ShapeError(
                f"{name}: padding must be 'valid', 'same' or sizes, got {padding!r}"
            )
        if any(s != 1 for s in stride):
            raise ShapeError(f"{name}: padding='same' needs stride 1, got {stride}")
        total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        return tuple((t // 2, t - t // 2) for t in total)
    sizes = spatial(padding, len(kernel), "padding")
    _check_positive(name, 1, padding=sizes)
    return tuple((p, p) for p in sizes)


def _convolution(
    n: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> Tensor:
    name = f"conv{n}d"
    _check_operands(name, n, input, weight, bias)
    stride = spatial(stride, n, "stride")
    dilation = spatial(dilation, n, "dilation")
    _check_positive(name, groups, stride=stride, dilation=dilation)
    kernel = weight._data.shape[2:]
    pads = _pads(name, padding, kernel, stride, dilation)
    single = input._data.ndim == n + 1
    shape = input._data.shape
    outs, per_group = weight._data.shape[:2]
    if outs % groups:
        raise ShapeError(
            f"{name}: out channels ({outs}) must be divisible by groups ({groups})"
        )
    _check_channels(name, shape[-n - 1], per_group * groups, outs, groups, bias)
    for s, k, d, (lo, hi) in zip(shape[-n:], kernel, dilation, pads, strict=True):
        if s + lo + hi < d * (k - 1) + 1:
            raise ShapeError(
                f"{name}: kernel (size {d * (k - 1) + 1}, dilation included) can't be "
                f"greater than the padded input (size {s + lo + hi})"
            )
    if single:
        input = input.reshape(1, *shape)  # type: ignore[attr-defined]
    operands = (input, weight) if bias is None else (input, weight, bias)
    y = _conv.call(
        *operands, stride=stride, padding=pads, dilation=dilation, groups=groups
    )
    return y.reshape(y._data.shape[1:]) if single else y


@computes_in("half")
def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: str | Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlation of lines: see :func:`conv2d`.

    Args:
        input: (N, C, L) or (C, L).
        weight: (O, C / groups, K).
        bias, stride, padding, dilation, groups: as for :func:`conv2d`.

    >>> lampas.conv1d(lampas.ones(1, 1, 4), lampas.ones(1, 1, 3))
    tensor([[[3., 3.]]])
    """
    return _convolution(1, input, weight, bias, stride, padding, dilation, groups)


@computes_in("half")
def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: str | Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlation of planes: the layer that is called convolution.

    Args:
        input: (N, C, H, W) or (C, H, W).
        weight: (O, C / groups, KH, KW).
        bias: (O,), added to each output plane.
        stride: steps of the kernel, one number or one for each dimension.
        padding: zeros on both sides, or ``"valid"`` (none) or ``"same"``.
        dilation: distance of the kernel's elements.
        groups: channels are divided into so many groups that don't see each other.

    Returns:
        (N, O, OH, OW) with
        ``OH = (H + 2 padding - dilation (KH - 1) - 1) // stride + 1``.

    Raises:
        RuntimeError: shapes or dtypes do not fit.

    >>> lampas.conv2d(lampas.ones(1, 1, 3, 3), lampas.ones(1, 1, 3, 3))
    tensor([[[[9.]]]])
    """
    return _convolution(2, input, weight, bias, stride, padding, dilation, groups)


@computes_in("half")
def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: str | Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlation of volumes: see :func:`conv2d`.

    Args:
        input: (N, C, D, H, W) or (C, D, H, W).
        weight: (O, C / groups, KD, KH, KW).
        bias, stride, padding, dilation, groups: as for :func:`conv2d`.

    >>> lampas.conv3d(lampas.ones(1, 1, 2, 2, 2), lampas.ones(1, 1, 2, 2, 2))
    tensor([[[[[8.]]]]])
    """
    return _convolution(3, input, weight, bias, stride, padding, dilation, groups)


def _transposed(
    n: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Tensor:
    name = f"conv_transpose{n}d"
    _check_operands(name, n, input, weight, bias)
    stride = spatial(stride, n, "stride")
    padding = spatial(padding, n, "padding")
    extra = spatial(output_padding, n, "output_padding")
    dilation = spatial(dilation, n, "dilation")
    _check_positive(
        name,
        groups,
        stride=stride,
        dilation=dilation,
        padding=padding,
        output_padding=extra,
    )
    for e, s, d in zip(extra, stride, dilation, strict=True):
        if e >= max(s, d):
            raise ShapeError(
                f"{name}: output_padding must be smaller than stride or dilation, "
                f"got {extra} with stride {stride} and dilation {dilation}"
            )
    shape, single = input._data.shape, input._data.ndim == n + 1
    ins, per_group = weight._data.shape[:2]
    if ins % groups:
        raise ShapeError(
            f"{name}: in channels ({ins}) must be divisible by groups ({groups})"
        )
    _check_channels(name, shape[-n - 1], ins, per_group * groups, groups, bias)
    size = tuple(
        (i - 1) * s - 2 * p + d * (k - 1) + e + 1
        for i, s, p, d, k, e in zip(
            shape[-n:],
            stride,
            padding,
            dilation,
            weight._data.shape[2:],
            extra,
            strict=True,
        )
    )
    if any(s <= 0 for s in size):
        raise ShapeError(
            f"{name}: the output would have size {size}; use less padding "
            f"(input has {tuple(shape)})"
        )
    if single:
        input = input.reshape(1, *shape)  # type: ignore[attr-defined]
    y = _conv_input.call(
        input,
        weight,
        size=size,
        stride=stride,
        # So chosen, the convolution that is transposed has exactly input's size.
        padding=tuple((p, p - e) for p, e in zip(padding, extra, strict=True)),
        dilation=dilation,
        groups=groups,
    )
    if bias is not None:
        y = y + bias.reshape(-1, *(1,) * n)  # type: ignore[attr-defined]
    return y.reshape(y._data.shape[1:]) if single else y


@computes_in("half")
def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """Transposed convolution of lines: see :func:`conv_transpose2d`.

    >>> lampas.conv_transpose1d(lampas.ones(1, 1, 2), lampas.ones(1, 1, 2))
    tensor([[[1., 2., 1.]]])
    """
    return _transposed(
        1, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


@computes_in("half")
def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """The transpose of :func:`conv2d` as a linear map: it spreads its input.

    Args:
        input: (N, C, H, W) or (C, H, W).
        weight: (C, O / groups, KH, KW).
        bias: (O,).
        stride, padding, groups, dilation: of the convolution that is transposed.
        output_padding: rows and columns more at the end of the output.

    Returns:
        (N, O, OH, OW) with ``OH = (H - 1) stride - 2 padding + dilation (KH - 1) +
        output_padding + 1``.

    Raises:
        RuntimeError: shapes or dtypes do not fit.

    >>> y = lampas.conv_transpose2d(lampas.ones(1, 1, 2, 2), lampas.ones(1, 3, 2, 2))
    >>> y.shape
    lampas.Size([1, 3, 3, 3])
    """
    return _transposed(
        2, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


@computes_in("half")
def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """Transposed convolution of volumes: see :func:`conv_transpose2d`.

    >>> w = lampas.ones(1, 1, 2, 2, 2)
    >>> lampas.conv_transpose3d(lampas.ones(1, 1, 1, 1, 1), w).shape
    lampas.Size([1, 1, 2, 2, 2])
    """
    return _transposed(
        3, input, weight, bias, stride, padding, output_padding, groups, dilation
    )
