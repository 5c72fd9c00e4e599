"""Initialisers: fill a tensor in place, by PyTorch's formulas.

Each takes a ``generator``; without one the default generator is used.
"""

from __future__ import annotations

import contextlib
import functools
import math
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

import numpy as np

from lampas.backend.device import from_host
from lampas.engine.tensor import Tensor, shared_cell
from lampas.errors import ArgumentError
from lampas.ops._arguments import source_of
from lampas.ops.random_fill import scaled
from lampas.random import Generator

__all__ = [
    "calculate_gain",
    "constant",
    "constant_",
    "dirac",
    "dirac_",
    "eye",
    "eye_",
    "kaiming_normal",
    "kaiming_normal_",
    "kaiming_uniform",
    "kaiming_uniform_",
    "normal",
    "normal_",
    "ones_",
    "orthogonal",
    "orthogonal_",
    "sparse",
    "sparse_",
    "trunc_normal_",
    "uniform",
    "uniform_",
    "xavier_normal",
    "xavier_normal_",
    "xavier_uniform",
    "xavier_uniform_",
    "zeros_",
]

_Function = TypeVar("_Function", bound=Callable[..., Tensor])

_LINEAR = (
    "linear",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "sigmoid",
)


class _Skipping(threading.local):
    on = False


_skipping = _Skipping()


@contextlib.contextmanager
def skipped() -> Iterator[None]:
    """Inside the block, initialisers of this thread leave tensors as they are."""
    before = _skipping.on
    _skipping.on = True
    try:
        yield
    finally:
        _skipping.on = before


def _skippable(function: _Function) -> _Function:
    """An initialiser that does nothing, and draws nothing, while it is skipped."""

    @functools.wraps(function)
    def initialiser(tensor: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if _skipping.on:
            return tensor
        return function(tensor, *args, **kwargs)

    return cast(_Function, initialiser)


def _fill(tensor: Tensor, values: Any) -> Tensor:
    """Write values into a tensor outside of any recording."""
    data = tensor._data
    if type(data) is not np.ndarray:
        values = from_host(np.asarray(values, data.dtype), tensor.device)
    data[...] = values
    shared_cell(tensor)[0] += 1
    return tensor


def _float_of(tensor: Tensor) -> Any:
    """The dtype in which random values are drawn."""
    return np.float64 if tensor._data.dtype == np.float64 else np.float32


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor that keeps the variance through a nonlinearity.

    Args:
        nonlinearity: ``"relu"``, ``"leaky_relu"``, ``"tanh"``, ``"selu"``,
            ``"linear"``, ``"sigmoid"`` or the name of a convolution.
        param: the negative slope of leaky_relu.

    Raises:
        ValueError: an unknown name.

    >>> calculate_gain("tanh")
    1.6666666666666667
    """
    if nonlinearity in _LINEAR:
        return 1
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "selu":
        return 3.0 / 4
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ArgumentError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    raise ArgumentError(f"unsupported nonlinearity {nonlinearity!r}")


@_skippable
def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with numbers uniform in [a, b).

    >>> import lampas
    >>> uniform_(lampas.zeros(3)).shape
    lampas.Size([3])
    """
    source = source_of(generator)
    values = source.uniform(tensor._data.shape, _float_of(tensor))
    return _fill(tensor, scaled(values, b - a, a))


@_skippable
def normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    generator: Generator | None = None,
) -> Tensor:
    """Fill with normal numbers of a mean and standard deviation.

    >>> import lampas
    >>> normal_(lampas.zeros(3), std=0.0).tolist()
    [0.0, 0.0, 0.0]
    """
    source = source_of(generator)
    values = source.normal(tensor._data.shape, _float_of(tensor))
    return _fill(tensor, scaled(values, std, mean))


