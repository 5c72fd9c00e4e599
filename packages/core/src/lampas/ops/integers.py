"""Whole numbers: common divisors and multiples, membership, positions in a grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lampas.dtypes import int64
from lampas.engine.infer import Spec, broadcast
from lampas.engine.promotion import result_type_of
from lampas.engine.record import ELEMENTWISE, OPAQUE, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import ArgumentError, ArgumentTypeError, DTypeError
from lampas.ops._arguments import require_tensors
from lampas.ops.convert import cast

__all__ = ["gcd", "isin", "lcm", "unravel_index"]

_gcd = op("gcd", kind=ELEMENTWISE, ufunc="gcd", infer=broadcast)
_lcm = op("lcm", kind=ELEMENTWISE, ufunc="lcm", infer=broadcast)


def _need_integers(name: str, input: Tensor, other: Tensor) -> None:
    require_tensors(name, input=input, other=other)
    for argument, x in (("input", input), ("other", other)):
        if x._data.dtype.kind not in "iu":
            raise DTypeError(f"{name}: {argument} must be integer, got {x.dtype}")


@method(inplace=True)
def gcd(input: Tensor, other: Tensor) -> Tensor:
    """The greatest common divisor of elements, not negative; ``gcd(0, 0)`` is 0.

    Args:
        input, other: integer tensors that broadcast against each other.

    Raises:
        RuntimeError: not integers, or shapes don't fit.
        TypeError: an operand is no tensor.

    >>> lampas.gcd(lampas.tensor([5, 10, 15]), lampas.tensor([3, 4, 5]))
    tensor([1, 2, 5])
    """
    _need_integers("gcd", input, other)
    return _gcd.call(input, other)


@method(inplace=True)
def lcm(input: Tensor, other: Tensor) -> Tensor:
    """The least common multiple of elements, not negative; 0 if one is 0.

    Args:
        input, other: integer tensors that broadcast against each other.

    Raises:
        RuntimeError: not integers, or shapes don't fit.
        TypeError: an operand is no tensor.

    >>> lampas.lcm(lampas.tensor([5, 10, 15]), lampas.tensor([3, 4, 5]))
    tensor([15, 20, 15])
    """
    _need_integers("lcm", input, other)
    return _lcm.call(input, other)


def _membership_spec(specs: Any, *, invert: bool) -> Spec:
    return Spec(specs[0].shape, np.dtype(bool))


_isin = op("isin", kind=OPAQUE, infer=_membership_spec)


@_isin.forward
def isin_forward(xp: Any, x: Any, other: Any, *, invert: bool) -> Any:
    found = xp.zeros(x.shape, bool)
    others = xp.sort(other.reshape(-1))
    if others.size:
        # The first that is not smaller is equal, or none is.
        place = xp.minimum(xp.searchsorted(others, x), others.size - 1)
        found = others[place] == x
    return xp.logical_not(found) if invert else found


def isin(
    elements: Tensor | float,
    test_elements: Tensor | float,
    *,
    assume_unique: bool = False,
    invert: bool = False,
) -> Tensor:
    """For each element whether it is among others; NaN never is.

    Args:
        elements, test_elements: tensors of any shapes; one may be a number.
        assume_unique: accepted; the result does not depend on it.
        invert: whether it is not among them.

    Returns:
        bool, in the shape of ``elements``.

    Raises:
        ValueError: both are numbers.

    >>> lampas.isin(lampas.tensor([1, 2, 3]), lampas.tensor([3, 1]))
    tensor([ True, False,  True])
    """
    pair = elements, test_elements
    first = next((x for x in pair if isinstance(x, Tensor)), None)
    if first is None:
        raise ArgumentError("isin: elements or test_elements must be a tensor")
    dtype = result_type_of([x._data if isinstance(x, Tensor) else x for x in pair])
    if dtype.is_complex or dtype.category == 0:
        raise DTypeError(f"isin is not implemented for {dtype}")
    x, other = (
        cast(v.detach(), dtype)
        if isinstance(v, Tensor)
        else first.new_full((), v, dtype=dtype)
        for v in pair
    )
    return _isin.call(x, other, invert=invert)


def unravel_index(
    indices: Tensor, shape: int | Sequence[int] | Tensor
) -> tuple[Tensor, ...]:
    """The positions, in a tensor of a shape, of indices into its flattened form.

    Args:
        indices: integers, any shape; a negative one wraps around.
        shape: sizes, not negative.

    Returns:
        For each dimension of ``shape`` an int64 tensor in the shape of ``indices``.

    Raises:
        TypeError: ``indices`` is no integer tensor.
        ValueError: a size is negative.

    >>> lampas.unravel_index(lampas.tensor([4, 5]), (3, 2))
    (tensor([2, 2]), tensor([0, 1]))
    """
    if not isinstance(indices, Tensor) or indices._data.dtype.kind not in "iu":
        raise ArgumentTypeError("unravel_index: indices must be an integer tensor")
    given = shape.tolist() if isinstance(shape, Tensor) else shape
    sizes = [given] if isinstance(given, int) else list(given)
    if not all(isinstance(s, int) for s in sizes):
        raise ArgumentTypeError(f"unravel_index: shape must hold ints, got {sizes}")
    if any(s < 0 for s in sizes):
        raise ArgumentError(f"unravel_index: sizes must not be negative, got {sizes}")
    rest, positions = cast(indices, int64), []
    for size in reversed(sizes):
        positions.append(rest % size)
        rest = rest.div(size, rounding_mode="floor")
    return tuple(reversed(positions))
