"""Making a module without drawing its first values."""

from __future__ import annotations

from typing import Any

from lampas.errors import ArgumentTypeError
from lampas.nn.init import skipped
from lampas.nn.module import Module

__all__ = ["skip_init"]


class _NotSkippable(ArgumentTypeError, RuntimeError):
    """The class can't be made without initialisation."""


def skip_init(module_cls: Any, *args: Any, **kwargs: Any) -> Any:
    """Make a module whose parameters are not initialised: they have any values.

    It saves time where the values are loaded or drawn otherwise anyway; no random
    number is drawn.

    Args:
        module_cls: a subclass of Module.
        args, kwargs: of its constructor.

    Raises:
        RuntimeError: it is another class.

    >>> import lampas
    >>> skip_init(lampas.nn.Linear, 3, 2).weight.shape
    lampas.Size([2, 3])
    """
    if not (isinstance(module_cls, type) and issubclass(module_cls, Module)):
        raise _NotSkippable(f"expected a subclass of Module, got {module_cls}")
    with skipped():
        return module_cls(*args, **kwargs)
