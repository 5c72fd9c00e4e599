"""Hooks that are called for every module, beside the base class of all modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lampas.nn._hooks import EVERYWHERE, REGISTRATION, call_with_hooks
from lampas.nn._locate import locate
from lampas.nn.module import Module

__all__ = [
    "Module",
    "register_module_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]

_plain_call = Module.__call__


def _hooked_call(self: Module, *args: Any, **kwargs: Any) -> Any:
    try:
        return call_with_hooks(self, args, kwargs)
    except Exception as error:
        locate(self, error)
        raise


class _Handle:
    """Removes a hook of all modules; calls cost nothing more once there is none."""

    def __init__(self, inner: Any) -> None:
        self.id = inner.id
        self._inner = inner
        Module.__call__ = _hooked_call  # type: ignore[method-assign]

    def remove(self) -> None:
        """Take the hook out; a second call does nothing."""
        self._inner.remove()
        if not any(hooks.functions for hooks in EVERYWHERE.values()):
            Module.__call__ = _plain_call  # type: ignore[method-assign]

    def __enter__(self) -> _Handle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> Any:
    """Call ``hook(module, args)`` before each forward of every module.

    A result other than None replaces ``args``. Returns a handle with ``remove()``.

    >>> import lampas
    >>> seen = []
    >>> with register_module_forward_pre_hook(lambda m, args: seen.append(m)):
    ...     _ = lampas.nn.Identity()(1)
    >>> seen
    [Identity()]
    """
    return _Handle(EVERYWHERE["pre"].register(hook, False))


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> Any:
    """Call ``hook(module, args, output)`` after each forward of every module.

    A result other than None replaces the output.

    Args:
        hook: the function; it comes before the modules' own hooks.
        with_kwargs: call ``hook(module, args, kwargs, output)``.
        always_call: also call it, with None, when forward raises.

    Returns:
        A handle with ``remove()``.
    """
    return _Handle(
        EVERYWHERE["forward"].register(hook, False, with_kwargs, always_call)
    )


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> Any:
    """Call ``hook(module, grad_output)`` before each backward of every module.

    A result other than None replaces ``grad_output``. Returns a handle.
    """
    return _Handle(EVERYWHERE["backward_pre"].register(hook, False))


def register_module_full_backward_hook(hook: Callable[..., Any]) -> Any:
    """Call ``hook(module, grad_input, grad_output)`` in backward of every module.

    A result other than None replaces ``grad_input``. Returns a handle.
    """
    return _Handle(EVERYWHERE["backward"].register(hook, False))


def register_module_backward_hook(hook: Callable[..., Any]) -> Any:
    """:func:`register_module_full_backward_hook` under its older name."""
    return register_module_full_backward_hook(hook)


def register_module_parameter_registration_hook(hook: Callable[..., Any]) -> Any:
    """Call ``hook(module, name, parameter)`` when a module gets a parameter.

    A result other than None is registered instead. Returns a handle.
    """
    return REGISTRATION["parameter"].add(hook)


def register_module_buffer_registration_hook(hook: Callable[..., Any]) -> Any:
    """Call ``hook(module, name, buffer)`` when a module gets a buffer.

    A result other than None is registered instead. Returns a handle.
    """
    return REGISTRATION["buffer"].add(hook)


def register_module_module_registration_hook(hook: Callable[..., Any]) -> Any:
    """Call ``hook(module, name, submodule)`` when a module gets a child.

    A result other than None is registered instead. Returns a handle.
    """
    return REGISTRATION["module"].add(hook)
