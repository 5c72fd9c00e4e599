"""Comparisons, logic and bits, element by element."""

from __future__ import annotations

from typing import Any

from lampas.engine.infer import broadcast, predicate
from lampas.engine.record import ELEMENTWISE, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import DTypeError
from lampas.ops._arguments import require_one, require_ordered, require_tensors

__all__ = [
    "allclose",
    "bitwise_and",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "eq",
    "equal",
    "ge",
    "greater",
    "greater_equal",
    "gt",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "le",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "lt",
    "ne",
    "not_equal",
    "signbit",
]

_eq = op("eq", kind=ELEMENTWISE, ufunc="equal", infer=predicate, expr="x == other")
_ne = op("ne", kind=ELEMENTWISE, ufunc="not_equal", infer=predicate, expr="x != other")
_lt = op("lt", kind=ELEMENTWISE, ufunc="less", infer=predicate, expr="x < other")
_le = op("le", kind=ELEMENTWISE, ufunc="less_equal", infer=predicate, expr="x <= other")
_gt = op("gt", kind=ELEMENTWISE, ufunc="greater", infer=predicate, expr="x > other")
_ge = op(
    "ge", kind=ELEMENTWISE, ufunc="greater_equal", infer=predicate, expr="x >= other"
)


@_lt.forward
def lt_forward(xp: Any, x: Any, other: Any) -> Any:
    return xp.less(*_ordered("lt", x, other))


@_le.forward
def le_forward(xp: Any, x: Any, other: Any) -> Any:
    return xp.less_equal(*_ordered("le", x, other))


@_gt.forward
def gt_forward(xp: Any, x: Any, other: Any) -> Any:
    return xp.greater(*_ordered("gt", x, other))


@_ge.forward
def ge_forward(xp: Any, x: Any, other: Any) -> Any:
    return xp.greater_equal(*_ordered("ge", x, other))


def _ordered(name: str, *operands: Any) -> Any:
    """The operands; NumPy would compare complex ones like words of two letters."""
    for x in operands:
        if isinstance(x, complex) or (hasattr(x, "dtype") and x.dtype.kind == "c"):
            raise DTypeError(f"{name}: complex numbers have no order")
    return operands


def eq(input: Tensor, other: Tensor | float) -> Tensor:
    """Whether elements are equal.

    Args:
        input, other: tensors that broadcast against each other, or a number.

    Returns:
        Bools of the broadcast shape.

    >>> lampas.eq(lampas.tensor([1, 2]), 2)
    tensor([False,  True])
    """
    require_tensors("eq", input=input)
    return _eq.call(input, other)


def ne(input: Tensor, other: Tensor | float) -> Tensor:
    """Whether elements differ; see :func:`eq`.

    >>> lampas.ne(lampas.tensor([1, 2]), 2)
    tensor([ True, False])
    """
    require_tensors("ne", input=input)
    return _ne.call(input, other)


def lt(input: Tensor, other: Tensor | float) -> Tensor:
    """Whether ``input < other``; see :func:`eq`. Complex operands are refused.

    >>> lampas.lt(lampas.tensor([1, 2]), 2)
    tensor([ True, False])
    """
    require_tensors("lt", input=input)
    return _lt.call(input, other)


def le(input: Tensor, other: Tensor | float) -> Tensor:
    """Whether ``input <= other``; see :func:`lt`.

    >>> lampas.le(lampas.tensor([1, 2]), 1)
    tensor([ True, False])
    """
    require_tensors("le", input=input)
    return _le.call(input, other)


def gt(input: Tensor, other: Tensor | float) -> Tensor:
    """Whether ``input > other``; see :func:`lt`.

    >>> lampas.gt(lampas.tensor([1, 2]), 1)
    tensor([False,  True])
    """
    require_tensors("gt", input=input)
    return _gt.call(input, other)


def ge(input: Tensor, other: Tensor | float) -> Tensor:
    """Whether ``input >= other``; see :func:`lt`.

    >>> lampas.ge(lampas.tensor([1, 2]), 2)
    tensor([False,  True])
    """
    require_tensors("ge", input=input)
    return _ge.call(input, other)


greater, greater_equal, less, less_equal, not_equal = gt, ge, lt, le, ne

_isnan = op("isnan", kind=ELEMENTWISE, ufunc="isnan", infer=predicate)
_isinf = op("isinf", kind=ELEMENTWISE, ufunc="isinf", infer=predicate)
_isfinite = op("isfinite", kind=ELEMENTWISE, ufunc="isfinite", infer=predicate)
_signbit = op("signbit", kind=ELEMENTWISE, ufunc="signbit", infer=predicate)


@method()
def isnan(input: Tensor) -> Tensor:
    """Whether elements are NaN.

    >>> lampas.isnan(lampas.tensor([1.0, float("nan")]))
    tensor([False,  True])
    """
    return _isnan.call(input)


@method()
def isinf(input: Tensor) -> Tensor:
    """Whether elements are infinite.

    >>> lampas.isinf(lampas.tensor([1.0, float("-inf")]))
    tensor([False,  True])
    """
    return _isinf.call(input)


