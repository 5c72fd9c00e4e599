"""How lampas' own objects print: as ``torch.float32`` inside a program for PyTorch."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from lampas import dtypes
from lampas.backend.device import Device
from lampas.dtypes import DType
from lampas.engine.size import Size
from lampas.engine.tensor import Tensor
from lampas.io import home_of

__all__ = ["as_lampas", "as_torch", "spell"]

# class -> module and name under which PyTorch has it
_CLASSES: dict[Any, tuple[str, str]] = {
    Tensor: ("torch", "Tensor"),
    Size: ("torch", "Size"),
    DType: ("torch", "dtype"),
    Device: ("torch", "device"),
}
_OWN = {kind: (kind.__module__, kind.__name__) for kind in _CLASSES}


def _rename(names: dict[Any, tuple[str, str]]) -> None:
    for kind, (module, name) in names.items():
        kind.__module__, kind.__name__, kind.__qualname__ = module, name, name


def spell(module: ModuleType) -> None:
    """Let the layers and optimizers of a module say that PyTorch defines them.

    Args:
        module: ``lampas.nn`` or ``lampas.optim``; of others nothing is changed.
    """
    own = module.__name__
    if own not in ("lampas.nn", "lampas.optim"):
        return
    for kind in list(vars(module).values()):
        if not isinstance(kind, type) or not kind.__module__.startswith(f"{own}."):
            continue
        _OWN[kind] = (kind.__module__, kind.__name__)
        is_layer = own == "lampas.nn" and ".module" in kind.__module__
        home = home_of(kind) if is_layer else kind.__module__
        kind.__module__ = home.replace("lampas.", "torch.", 1)


def as_torch() -> None:
    """Let types, sizes and errors say ``torch``."""
    dtypes.NAMESPACE[0] = "torch"
    _rename(_CLASSES)


def as_lampas() -> None:
    """Let them say ``lampas`` again."""
    dtypes.NAMESPACE[0] = "lampas"
    _rename(_OWN)
