"""Python's operators on tensors, bound to the call paths of their records."""

from __future__ import annotations

from lampas.engine.callpath import operator
from lampas.engine.record import RECORDS
from lampas.engine.tensor import Tensor

__all__ = ["BINARY", "bind"]

BINARY = {
    "add": "add",
    "sub": "sub",
    "mul": "mul",
    "truediv": "div",
}
"""Python's name of each binary operator, and the record behind it."""


def bind() -> None:
    """Give Tensor its binary operators and their reversed and in-place forms."""
    for name, record in BINARY.items():
        setattr(Tensor, f"__{name}__", operator(RECORDS[record]))
        setattr(Tensor, f"__r{name}__", operator(RECORDS[record], reverse=True))
        setattr(Tensor, f"__i{name}__", getattr(Tensor, record + "_"))


bind()
