"""Autocast: in which precision the ops of a region compute.

What an op computes in stands in its record (``autocast="half"``); a function that is
made of several ops says it by the decorator :func:`computes_in`.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import ml_dtypes
import numpy as np

from lampas.engine.callpath import CAST
from lampas.engine.intercept import Interceptor
from lampas.engine.modes import mode
from lampas.engine.record import Record
from lampas.engine.tape import Leaf, Node
from lampas.engine.tensor import Tensor, shared_cell

__all__ = [
    "CASTS",
    "Casting",
    "computes_in",
    "enter",
    "leave",
    "policy_for",
    "precision",
]

F = TypeVar("F", bound=Callable[..., Any])

_FLOAT = np.dtype(np.float32)
_CASTABLE = (_FLOAT, np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16))
_DEVICES = ("cpu", "cuda", "sim")


def policy_for(text: str) -> dict[str, str]:
    """``"half"`` or ``"float"`` for each device on which operands are cast.

    >>> policy_for("float:cuda")
    {'cuda': 'float', 'sim': 'float'}
    """
    kind, _, only = text.partition(":")
    if kind == "promote":
        return {}
    # The simulated device stands for a card.
    wanted = {"cuda": _DEVICES[1:], "cpu": _DEVICES[:1]}.get(only, _DEVICES)
    return dict.fromkeys(wanted, kind)


class _KeptNode(Node):
    """The cast of a weight that several backward passes go through."""

    __slots__ = ()

    def release(self) -> None:
        """Nothing is let go: the node is there until the region ends."""


class Casting:
    """The precision of a region; never changed, only replaced.

    Attributes:
        half: for each device on which autocast is on, the type of ``"half"`` ops.
        cache: the casts of leaves so far, or None if they are not kept.
    """

    __slots__ = ("cache", "half")

    def __init__(self, half: dict[str, np.dtype], cache: dict[int, Any] | None) -> None:
        self.half = half
        self.cache = cache

    def cast(self, x: Any, policy: dict[str, str]) -> Any:
        """An operand as an op of this policy takes it; gradients pass through."""
        if isinstance(x, (list, tuple)):
            return type(x)(self.cast(v, policy) for v in x)
        if not isinstance(x, Tensor) or x._data.dtype not in _CASTABLE:
            return x
        device = "cpu" if type(x._data) is np.ndarray else x.device.type
        half, kind = self.half.get(device), policy.get(device)
        if half is None or kind is None:
            return x
        target = half if kind == "half" else _FLOAT
        if x._data.dtype == target:
            return x
        if self.cache is not None and kind == "half" and type(x._node) is Leaf:
            return self._kept(x, target)
        return CAST[0](x, dtype=target)

    def _kept(self, x: Tensor, target: np.dtype) -> Tensor:
        """The cast of a weight, which is made once in a region."""
        cache: Any = self.cache
        version = shared_cell(x)[0]
        if (found := cache.get(id(x))) is not None and mode.grad:
            data, seen, _, cast = found
            same = data is x._data and seen == version
            if same and cast._data.dtype == target:
                return cast
        cast = CAST[0](x, dtype=target)
        # Nodes of other kinds belong to hooks or to the search for NaN.
        if type(cast._node) is Node and not mode.levels:
            cast._node.__class__ = _KeptNode
            # The weight is kept as long as its number is a key.
            cache[id(x)] = x._data, version, x, cast
        return cast


def _around(record: Record, call: Callable[..., Any]) -> Callable[..., Any] | None:
    policy = policy_for(record.autocast)
    if not policy:
        return None

    def casting_call(*args: Any, **params: Any) -> Any:
        casting = mode.autocast
        if casting is None:
            return call(*args, **params)
        return call(*[casting.cast(x, policy) for x in args], **params)

    return casting_call


def _around_assign(assign: Callable[..., Any]) -> Callable[..., Any]:
    """Changes in place compute in the type of what they change."""

    def plain_assign(*args: Any) -> Any:
        casting, mode.autocast = mode.autocast, None
        try:
            return assign(*args)
        finally:
            mode.autocast = casting

    return plain_assign


CASTS = Interceptor(_around, assign=_around_assign, innermost=True)


def enter(casting: Casting | None) -> Casting | None:
    """Make this the precision of the thread; returns what was before, for leave()."""
    before = mode.autocast
    if casting is not None:
        CASTS.start()
    mode.autocast = casting
    return before


def leave(before: Casting | None) -> None:
    """Go back to the precision before."""
    if mode.autocast is not None:
        CASTS.stop()
    mode.autocast = before


@contextlib.contextmanager
def precision(casting: Casting | None) -> Iterator[None]:
    """The precision of another time, for what has to be computed again.

    It keeps casts of its own: those of a region that may have ended are let go.
    """
    if casting is not None and casting.cache is not None:
        casting = Casting(casting.half, {})
    before = enter(casting)
    try:
        yield
    finally:
        leave(before)


def computes_in(text: str) -> Callable[[F], F]:
    """Say in which precision a function of several ops computes under autocast.

    The ops inside do not cast for themselves.

    Args:
        text: as a record's ``autocast``.
    """
    policy = policy_for(text)

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            casting = mode.autocast
            if casting is None:
                return function(*args, **kwargs)
            args = casting.cast(args, policy)
            kwargs = {k: casting.cast(v, policy) for k, v in kwargs.items()}
            mode.autocast = None
            try:
                return function(*args, **kwargs)
            finally:
                mode.autocast = casting

        return call  # type: ignore[return-value]

    return decorate