@method()
def isfinite(input: Tensor) -> Tensor:
    """Whether elements are neither infinite nor NaN.

    >>> lampas.isfinite(lampas.tensor([1.0, float("inf")]))
    tensor([ True, False])
    """
    return _isfinite.call(input)


@method()
def isposinf(input: Tensor) -> Tensor:
    """Whether elements are plus infinity.

    >>> lampas.isposinf(lampas.tensor([1.0, float("inf")]))
    tensor([False,  True])
    """
    require_ordered("isposinf", input)
    return _eq.call(input, float("inf"))


@method()
def isneginf(input: Tensor) -> Tensor:
    """Whether elements are minus infinity.

    >>> lampas.isneginf(lampas.tensor([1.0, float("-inf")]))
    tensor([False,  True])
    """
    require_ordered("isneginf", input)
    return _eq.call(input, float("-inf"))


@method()
def signbit(input: Tensor) -> Tensor:
    """Whether the sign bit is set: true of negative numbers and of -0.0.

    >>> lampas.signbit(lampas.tensor([1.0, -0.0]))
    tensor([False,  True])
    """
    require_ordered("signbit", input)
    if input.dtype.category < 2:
        return _lt.call(input, 0)
    return _signbit.call(input)


_isclose = op("isclose", kind=ELEMENTWISE, infer=predicate)


@_isclose.forward
def isclose_forward(
    xp: Any, x: Any, other: Any, *, rtol: float, atol: float, equal_nan: bool
) -> Any:
    far = xp.absolute(xp.subtract(x, other, dtype=xp.result_type(x, other, 0.0)))
    close = xp.isfinite(far) & (far <= atol + rtol * xp.absolute(other))
    if equal_nan:
        close = close | (xp.isnan(x) & xp.isnan(other))
    return close | (x == other)


@method()
def isclose(
    input: Tensor,
    other: Tensor,
    rtol: float = 1e-05,
    atol: float = 1e-08,
    equal_nan: bool = False,
) -> Tensor:
    """Whether ``|input - other| <= atol + rtol * |other|``, element by element.

    Args:
        input, other: tensors of one dtype that broadcast against each other.
        rtol, atol: the tolerances; not negative.
        equal_nan: take NaN as equal to NaN.

    Raises:
        RuntimeError: the dtypes differ or a tolerance is negative.

    >>> lampas.isclose(lampas.tensor([1.0, 2.0]), lampas.tensor([1.0, 2.1]))
    tensor([ True, False])
    """
    if input._data.dtype != other._data.dtype:
        raise DTypeError(
            f"isclose: other must have input's dtype {input.dtype}, got {other.dtype}"
        )
    if rtol < 0 or atol < 0:
        raise DTypeError(
            f"isclose: rtol and atol must not be negative, got {rtol} and {atol}"
        )
    return _isclose.call(input, other, rtol=rtol, atol=atol, equal_nan=equal_nan)


@method()
def allclose(
    input: Tensor,
    other: Tensor,
    rtol: float = 1e-05,
    atol: float = 1e-08,
    equal_nan: bool = False,
) -> bool:
    """Whether all elements are close; see :func:`isclose`.

    >>> lampas.allclose(lampas.tensor([1.0]), lampas.tensor([1.0 + 1e-9]))
    True
    """
    return bool(isclose(input, other, rtol, atol, equal_nan)._data.all())


