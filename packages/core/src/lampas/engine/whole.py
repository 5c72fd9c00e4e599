"""A short path for integers and bools: indices, labels, masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lampas.engine.faults import FAULTS, translated
from lampas.engine.modes import silence, unsilence
from lampas.engine.record import Record
from lampas.engine.tensor import Tensor, wrap

__all__ = ["whole"]

_I64 = np.dtype(np.int64)
_BOOL = np.dtype(np.bool_)
_END = 2**63
_ndarray = np.ndarray


def _whole_unary(record: Record, general: Callable[..., Any]) -> Callable[..., Any]:
    """The path of one int64 or bool tensor."""
    run = record.runner(np)

    def call(x: Any) -> Any:
        if type(x) is not Tensor:
            return general(x)
        a = x._data
        dtype = a.dtype
        if (dtype is not _I64 and dtype is not _BOOL) or type(a) is not _ndarray:
            return general(x)
        token = silence()
        try:
            y = run(a)
        except FAULTS as error:
            raise translated(record, (x,), error) from None
        finally:
            unsilence(token)
        return wrap(y if type(y) is _ndarray else np.asarray(y))

    return call


def whole(record: Record, general: Callable[..., Any]) -> Callable[..., Any]:
    """The path of two int64 tensors, two bool tensors, or an int64 one and an int.

    Nothing is cast and nothing has a gradient. Everything else goes to ``general``.
    """
    if record.promote != "promote" or record.parametric or len(record.inputs) > 2:
        return general
    if len(record.inputs) == 1:
        return _whole_unary(record, general)
    run = record.runner(np)

    def call(x: Any, other: Any) -> Any:
        if type(x) is not Tensor:
            return general(x, other)
        a = x._data
        dtype = a.dtype
        if (dtype is not _I64 and dtype is not _BOOL) or type(a) is not _ndarray:
            return general(x, other)
        if type(other) is Tensor:
            b = other._data
            if b.dtype is not dtype or type(b) is not _ndarray:
                return general(x, other)
        elif type(other) is int and dtype is _I64 and -_END <= other < _END:
            b = other
        else:
            return general(x, other)
        token = silence()
        try:
            y = run(a, b)
        except FAULTS as error:
            raise translated(record, (x, other), error) from None
        finally:
            unsilence(token)
        return wrap(y if type(y) is _ndarray else np.asarray(y))

    return call
