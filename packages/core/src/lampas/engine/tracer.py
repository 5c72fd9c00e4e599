"""Tensors that function transforms pass through a program: the base of their classes.

A tracer stands for a tensor at one level of a nest of transforms (``vmap``, ``jvp``,
``grad``). The call path hands an op that meets one to the highest level among the
operands, which runs the op on what that level holds: so transforms nest in any order.
"""

from __future__ import annotations

import contextlib
import functools
import math
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar, cast

import numpy as np

from lampas.backend.device import Device
from lampas.engine.modes import mode
from lampas.engine.record import DECLINE, Record
from lampas.engine.tensor import Tensor
from lampas.engine.views import join_view
from lampas.errors import LampasError

__all__ = [
    "Hidden",
    "HiddenValues",
    "Level",
    "Tracer",
    "TransformError",
    "batched_by",
    "by_example",
    "check_randomness",
    "interpret",
    "live",
    "refuse_leaked",
    "rewrapped",
    "top_level",
    "turn_into",
]

F = TypeVar("F", bound=Callable[..., Any])
L = TypeVar("L", bound="Level")


class TransformError(LampasError, RuntimeError):
    """A tensor of a function transform is used where it has no meaning."""


_NOTHING = np.empty(0, bool)
_SLOTS = ("_data", "_node", "_cell", "_view", "_extra")


class HiddenValues(Exception):
    """A batched tensor was asked for its values: its level must go on by example."""

    def __init__(self, level: Level, what: str) -> None:
        super().__init__(f"{what} needs the values of a batched tensor")
        self.level = level


class Hidden:
    """Stands for the array of one example of a batch: its shape and type, no values."""

    __slots__ = (
        "dtype",
        "flags",
        "itemsize",
        "level",
        "nbytes",
        "ndim",
        "shape",
        "size",
        "strides",
    )

    base = None

    def __init__(self, level: Level, array: Any) -> None:
        self.level = level
        self.shape = tuple(array.shape[1:])
        self.dtype = array.dtype
        self.ndim = len(self.shape)
        self.itemsize = array.dtype.itemsize
        self.size = math.prod(self.shape)
        self.nbytes = self.size * self.itemsize
        # As of an array in row-major order: that is what a view of it may assume.
        self.flags = _NOTHING.flags
        steps = [self.itemsize]
        for length in self.shape[:0:-1]:
            steps.append(steps[-1] * length)
        self.strides = tuple(steps[::-1]) if self.shape else ()

    def _ask(self, *args: Any, **kwargs: Any) -> NoReturn:
        self.__getattr__("an operation")

    def __getattr__(self, name: str) -> NoReturn:
        if not self.level.alive:
            raise TransformError(
                f"{name} needs the values of a tensor of a vmap that has ended; return "
                "it from the function instead of keeping it"
            )
        raise HiddenValues(self.level, name)

    __hash__ = None  # type: ignore[assignment]
    __array__ = __getitem__ = __setitem__ = __iter__ = __bool__ = __len__ = _ask
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _ask
    __truediv__ = __rtruediv__ = __and__ = __or__ = __xor__ = __invert__ = _ask
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _ask
    __neg__ = __abs__ = __index__ = __int__ = __float__ = _ask