@method()
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and equal elements.

    >>> lampas.equal(lampas.tensor([1, 2]), lampas.tensor([1, 2]))
    True
    """
    if input._data.shape != other._data.shape:
        return False
    return bool(_eq.call(input, other)._data.all())


# ---- logic and bits

_logical_and = op("logical_and", kind=ELEMENTWISE, ufunc="logical_and", infer=predicate)
_logical_or = op("logical_or", kind=ELEMENTWISE, ufunc="logical_or", infer=predicate)
_logical_xor = op("logical_xor", kind=ELEMENTWISE, ufunc="logical_xor", infer=predicate)
_logical_not = op("logical_not", kind=ELEMENTWISE, ufunc="logical_not", infer=predicate)


def logical_and(input: Tensor, other: Tensor) -> Tensor:
    """Whether both elements are nonzero.

    Args:
        input, other: tensors that broadcast against each other.

    >>> lampas.logical_and(lampas.tensor([1, 0]), lampas.tensor([1, 1]))
    tensor([ True, False])
    """
    require_tensors("logical_and", input=input, other=other)
    return _logical_and.call(input, other)


def logical_or(input: Tensor, other: Tensor) -> Tensor:
    """Whether one element or both are nonzero; see :func:`logical_and`.

    >>> lampas.logical_or(lampas.tensor([1, 0]), lampas.tensor([0, 0]))
    tensor([ True, False])
    """
    require_tensors("logical_or", input=input, other=other)
    return _logical_or.call(input, other)


def logical_xor(input: Tensor, other: Tensor) -> Tensor:
    """Whether exactly one element is nonzero; see :func:`logical_and`.

    >>> lampas.logical_xor(lampas.tensor([1, 0]), lampas.tensor([1, 1]))
    tensor([False,  True])
    """
    require_tensors("logical_xor", input=input, other=other)
    return _logical_xor.call(input, other)


def logical_not(input: Tensor) -> Tensor:
    """Whether elements are zero.

    >>> lampas.logical_not(lampas.tensor([1, 0]))
    tensor([False,  True])
    """
    return _logical_not.call(input)


# No ufunc slot: its path would pass floats to NumPy, whose complaint says less.
_bitwise_and = op("bitwise_and", kind=ELEMENTWISE, infer=broadcast)
_bitwise_or = op("bitwise_or", kind=ELEMENTWISE, infer=broadcast)
_bitwise_xor = op("bitwise_xor", kind=ELEMENTWISE, infer=broadcast)
_left_shift = op("bitwise_left_shift", kind=ELEMENTWISE, infer=broadcast)
_right_shift = op("bitwise_right_shift", kind=ELEMENTWISE, infer=broadcast)
_bitwise_not = op("bitwise_not", kind=ELEMENTWISE, infer=broadcast)


@_bitwise_and.forward
def bitwise_and_forward(xp: Any, x: Any, other: Any) -> Any:
    return xp.bitwise_and(x, other)


@_bitwise_or.forward
def bitwise_or_forward(xp: Any, x: Any, other: Any) -> Any:
    return xp.bitwise_or(x, other)


@_bitwise_xor.forward
def bitwise_xor_forward(xp: Any, x: Any, other: Any) -> Any:
    return xp.bitwise_xor(x, other)


@_left_shift.forward
def bitwise_left_shift_forward(xp: Any, x: Any, other: Any) -> Any:
    return xp.left_shift(x, other)


@_right_shift.forward
def bitwise_right_shift_forward(xp: Any, x: Any, other: Any) -> Any:
    return xp.right_shift(x, other)


@_bitwise_not.forward
def bitwise_not_forward(xp: Any, x: Any) -> Any:
    return xp.bitwise_not(x)


def bitwise_and(input: Tensor, other: Tensor | int) -> Tensor:
    """The bits set in both, of integers or bools.

    Args:
        input, other: tensors that broadcast against each other, or a number.

    Raises:
        RuntimeError: an operand is floating.

    >>> lampas.bitwise_and(lampas.tensor([6]), 3)
    tensor([2])
    """
    require_one("bitwise_and", input, other)
    return _bitwise_and.call(input, other)


def bitwise_or(input: Tensor, other: Tensor | int) -> Tensor:
    """The bits set in one or both; see :func:`bitwise_and`.

    >>> lampas.bitwise_or(lampas.tensor([6]), 3)
    tensor([7])
    """
    require_one("bitwise_or", input, other)
    return _bitwise_or.call(input, other)


def bitwise_xor(input: Tensor, other: Tensor | int) -> Tensor:
    """The bits set in exactly one; see :func:`bitwise_and`.

    >>> lampas.bitwise_xor(lampas.tensor([6]), 3)
    tensor([5])
    """
    require_one("bitwise_xor", input, other)
    return _bitwise_xor.call(input, other)


def bitwise_not(input: Tensor) -> Tensor:
    """All bits turned over; of bools, logical not.

    Raises:
        RuntimeError: the input is floating.

    >>> lampas.bitwise_not(lampas.tensor([0, 1]))
    tensor([-1, -2])
    """
    require_tensors("bitwise_not", input=input)
    return _bitwise_not.call(input)


def bitwise_left_shift(input: Tensor, other: Tensor | int) -> Tensor:
    """Bits moved up: ``y = input * 2 ** other`` of integers.

    >>> lampas.bitwise_left_shift(lampas.tensor([1, 2]), 3)
    tensor([ 8, 16])
    """
    require_one("bitwise_left_shift", input, other)
    return _left_shift.call(input, other)


def bitwise_right_shift(input: Tensor, other: Tensor | int) -> Tensor:
    """Bits moved down, keeping the sign: ``y = floor(input / 2 ** other)``.

    >>> lampas.bitwise_right_shift(lampas.tensor([8, 17]), 3)
    tensor([1, 2])
    """
    require_one("bitwise_right_shift", input, other)
    return _right_shift.call(input, other)


for _function in (eq, ne, lt, le, gt, ge, logical_and, logical_or, logical_xor):
    method(inplace=True)(_function)
method("greater", inplace=True)(gt)
method("greater_equal", inplace=True)(ge)
method("less", inplace=True)(lt)
method("less_equal", inplace=True)(le)
method("not_equal", inplace=True)(ne)
method(inplace=True)(logical_not)
for _function in (bitwise_and, bitwise_or, bitwise_xor, bitwise_not):
    method(inplace=True)(_function)
method(inplace=True)(bitwise_left_shift)
method(inplace=True)(bitwise_right_shift)