@_skippable
def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Fill with normal numbers, those outside [a, b] drawn again.

    Args:
        tensor: to fill.
        mean, std: of the normal distribution.
        a, b: bounds (values, not deviations).
        generator: source of randomness.

    >>> import lampas
    >>> bool((trunc_normal_(lampas.zeros(100), std=3.0).abs() <= 2).all())
    True
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in trunc_normal_; the distribution "
            "of values may be incorrect",
            stacklevel=2,
        )
    source = source_of(generator)
    count = tensor._data.size
    values = np.empty(0, np.float64)
    # Draw what is missing again; where hardly anything fits, clip instead of looping.
    for _ in range(1000):
        drawn = source.normal(count, np.float64) * std + mean
        values = np.concatenate([values, drawn[(drawn >= a) & (drawn <= b)]])
        if values.size >= count:
            break
    if values.size < count:
        rest = source.uniform(count - values.size, np.float64) * (b - a) + a
        values = np.concatenate([values, rest])
    return _fill(tensor, values[:count].reshape(tensor._data.shape))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one value.

    >>> import lampas
    >>> constant_(lampas.zeros(2), 0.5).tolist()
    [0.5, 0.5]
    """
    return _fill(tensor, val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with ones.

    >>> import lampas
    >>> ones_(lampas.zeros(2)).tolist()
    [1.0, 1.0]
    """
    return _fill(tensor, 1)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros.

    >>> import lampas
    >>> zeros_(lampas.ones(2)).tolist()
    [0.0, 0.0]
    """
    return _fill(tensor, 0)


def eye_(tensor: Tensor) -> Tensor:
    """Make a matrix the identity (ones on its diagonal).

    Raises:
        ValueError: not two dimensions.

    >>> import lampas
    >>> eye_(lampas.zeros(2, 2)).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    if tensor._data.ndim != 2:
        raise ArgumentError("only tensors with 2 dimensions are supported")
    return _fill(tensor, np.eye(*tensor._data.shape))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Make a convolution's weight the identity on as many channels as it has.

    Args:
        tensor: (out, in/groups, *kernel) with one to three kernel dimensions.
        groups: of the convolution.

    Raises:
        ValueError: other dimensions, or ``groups`` does not divide the channels.

    >>> import lampas
    >>> dirac_(lampas.zeros(1, 1, 3)).tolist()
    [[[0.0, 1.0, 0.0]]]
    """
    shape = tensor._data.shape
    if len(shape) not in (3, 4, 5):
        raise ArgumentError(
            "only tensors with 3, 4, or 5 dimensions are supported, "
            f"got shape {tuple(shape)}"
        )
    if shape[0] % groups:
        raise ArgumentError(f"dim 0 ({shape[0]}) must be divisible by groups {groups}")
    values = np.zeros(shape)
    each = shape[0] // groups
    center = tuple(size // 2 for size in shape[2:])
    for group in range(groups):
        for i in range(min(each, shape[1])):
            values[(group * each + i, i, *center)] = 1
    return _fill(tensor, values)


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """Inputs and outputs that one output and input are connected to."""
    shape = tensor._data.shape
    if len(shape) < 2:
        raise ArgumentError(
            "fan in and fan out can not be computed for tensor with fewer than 2 "
            f"dimensions, got shape {tuple(shape)}"
        )
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ArgumentError(f"mode must be 'fan_in' or 'fan_out', got {mode!r}")
    fan = _calculate_fan_in_and_fan_out(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(max(fan, 1))


def xavier_uniform_(
    tensor: Tensor, gain: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill uniformly within ``gain * sqrt(6 / (fan_in + fan_out))``.

    >>> import lampas
    >>> xavier_uniform_(lampas.zeros(3, 2)).shape
    lampas.Size([3, 2])
    """
    bound = gain * math.sqrt(6.0 / max(sum(_calculate_fan_in_and_fan_out(tensor)), 1))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(
    tensor: Tensor, gain: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with normals of deviation ``gain * sqrt(2 / (fan_in + fan_out))``.

    >>> import lampas
    >>> xavier_normal_(lampas.zeros(3, 2)).shape
    lampas.Size([3, 2])
    """
    return normal_(
        tensor,
        0.0,
        gain * math.sqrt(2.0 / max(sum(_calculate_fan_in_and_fan_out(tensor)), 1)),
        generator,
    )


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill uniformly within ``sqrt(3) * gain / sqrt(fan)``.

    Args:
        tensor: at least two dimensions; of no elements stays as it is.
        a: the negative slope, for leaky_relu.
        mode: ``"fan_in"`` keeps the variance forward, ``"fan_out"`` backward.
        nonlinearity: as for :func:`calculate_gain`.
        generator: source of randomness.

    >>> import lampas
    >>> kaiming_uniform_(lampas.zeros(3, 2)).shape
    lampas.Size([3, 2])
    """
    if 0 in tensor._data.shape:
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill with normals of deviation ``gain / sqrt(fan)``.

    Args:
        tensor, a, mode, nonlinearity, generator: as for :func:`kaiming_uniform_`.

    >>> import lampas
    >>> kaiming_normal_(lampas.zeros(3, 2), mode="fan_out").shape
    lampas.Size([3, 2])
    """
    if 0 in tensor._data.shape:
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


@_skippable
def orthogonal_(
    tensor: Tensor, gain: float = 1, generator: Generator | None = None
) -> Tensor:
    """Fill with a (semi-)orthogonal matrix of shape (size of dim 0, all others).

    Raises:
        ValueError: fewer than two dimensions.

    >>> import lampas
    >>> w = orthogonal_(lampas.zeros(2, 2))
    >>> lampas.allclose(w @ w.T, lampas.eye(2), atol=1e-5)
    True
    """
    shape = tensor._data.shape
    if len(shape) < 2:
        raise ArgumentError("only tensors with 2 or more dimensions are supported")
    if tensor._data.size == 0:
        return tensor
    rows, cols = shape[0], math.prod(shape[1:])
    source = source_of(generator)
    flat = source.normal((rows, cols), np.float64)
    q, r = np.linalg.qr(flat.T if rows < cols else flat)
    q = q * np.sign(np.diag(r))
    return _fill(tensor, gain * (q.T if rows < cols else q).reshape(shape))


@_skippable
def sparse_(
    tensor: Tensor,
    sparsity: float,
    std: float = 0.01,
    generator: Generator | None = None,
) -> Tensor:
    """Fill a matrix with normals and set a share of each column to zero.

    Args:
        tensor: two dimensions.
        sparsity: the share of zeros in each column.
        std: deviation of the others.
        generator: source of randomness.

    >>> import lampas
    >>> int((sparse_(lampas.zeros(10, 2), 0.3) == 0).sum())
    6
    """
    if tensor._data.ndim != 2:
        raise ArgumentError("only tensors with 2 dimensions are supported")
    rows, cols = tensor._data.shape
    source = source_of(generator)
    values = source.normal((rows, cols), np.float64) * std
    for column in range(cols):
        values[source.permutation(rows)[: math.ceil(sparsity * rows)], column] = 0
    return _fill(tensor, values)


def _older(function: _Function) -> _Function:
    """An initialiser under the name of PyTorch before 0.4; it warns."""
    name = function.__name__.removesuffix("_")

    @functools.wraps(function)
    def initialiser(*args: Any, **kwargs: Any) -> Tensor:
        warnings.warn(
            f"nn.init.{name} is now deprecated in favor of nn.init.{name}_",
            FutureWarning,
            stacklevel=2,
        )
        return function(*args, **kwargs)

    initialiser.__name__ = initialiser.__qualname__ = name
    return cast(_Function, initialiser)


constant = _older(constant_)
dirac = _older(dirac_)
eye = _older(eye_)
kaiming_normal = _older(kaiming_normal_)
kaiming_uniform = _older(kaiming_uniform_)
normal = _older(normal_)
orthogonal = _older(orthogonal_)
sparse = _older(sparse_)
uniform = _older(uniform_)
xavier_normal = _older(xavier_normal_)
xavier_uniform = _older(xavier_uniform_)