class Level:
    """One transform in progress.

    Attributes:
        depth: how many transforms are around it.
        alive: False after the transform has returned.
        randomness: whether random numbers may be drawn: ``"same"``, ``"different"`` or
            ``"error"``.
        unrolling: whether it goes on example by example just now.
    """

    randomness = "same"
    unrolling = False

    def __init__(self) -> None:
        self.depth = 0
        self.alive = False
        # Tensors that changes in place have made tracers of this level, as they were.
        self.changed: dict[int, tuple[Any, dict[str, Any]]] = {}

    def note_change(self, target: Tensor) -> None:
        """Remember a tensor that is about to become a tracer of this level."""
        key, changed = id(target), self.changed
        if key in changed:
            return
        state = {name: getattr(target, name) for name in _SLOTS}
        state["__class__"], state["__dict__"] = type(target), dict(target.__dict__)
        # What is kept of a view would keep its base: let go of it with the view.
        reference = weakref.ref(target, lambda _: changed.pop(key, None))
        changed[key] = reference, state

    def restore(self) -> None:
        """Give tensors that were changed in place back what they were before."""
        for reference, state in list(self.changed.values()):
            target = reference()
            if target is None:
                continue
            target.__class__ = state["__class__"]
            target.__dict__.clear()
            target.__dict__.update(state["__dict__"])
            for name in _SLOTS:
                setattr(target, name, state[name])
        self.changed.clear()

    def process(
        self, record: Record, operands: tuple[Any, ...], params: dict[str, Any]
    ) -> Any:
        """The op, on operands of which one at least is a tracer of this level."""
        raise NotImplementedError

    def apply(self, function: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
        """An ``autograd.Function`` on arguments with a tracer of this level."""
        raise NotImplementedError

    def owns(self, x: Any) -> bool:
        """Whether an operand is a tracer of this level."""
        return isinstance(x, Tracer) and x._level is self

    def value_of(self, x: Any) -> Any:
        """What this level holds in the place of an operand."""
        return x._value if self.owns(x) else x


@contextmanager
def live(level: L) -> Iterator[L]:
    """Make a level the innermost transform in progress."""
    before = mode.levels
    mode.levels = (*before, level)
    level.depth, level.alive = len(before) + 1, True
    try:
        yield level
    except BaseException:
        level.restore()
        raise
    finally:
        level.alive = False
        mode.levels = before


class Tracer(Tensor):
    """A tensor at one level of the transforms in progress.

    ``_value`` is the tensor (or tracer of a lower level) that the level holds for it.
    """

    _level: Level
    _value: Tensor

    @property
    def device(self) -> Device:
        """The device of what it stands for."""
        return self._value.device

    def __repr__(self) -> str:
        return f"{type(self).__name__}(level {self._level.depth}, {self._value!r})"

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Refused: a transform says by what it differentiates."""
        raise TransformError(
            "requires_grad_() can't be used on a tensor inside a function transform; "
            "use lampas.func.grad, vjp or jvp around the function instead"
        )

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """Whether what it stands for lies in memory without gaps."""
        return self._value.is_contiguous()

    def detach(self) -> Tensor:
        """Its values, cut off from every transform that differentiates."""
        return self._value.detach()

    @property
    def data(self) -> Tensor:
        """The same as :meth:`detach`."""
        return self.detach()

    def backward(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused: see :meth:`requires_grad_`."""
        raise TransformError(
            "backward() can't be used inside a function transform; use "
            "lampas.func.grad or vjp"
        )


def make(cls: type[Tracer], level: Level, value: Tensor, data: Any) -> Any:
    """A tracer whose ``_data`` answers questions of shape and type."""
    tracer = object.__new__(cls)
    tracer._data = data
    tracer._node = tracer._cell = tracer._view = tracer._extra = None
    tracer._level, tracer._value = level, value
    return tracer


def top_level(operands: Iterable[Any]) -> Level:
    """The innermost transform among those of the operands."""
    found = (x._level for x in operands if isinstance(x, Tracer))
    return max(found, key=lambda level: level.depth)


def interpret(record: Record, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """Run an op at the highest level among its operands."""
    level = top_level(operands)
    if not level.alive:
        refuse_leaked(record, operands)
    outs = level.process(record, operands, params)
    if record.view:
        for i, out in enumerate((outs,) if record.outputs == 1 else outs):
            join_view(record, operands[0], out, i, params)
    return outs


def refuse_leaked(record: Record, operands: Iterable[Any]) -> None:
    """Refuse tensors of transforms that are no longer in progress."""
    for x in operands:
        if isinstance(x, Tracer) and not x._level.alive:
            raise TransformError(
                f"{record.name}: a tensor from inside a function transform is used "
                "after the transform has ended; return it from the function instead "
                "of keeping it"
            )


def turn_into(target: Tensor, result: Tensor) -> None:
    """Make ``target`` the same tensor as ``result``: a change in place of a tracer."""
    if isinstance(result, Tracer) and (
        not isinstance(target, Tracer) or target._level is not result._level
    ):
        result._level.note_change(target)
    target.__class__ = type(result)
    target.__dict__.clear()
    target.__dict__.update(result.__dict__)
    target._data, target._node = result._data, result._node


def rewrapped(old: Any, new: Tensor) -> Tensor:
    """New values with the history of ``old``: a change in place under ``no_grad``."""
    if not isinstance(old, Tracer) or old._node is None:
        return new
    if isinstance(new, Tracer) and new._level.depth >= old._level.depth:
        return new
    inner = rewrapped(old._value, new)
    result = make(type(old), old._level, inner, inner._data)
    result._node = old._node
    return result


def by_example(function: F) -> F:
    """Let a function that looks at values serve batches: one example at a time.

    Index tensors and the like are read when an op is called; where ``vmap`` hides
    them, the function is called for each example and the results are stacked.
    """
    return batched_by(None)(function)


def batched_by(rule: Callable[..., Any] | None) -> Callable[[F], F]:
    """Let a function that looks at values serve batches: by a rule, if that takes it.

    Args:
        rule: ``rule(level, *args, **kwargs)`` gives what the function would, from
            whole batches: ``level.reveal(x)`` has them in front, ``level.hide(y)``
            makes them a result. It may return DECLINE.
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except HiddenValues as hidden:
                level: Any = hidden.level
                if level.unrolling:
                    raise
            if rule is not None and level.size:
                # A level further out may hide what the rule looks at.
                with contextlib.suppress(HiddenValues):
                    out = rule(level, *args, **kwargs)
                    if out is not DECLINE:
                        return out
            return level.unroll(call, args, kwargs)

        return cast("F", call)

    return decorate


def check_randomness() -> None:
    """Ask the transforms in progress whether random numbers may be drawn.

    Raises:
        RuntimeError: a ``vmap`` has ``randomness="error"``.
    """
    for level in reversed(mode.levels):
        if level.randomness == "error":
            raise TransformError(
                "vmap: the function draws random numbers; say with randomness="
                '"different" or "same" whether each example gets its own'
            )
        if level.randomness == "different":
            raise HiddenValues(level, "drawing random numbers for each example")
