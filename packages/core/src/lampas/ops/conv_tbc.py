"""Convolution of sequences whose first dimension is time."""

from __future__ import annotations

from lampas.engine.autocast import computes_in
from lampas.engine.tensor import Tensor
from lampas.errors import ShapeError
from lampas.ops.conv import conv1d

__all__ = ["conv_tbc"]


@computes_in("half")
def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """:func:`conv1d` of (time, batch, channels).

    Args:
        input: (T, B, C).
        weight: (kernel, C, O).
        bias: (O,).
        pad: zeros on both ends of the time.

    Returns:
        (T + 2 pad - kernel + 1, B, O).

    Raises:
        RuntimeError: shapes that do not fit.

    >>> x, w = lampas.ones(3, 1, 2), lampas.ones(2, 2, 1)
    >>> lampas.nn.functional.conv_tbc(x, w, lampas.zeros(1)).flatten()
    tensor([4., 4.])
    """
    for name, x, ndim in (
        ("input", input, 3),
        ("weight", weight, 3),
        ("bias", bias, 1),
    ):
        if x._data.ndim != ndim:
            raise ShapeError(
                f"conv_tbc: {name} must be {ndim}-D, got shape {tuple(x.shape)}"
            )
    lines, kernels = input.permute(1, 2, 0), weight.permute(2, 1, 0)  # type: ignore[attr-defined]
    return conv1d(lines, kernels, bias, padding=pad).permute(2, 0, 1)  # type: ignore[attr-defined]
