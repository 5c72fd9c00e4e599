"""Plain Python and NumPy data in a checkpoint's pickle.

Every builder receives arguments that a file chose: it checks their types before it
uses them, and builds containers, numbers and arrays only.
"""

from __future__ import annotations

import math
import re
from argparse import Namespace
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from lampas.serialization.names import Name, damaged, shown
from lampas.serialization.stored import Maker, at_least, counts, tensor_names
from lampas.serialization.unpickle import check_key

__all__ = ["PLAIN_NAMES", "known_names", "rebuild", "rebuild_with"]


def _ordered(arguments: tuple) -> OrderedDict:
    if arguments:
        raise damaged("an OrderedDict has its items as arguments")
    return OrderedDict()


def _counter(arguments: tuple) -> Counter:
    if len(arguments) != 1 or type(arguments[0]) is not dict:
        raise damaged("a Counter is not made of one dict")
    return Counter(arguments[0])


_FACTORIES = {
    f"{module} {kind.__name__}": kind
    for module in ("__builtin__", "builtins")
    for kind in (dict, list, int, float, bool, str, tuple)
} | {"collections OrderedDict": OrderedDict}


def _default_dict(arguments: tuple) -> defaultdict:
    factory = arguments[0] if arguments else None
    if factory is None:
        return defaultdict()
    if type(factory) is not Name or factory.text not in _FACTORIES:
        raise damaged(f"the factory of a defaultdict is {shown(factory)}")
    return defaultdict(_FACTORIES[factory.text])


def _namespace(arguments: tuple) -> Namespace:
    if arguments:
        raise damaged("a Namespace has positional arguments")
    return Namespace()


def _encoded(arguments: tuple) -> bytes:
    text, codec = (*arguments, "latin1", "latin1")[:2]
    if type(text) is not str or codec not in ("latin1", "latin-1", "iso-8859-1"):
        raise damaged(f"bytes are encoded as {shown(codec)}")
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError as error:
        raise damaged(f"bytes are not bytes: {error}") from error


def _set_like(kind: type) -> Callable[[tuple], object]:
    def make(arguments: tuple) -> object:
        items = arguments[0] if arguments else []
        if len(arguments) > 1 or type(items) is not list:
            raise damaged(f"a {kind.__name__} is not made of a list")
        for item in items:
            check_key(item)
        return kind(items)

    return make


def _complex(arguments: tuple) -> complex:
    if len(arguments) != 2 or any(type(part) is not float for part in arguments):
        raise damaged(f"{shown(arguments)} is not a complex number")
    return complex(*arguments)


def _bytearray(arguments: tuple) -> bytearray:
    # One integer would be a size to allocate; text comes with its codec.
    data = arguments[0] if arguments else b""
    if type(data) is str:
        data = _encoded(arguments)
    if type(data) is not bytes:
        raise damaged("a bytearray is not made of bytes")
    return bytearray(data)


_PYTHON: dict[str, Callable[[tuple], object]] = {
    "collections OrderedDict": _ordered,
    "collections Counter": _counter,
    "collections defaultdict": _default_dict,
    "argparse Namespace": _namespace,
    "_codecs encode": _encoded,
    **{
        f"{module} {name}": build
        for module in ("__builtin__", "builtins")
        for name, build in (
            ("set", _set_like(set)),
            ("frozenset", _set_like(frozenset)),
            ("complex", _complex),
            ("bytearray", _bytearray),
        )
    },
}


def _numpy_dtype(arguments: tuple) -> np.dtype:
    text = arguments[0] if arguments else None
    if type(text) is not str or not re.fullmatch(
        r"[<>|=]?([biufc]\d{1,2}|[SU]\d{1,9})", text
    ):
        raise damaged(f"the NumPy dtype {shown(text)} is not a plain number or text")
    try:
        return np.dtype(text)
    except TypeError as error:
        raise damaged(f"NumPy has no dtype {text!r}") from error


def _numpy_reconstruct(arguments: tuple) -> np.ndarray:
    kind = arguments[0] if arguments else None
    if type(kind) is not Name or kind.text != "numpy ndarray":
        raise damaged(f"an array is rebuilt from {shown(kind)}")
    return np.empty(0, np.uint8)


def _numpy_array(
    dtype: object, shape: object, raw: object, order: Literal["C", "F"]
) -> np.ndarray:
    if not isinstance(dtype, np.dtype) or not isinstance(raw, (bytes, bytearray)):
        raise damaged("a NumPy array lacks its dtype or its bytes")
    shape = counts(shape, "NumPy shape")
    if math.prod(shape) * dtype.itemsize != len(raw):
        raise damaged(f"a NumPy array {dtype} {shape} has {len(raw)} bytes")
    array = np.ndarray(shape, dtype, buffer=bytearray(raw), order=order)
    return array.astype(dtype.newbyteorder("="), copy=False)


def _numpy_scalar(arguments: tuple) -> Any:
    at_least(arguments, 2, "a NumPy scalar")
    return _numpy_array(arguments[0], (), arguments[1], "C")[()]


def _numpy_buffer(arguments: tuple) -> np.ndarray:
    at_least(arguments, 4, "a NumPy array")
    raw, dtype, shape, order = arguments[:4]
    if order not in ("C", "F"):
        raise damaged(f"a NumPy array has order {shown(order)}")
    return _numpy_array(dtype, shape, raw, order)


_NUMPY: dict[str, Callable[[tuple], object]] = {
    "numpy dtype": _numpy_dtype,
    **{
        f"numpy.{core}.{name}": build
        for core in ("core", "_core")
        for name, build in (
            ("multiarray _reconstruct", _numpy_reconstruct),
            ("multiarray scalar", _numpy_scalar),
            ("numeric _frombuffer", _numpy_buffer),
        )
    },
}


def rebuild(target: object, state: object) -> object:
    """Give NumPy's dtypes and arrays their state; nothing else has one.

    Raises:
        RuntimeError: the target takes no state, or the state does not fit.
    """
    if isinstance(target, np.dtype) and type(state) is tuple and len(state) > 1:
        order = state[1]
        if order not in ("<", ">", "|", "="):
            raise damaged(f"the byte order of a NumPy dtype is {shown(order)}")
        return target.newbyteorder(order)
    if type(target) is np.ndarray and type(state) is tuple and len(state) == 5:
        _, shape, dtype, fortran, raw = state
        return _numpy_array(dtype, shape, raw, "F" if fortran is True else "C")
    raise damaged(f"a {type(target).__name__} is given a state")


PLAIN_NAMES: dict[str, object] = {
    **{text: Name(text) for text in (*_FACTORIES, "numpy ndarray")},
    **{text: Name(text, build) for text, build in (_PYTHON | _NUMPY).items()},
}


class _Known(dict[str, object]):
    """The names of a closed table, and those that a maker finds."""

    def __init__(self, names: dict[str, object], maker: Maker) -> None:
        super().__init__(names)
        self.maker = maker

    def __contains__(self, text: object) -> bool:
        return super().__contains__(text) or self.maker.find(str(text)) is not None

    def __missing__(self, text: str) -> object:
        found = self[text] = self.maker.find(text)
        return found


def known_names(maker: Maker) -> dict[str, object]:
    """All that a file may mention if ``maker`` makes its tensors."""
    return _Known(PLAIN_NAMES | tensor_names(maker), maker)


def rebuild_with(maker: Maker) -> Callable[[object, object], object]:
    """:func:`rebuild`, and ``maker.restore`` before it."""

    def either(target: object, state: object) -> object:
        restored = maker.restore(target, state)
        return rebuild(target, state) if restored is None else restored

    return either
