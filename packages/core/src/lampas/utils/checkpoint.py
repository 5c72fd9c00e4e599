"""Trading time for memory: values that gradients need are computed a second time.

A checkpointed function keeps its arguments only. When the backward pass asks for the
first value from inside, the function is run again, with the random numbers of the first
time, and its values are handed out one by one.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lampas.engine.autocast import precision
from lampas.engine.backward import backward
from lampas.engine.function import Function
from lampas.engine.modes import enable_grad, mode, no_grad
from lampas.engine.tensor import Tensor, shared_cell
from lampas.engine.watch import saved_tensors_hooks
from lampas.errors import ArgumentError, GradientError, VersionError
from lampas.random import default_generator, fork_rng

__all__ = [
    "CheckpointError",
    "checkpoint",
    "checkpoint_sequential",
    "noop_context_fn",
    "set_checkpoint_early_stop",
]

_early_stop: list[bool] = []


class CheckpointError(GradientError):
    """The second run of a checkpointed function differs from the first."""


class _Enough(BaseException):
    """Ends the second run once every value is there."""


def noop_context_fn() -> tuple[Any, Any]:
    """Two context managers that do nothing: the default ``context_fn``.

    >>> first, second = noop_context_fn()
    """
    return contextlib.nullcontext(), contextlib.nullcontext()


@contextlib.contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Whether second runs end as soon as all values are there, for calls inside.

    Args:
        enable: overrides the argument of :func:`checkpoint`.

    >>> with set_checkpoint_early_stop(False):
    ...     pass
    """
    _early_stop.append(enable)
    try:
        yield
    finally:
        _early_stop.pop()


@contextlib.contextmanager
def _random_from(state: Any) -> Iterator[None]:
    """The random numbers that followed ``state``; None leaves the generator alone."""
    if state is None:
        yield
        return
    with fork_rng():
        default_generator._set_state_array(state)
        yield


def _random_state(preserve: bool) -> Any:
    return default_generator._state_array() if preserve else None


def _about(x: Tensor) -> tuple[Any, ...]:
    return tuple(x.shape), x.dtype, str(x.device)


class _Region:
    """One call of a checkpointed function: how to run it again, and what it saved."""

    def __init__(
        self,
        run: Callable[[], Any],
        given: Sequence[Any],
        state: Any,
        context: Any,
        check: bool,
        early: bool,
    ) -> None:
        self.run = run
        self.state = state
        self.casting = mode.autocast
        self.context = context
        self.check = check
        self.early = early
        cells = [shared_cell(x) for x in given if isinstance(x, Tensor)]
        self.guards = [(cell, cell[0]) for cell in cells]
        # Of each value saved by the first run: shape, dtype and device.
        self.saved: list[tuple[Any, ...]] = []
        self.values: dict[int, Tensor] = {}

    def pack(self, x: Tensor) -> int:
        """Note a value of the first run; its place stands for it."""
        self.saved.append(_about(x))
        return len(self.saved) - 1

    def unpack(self, place: int) -> Tensor:
        """A value of the second run, which is made when the first is asked for."""
        if place not in self.values:
            self._again()
        return self.values.pop(place)

    def _again(self) -> None:
        if any(cell[0] != version for cell, version in self.guards):
            raise VersionError(
                "an argument of a checkpointed function was changed in place before "
                "backward, which has to run the function again; clone() it first"
            )
        self.values = {}
        count = 0

        def pack(x: Tensor) -> None:
            nonlocal count
            place, count = count, count + 1
            if place < len(self.saved):
                self._compare(place, x)
                self.values[place] = x
            if self.early and count == len(self.saved):
                raise _Enough

        hooks = saved_tensors_hooks(pack, _never)
        with contextlib.suppress(_Enough), enable_grad(), _random_from(self.state):
            with precision(self.casting), self.context, hooks:
                self.run()
        if count != len(self.saved):
            raise CheckpointError(
                "a checkpointed function saved another number of tensors when it was "
                f"run again: {len(self.saved)} in forward, {count} in the second run; "
                "it must do the same both times"
            )

    def _compare(self, place: int, x: Tensor) -> None:
        if self.check and _about(x) != self.saved[place]:
            raise CheckpointError(
                f"tensor {place} that a checkpointed function saves differs when it is "
                f"run again: (shape, dtype, device) was {self.saved[place]} and is "
                f"{_about(x)}; it must do the same both times"
            )


