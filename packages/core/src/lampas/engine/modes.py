"""Per-thread modes: whether operations are recorded, and floating-point warnings.

NumPy warns about overflow and invalid values; PyTorch does not. Entering
``numpy.errstate`` for each op costs more than a small op, so the context variable
beneath it is set directly where NumPy has it.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

try:
    from numpy._core._ufunc_config import _extobj_contextvar
    from numpy._core.umath import _make_extobj
except ImportError:  # another NumPy may keep it elsewhere; errstate is everywhere
    _extobj_contextvar = None

__all__ = [
    "BEFORE_WALK",
    "anomaly",
    "as_user",
    "enable_grad",
    "inference_mode",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "mode",
    "no_grad",
    "set_grad_enabled",
]


class _Mode(threading.local):
    grad = True
    inference = False
    # Pairs (pack, unpack) for values that nodes keep; engine.watch serves them.
    hooks: tuple[Any, ...] = ()
    # The function transforms in progress; replaced as a whole, never changed.
    levels: tuple[Any, ...] = ()
    # What NumPy warned about before a backward pass silenced it, see as_user.
    warnings: Any = None
    # To which types operands are cast, see engine.autocast; None if to none.
    autocast: Any = None


mode = _Mode()


class _Anomaly:
    """Whether forward lines are kept and gradients searched for NaN, in all threads."""

    on = False
    check_nan = True


anomaly = _Anomaly()

BEFORE_WALK: list[Callable[[Any], None]] = []
"""Called with the roots before a walk back: by anomaly detection and the profiler."""


def is_grad_enabled() -> bool:
    """Whether this thread records operations for gradients.

    >>> import lampas
    >>> with lampas.no_grad():
    ...     lampas.is_grad_enabled()
    False
    """
    return mode.grad


def is_inference_mode_enabled() -> bool:
    """Whether this thread is in inference mode.

    >>> import lampas
    >>> lampas.is_inference_mode_enabled()
    False
    """
    return mode.inference


class _GradMode(contextlib.ContextDecorator):
    """Sets the modes of this thread on entry and puts the old ones back on exit."""

    def __init__(self, grad: bool, inference: bool | None = None) -> None:
        self._wanted = (grad, inference)
        self._before: list[tuple[bool, bool]] = []

    def __enter__(self) -> None:
        self._before.append((mode.grad, mode.inference))
        grad, inference = self._wanted
        mode.grad = grad
        if inference is not None:
            mode.inference = inference

    def __exit__(self, *exc: object) -> None:
        mode.grad, mode.inference = self._before.pop()

    def __call__(self, func: Callable[..., Any]) -> Callable[..., Any]:
        wanted = self._wanted

        @functools.wraps(func)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with _GradMode(*wanted):
                return func(*args, **kwargs)

        return wrapped


class no_grad(_GradMode):
    """Context manager and decorator: operations are not recorded.

    >>> import lampas
    >>> x = lampas.ones(2, requires_grad=True)
    >>> with lampas.no_grad():
    ...     (x * 2).requires_grad
    False
    """

    def __new__(cls, func: Callable[..., Any] | None = None) -> Any:
        if func is not None:
            return no_grad()(func)
        return super().__new__(cls)

    def __init__(self) -> None:
        super().__init__(False)


class enable_grad(_GradMode):
    """Context manager and decorator: operations are recorded again.

    >>> import lampas
    >>> with lampas.no_grad(), lampas.enable_grad():
    ...     lampas.is_grad_enabled()
    True
    """

    def __new__(cls, func: Callable[..., Any] | None = None) -> Any:
        if func is not None:
            return enable_grad()(func)
        return super().__new__(cls)

    def __init__(self) -> None:
        super().__init__(True)


class inference_mode(_GradMode):
    """Context manager and decorator: like no_grad, for code that never trains.

    Args:
        mode: False switches inference mode off inside.

    >>> import lampas
    >>> with lampas.inference_mode():
    ...     lampas.is_inference_mode_enabled()
    True
    """

    def __new__(cls, mode: Any = True) -> Any:
        if callable(mode):
            return inference_mode()(mode)
        return super().__new__(cls)

    def __init__(self, mode: bool = True) -> None:
        super().__init__(not mode, mode)


class set_grad_enabled(_GradMode):
    """Record operations or not: as a context manager, or from here on.

    Args:
        mode: whether to record.

    >>> import lampas
    >>> with lampas.set_grad_enabled(False):
    ...     lampas.is_grad_enabled()
    False
    """

    def __init__(self, mode_: bool) -> None:
        super().__init__(mode_)
        self._before.append((mode.grad, mode.inference))
        mode.grad = mode_

    def __enter__(self) -> None:
        mode.grad = self._wanted[0]


def as_user(function: Callable[..., Any], *args: Any) -> Any:
    """Call what a user wrote from within a pass: NumPy warns there as it did before."""
    token = restore(mode.warnings)
    try:
        return function(*args)
    finally:
        unsilence(token)


def _enter_errstate() -> np.errstate:
    state = np.errstate(all="ignore")
    state.__enter__()
    return state


def _leave_errstate(state: np.errstate) -> None:
    state.__exit__(None, None, None)


def _enter_given(warnings: dict[str, Any]) -> np.errstate:
    state = np.errstate(**warnings)
    state.__enter__()
    return state


silence: Callable[[], Any] = _enter_errstate
unsilence: Callable[[Any], Any] = _leave_errstate
# What NumPy warns about now, and how to go back to that.
warnings_now: Callable[[], Any] = np.geterr
restore: Callable[[Any], Any] = _enter_given
if _extobj_contextvar is not None:
    silence = functools.partial(_extobj_contextvar.set, _make_extobj(all="ignore"))
    unsilence = _extobj_contextvar.reset
    warnings_now, restore = _extobj_contextvar.get, _extobj_contextvar.set
