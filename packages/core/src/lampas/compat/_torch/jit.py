"""``torch.jit``: functions and modules stay what they are.

Compiling only tunes speed, so it is accepted. Files of compiled programs are not.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NoReturn

from lampas.compat._absent import AbsentNameError
from lampas.errors import UnsafeFileError
from lampas.nn import Module

__all__ = [
    "ScriptModule",
    "export",
    "fork",
    "freeze",
    "ignore",
    "interface",
    "is_scripting",
    "is_tracing",
    "load",
    "optimize_for_inference",
    "optimized_execution",
    "save",
    "script",
    "script_if_tracing",
    "script_method",
    "trace",
    "trace_module",
    "unused",
    "wait",
]

Final = Any
ScriptModule = Module


def script(obj: Any, *args: Any, **kwargs: Any) -> Any:
    """``obj``, a function, class or module, as it is."""
    return obj


def trace(func: Any, example_inputs: Any = None, *args: Any, **kwargs: Any) -> Any:
    """``func`` as it is; the examples are not run."""
    return func


def trace_module(mod: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
    """``mod`` as it is; the inputs are not run."""
    return mod


def script_method(fn: Any) -> Any:
    """``fn`` as it is."""
    return fn


def script_if_tracing(fn: Any) -> Any:
    """``fn`` as it is."""
    return fn


def export(fn: Any) -> Any:
    """``fn`` as it is."""
    return fn


def interface(obj: Any) -> Any:
    """``obj`` as it is."""
    return obj


def unused(fn: Any) -> Any:
    """``fn`` as it is."""
    return fn


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """A decorator, or one that was applied, that changes nothing."""
    return drop if callable(drop) else lambda function: function


def freeze(mod: Any, *args: Any, **kwargs: Any) -> Any:
    """``mod`` as it is."""
    return mod


def optimize_for_inference(mod: Any, *args: Any, **kwargs: Any) -> Any:
    """``mod`` as it is."""
    return mod


def fork(func: Any, *args: Any, **kwargs: Any) -> Any:
    """What ``func`` returns: it runs here and now."""
    return func(*args, **kwargs)


def wait(future: Any) -> Any:
    """What :func:`fork` gave."""
    return future


def is_scripting() -> bool:
    """Whether a program is being compiled: never."""
    return False


def is_tracing() -> bool:
    """Whether a program is being recorded: never."""
    return False


@contextlib.contextmanager
def optimized_execution(should_optimize: bool) -> Iterator[None]:
    """Accepted: nothing is switched."""
    yield


def save(m: Any, f: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """Refuse: a file of a compiled program holds code.

    Raises:
        NotImplementedError: always.
    """
    raise AbsentNameError(
        "torch.jit.save: lampas writes no TorchScript; save the state_dict() with "
        "torch.save"
    )


def load(f: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """Refuse: a file of a compiled program holds code.

    Raises:
        pickle.UnpicklingError: always.
    """
    raise UnsafeFileError(
        f"torch.jit.load: {f}: refused, nothing was executed: a TorchScript archive "
        "holds a program; save its state_dict() instead"
    )