def _never(packed: Any) -> Tensor:
    raise CheckpointError("a gradient was asked for inside of a second run")


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """Call ``function(*args, **kwargs)`` and keep nothing from inside for gradients.

    The backward pass runs the function again. Memory for gradients falls from what
    the function saves to its arguments; the forward is computed twice.

    Args:
        function: must compute the same from the same arguments.
        args, kwargs: its arguments.
        use_reentrant: True runs a backward pass within the backward pass, as
            PyTorch's first form did: at least one tensor among ``args`` must require
            grad, keyword arguments are refused and :func:`autograd.grad` does not see
            parameters. False and None have none of these limits.
        context_fn: gives two context managers, for the first and the second run.
        determinism_check: ``"default"`` compares shape, dtype and device of what both
            runs save; ``"none"`` does not.
        debug: accepted; errors name the tensors anyway.
        early_stop: end the second run once every value is there.
        preserve_rng_state: give the second run the random numbers of the first.

    Returns:
        What ``function`` returns.

    Raises:
        RuntimeError: in backward, if the second run differs (CheckpointError).
        ValueError: an argument that the chosen form does not take.

    >>> import lampas
    >>> layer = lampas.nn.Sequential(lampas.nn.Linear(2, 2), lampas.nn.Tanh())
    >>> x = lampas.ones(1, 2, requires_grad=True)
    >>> checkpoint(layer, x, use_reentrant=False).sum().backward()
    >>> x.grad.shape
    lampas.Size([1, 2])
    """
    if determinism_check not in ("default", "none"):
        raise ArgumentError(
            f"determinism_check must be 'default' or 'none', got {determinism_check!r}"
        )
    if use_reentrant:
        if kwargs:
            raise ArgumentError(
                f"unexpected keyword arguments: {', '.join(kwargs)}; "
                "use_reentrant=True takes positional ones only"
            )
        if context_fn is not noop_context_fn:
            raise ArgumentError("context_fn is for use_reentrant=False only")
        return _reentrant(function, preserve_rng_state, args)
    first, second = context_fn()
    if not mode.grad:
        with first:
            return function(*args, **kwargs)
    region = _Region(
        lambda: function(*args, **kwargs),
        (*args, *kwargs.values()),
        _random_state(preserve_rng_state),
        second,
        determinism_check == "default",
        _early_stop[-1] if _early_stop else early_stop,
    )
    with first, saved_tensors_hooks(region.pack, region.unpack):
        return function(*args, **kwargs)


class _Reentrant(Function):
    """Runs without being recorded; its backward runs again, and a backward of that."""

    @staticmethod
    def forward(ctx: Any, function: Any, preserve: bool, *args: Any) -> Any:
        ctx.function = function
        ctx.casting = mode.autocast
        ctx.state = _random_state(preserve)
        ctx.places = [i for i, x in enumerate(args) if isinstance(x, Tensor)]
        ctx.save_for_backward(*(args[i] for i in ctx.places))
        ctx.args = [None if isinstance(x, Tensor) else x for x in args]
        return function(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        args = list(ctx.args)
        for i, x in zip(ctx.places, ctx.saved_tensors, strict=True):
            args[i] = x.detach().requires_grad_(x.requires_grad)
        with enable_grad(), _random_from(ctx.state), precision(ctx.casting):
            outputs = ctx.function(*args)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        pairs = [
            (y, g)
            for y, g in zip(outputs, grads, strict=True)
            if isinstance(y, Tensor) and y.requires_grad
        ]
        if not pairs:
            raise CheckpointError(
                "none of the outputs of a checkpointed function requires grad"
            )
        backward([y for y, _ in pairs], [g for _, g in pairs])
        return None, None, *(x.grad if isinstance(x, Tensor) else None for x in args)


def _reentrant(function: Callable[..., Any], preserve: bool, args: Any) -> Any:
    tensors = [x for x in args if isinstance(x, Tensor)]
    if mode.grad and not any(x.requires_grad for x in tensors):
        warnings.warn(
            "none of the inputs of checkpoint(use_reentrant=True) requires grad, so "
            "nothing inside gets a gradient; use_reentrant=False has no such limit",
            UserWarning,
            stacklevel=3,
        )
        with no_grad():
            return function(*args)
    return _Reentrant.apply(function, preserve, *args)


def _chain(parts: Sequence[Callable[..., Any]]) -> Callable[[Any], Any]:
    def run(x: Any) -> Any:
        for part in parts:
            x = part(x)
        return x

    return run


def checkpoint_sequential(
    functions: Any,
    segments: int,
    input: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
) -> Any:
    """Run functions one after the other, checkpointed in segments; the last is not.

    Args:
        functions: an ``nn.Sequential`` or a list of modules or functions.
        segments: how many parts of equal length to make.
        input: what the first function takes.
        use_reentrant, preserve_rng_state: as for :func:`checkpoint`.

    Returns:
        What the last function returns.

    Raises:
        ValueError: ``segments`` is not between 1 and the number of functions.

    >>> import lampas
    >>> layers = lampas.nn.Sequential(*[lampas.nn.Linear(2, 2) for _ in range(4)])
    >>> x = lampas.ones(1, 2)
    >>> bool((checkpoint_sequential(layers, 2, x) == layers(x)).all())
    True
    """
    parts = list(functions)
    if not 1 <= segments <= len(parts):
        raise ArgumentError(
            f"segments must be between 1 and the {len(parts)} functions, got {segments}"
        )
    size = len(parts) // segments
    x = input
    for k in range(segments - 1):
        x = checkpoint(
            _chain(parts[k * size : (k + 1) * size]),
            x,
            use_reentrant=use_reentrant,
            preserve_rng_state=preserve_rng_state,
        )
    return _chain(parts[(segments - 1) * size :])(x)
