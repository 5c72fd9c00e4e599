"""Python's operators on tensors, bound to the call paths of their records."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.engine.callpath import operator
from lampas.engine.intercept import OPERATORS
from lampas.engine.operands import is_operand
from lampas.engine.record import RECORDS
from lampas.engine.tensor import Tensor, wrap
from lampas.ops import arithmetic, compare, matmul, power, unary

__all__ = ["BINARY", "COMPARISONS", "bind"]

BINARY = {
    "add": "add",
    "sub": "sub",
    "mul": "mul",
    "truediv": "div",
    "floordiv": "div_floor",
    "mod": "remainder",
    "and": "bitwise_and",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
    "lshift": "bitwise_left_shift",
    "rshift": "bitwise_right_shift",
}
"""Python's name of each binary operator, and the record behind it."""

COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
"""Comparisons have the same name as their records; Python reverses them itself."""

_INPLACE = {"div_floor": "floor_divide"}


def _guarded(function: Any, name: str, reverse: bool = False) -> Any:
    """A function of two operands as an operator that declines what is none."""

    def call(x: Any, other: Any) -> Any:
        if not is_operand(other):
            return NotImplemented
        return function(other, x) if reverse else function(x, other)

    call.__name__ = call.__qualname__ = name
    return call


def bind() -> None:
    """Give Tensor its operators and their reversed and in-place forms."""
    for name, record in BINARY.items():
        check = arithmetic.refuse_bool if name == "sub" else None
        forth = operator(RECORDS[record], check=check)
        setattr(Tensor, f"__{name}__", forth)
        back = operator(RECORDS[record], reverse=True, check=check)
        setattr(Tensor, f"__r{name}__", back)
        OPERATORS[f"__{name}__"] = OPERATORS[f"__r{name}__"] = RECORDS[record]
        inplace = getattr(Tensor, _INPLACE.get(record, record) + "_")
        setattr(Tensor, f"__i{name}__", inplace)
    for name in COMPARISONS:
        setattr(Tensor, f"__{name}__", operator(RECORDS[name]))
        OPERATORS[f"__{name}__"] = RECORDS[name]
    Tensor.__pow__ = _guarded(power.pow, "__pow__")  # type: ignore[attr-defined]
    Tensor.__rpow__ = _guarded(  # type: ignore[attr-defined]
        power.pow, "__rpow__", reverse=True
    )
    Tensor.__rmatmul__ = _rmatmul  # type: ignore[attr-defined]
    Tensor.__ipow__ = Tensor.pow_  # type: ignore[attr-defined]
    Tensor.__invert__ = compare.bitwise_not  # type: ignore[attr-defined]
    Tensor.__abs__ = unary.abs  # type: ignore[attr-defined]
    Tensor.__neg__ = arithmetic.neg  # type: ignore[attr-defined]
    Tensor.__contains__ = _contains  # type: ignore[attr-defined]


def _contains(self: Tensor, element: Any) -> bool:
    return bool((self._data == getattr(element, "_data", element)).any())


def _rmatmul(x: Tensor, other: Any) -> Any:
    if not isinstance(other, (Tensor, np.ndarray)):
        return NotImplemented
    return matmul.matmul(other if isinstance(other, Tensor) else wrap(other), x)


bind()
