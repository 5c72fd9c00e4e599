"""Whole modules in files: their class by name, and their state.

A file can only name classes that are there already: layers of ``lampas.nn``, and
modules and dataclasses that the program has defined or imported itself. An instance is
made without calling anything of its class, and gets its attributes.
"""

from __future__ import annotations

import dataclasses
import importlib
import sys
from collections import OrderedDict
from types import FunctionType
from typing import Any

from lampas.errors import ArgumentError, ArgumentTypeError
from lampas.io._homes import home_of
from lampas.serialization.names import Name, damaged, shown
from lampas.serialization.pickling import Instance, Reference

__all__ = ["described", "named", "restored"]

_REGISTRIES = ("_parameters", "_buffers", "_modules")
_HOOKS = (
    "_backward_pre_hooks",
    "_backward_hooks",
    "_forward_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
    "_state_dict_hooks",
    "_state_dict_pre_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)
# What PyTorch keeps of a module that lampas has no use for.
_TORCH_ONLY = {*_HOOKS, "_is_full_backward_hook", "_flat_weights", "_flat_weight_refs"}
_FUNCTIONS = ("torch.nn.functional", "torch._C._nn")


def _module_class() -> Any:
    """``lampas.nn.Module``; files without modules do not load it."""
    return importlib.import_module("lampas.nn.module").Module


def _is_ours(kind: type) -> bool:
    return kind.__module__.startswith(("lampas.nn.", "torch.nn."))


# ---- reading


def _attribute(module: str, name: str) -> Any:
    """What a module that is loaded has under a name; nothing is run to find out."""
    if module in _FUNCTIONS:
        return vars(importlib.import_module("lampas.nn.functional")).get(name)
    if module.startswith(("torch.nn.", "lampas.nn.")):
        nn = vars(importlib.import_module("lampas.nn"))
        return nn.get({"NonDynamicallyQuantizableLinear": "Linear"}.get(name, name))
    return vars(sys.modules[module]).get(name) if module in sys.modules else None


def _may_be_made(found: Any) -> bool:
    """Whether an instance can be made and given a state, and nothing ever runs."""
    return (
        isinstance(found, type)
        and not hasattr(found, "__del__")
        and (issubclass(found, _module_class()) or dataclasses.is_dataclass(found))
    )


def named(text: str) -> Name | None:
    """What a file means by ``"module name"``, if it is a class or a function of nn."""
    module, _, name = text.partition(" ")
    found = _attribute(module, name)
    if _may_be_made(found):
        return Name(text, lambda arguments: _bare(found, arguments), found)
    if module in _FUNCTIONS and isinstance(found, FunctionType):
        return Name(text, value=found)
    return None


def _bare(kind: type, arguments: tuple[Any, ...]) -> object:
    if arguments:
        raise damaged(f"a {kind.__name__} is made with arguments")
    return object.__new__(kind)


def restored(target: object, state: object) -> object | None:
    """Give a bare instance its attributes; None if it is none of ours."""
    kind = type(target)
    if not _may_be_made(kind):
        return None
    if type(state) is not dict or not all(type(key) is str for key in state):
        raise damaged(f"the state of a {kind.__name__} is {shown(state)}")
    values = {
        key: value.value if type(value) is Name and value.value else value
        for key, value in state.items()
    }
    if not issubclass(kind, _module_class()):
        target.__dict__.update(values)
        return target
    for registry in _REGISTRIES:
        if not isinstance(values.get(registry), dict):
            raise damaged(f"the {registry} of a {kind.__name__} are not a dict")
    kept = {key: value for key, value in values.items() if key not in _TORCH_ONLY}
    _module_class().__setstate__(target, kept)
    return target


# ---- writing


def _name_of(kind: Any) -> str:
    if _is_ours(kind):
        return f"{home_of(kind)} {kind.__name__}"
    if "." in kind.__qualname__:
        raise ArgumentTypeError(
            f"the class {kind.__qualname__} cannot be saved: expected one at the top "
            "of a module. Save the state_dict()"
        )
    return f"{kind.__module__} {kind.__qualname__}"


def _around(padding: Any, kernel: tuple[int, ...], dilation: tuple[int, ...]) -> Any:
    """Padding as ``pad`` takes it: both sides of the last dimension first."""
    if padding == "valid":
        padding = (0,) * len(kernel)
    if padding == "same":
        totals = [d * (k - 1) for d, k in zip(dilation, kernel)]
        return [side for t in reversed(totals) for side in (t // 2, t - t // 2)]
    return tuple(size for size in reversed(padding) for _ in range(2))


def _for_torch(module: Any) -> dict[str, Any]:
    """Attributes that PyTorch's class needs and lampas' does not have."""
    nn = importlib.import_module("lampas.nn")
    found: dict[str, Any] = {}
    if hasattr(module, "kernel_size") and hasattr(module, "output_padding"):
        name = "_reversed_padding_repeated_twice"
        found[name] = _around(module.padding, module.kernel_size, module.dilation)
        found["transposed"] = "Transpose" in type(module).__name__
    if isinstance(module, nn.RNNBase):
        names = [name for layer in module._all_weights for name in layer]
        found["_flat_weights_names"] = names
        found["_flat_weights"] = [getattr(module, name) for name in names]
    if isinstance(module, nn.TransformerEncoderLayer):
        functions = (None, nn.functional.relu, nn.functional.gelu)
        known = module.activation in functions
        kind = functions.index(module.activation) if known else 0
        found["activation_relu_or_gelu"] = kind
    return found


def _state_of(module: Any) -> dict[str, Any]:
    for name in _HOOKS:
        if getattr(module.__dict__.get(name), "functions", None):
            raise ArgumentError(
                f"a {type(module).__name__} has hooks ({name}), which are code and "
                "cannot be saved: remove them, or save the state_dict()"
            )
    registries = {name: dict(module.__dict__[name]) for name in _REGISTRIES}
    mirrored = {key for registry in registries.values() for key in registry}
    left_out = mirrored | _TORCH_ONLY
    plain = {k: v for k, v in module.__dict__.items() if k not in left_out}
    hooks: dict[str, Any] = {name: OrderedDict() for name in _HOOKS}
    rest = {"_is_full_backward_hook": None, **_for_torch(module)}
    return {**plain, **registries, **hooks, **rest}


def described(value: Any) -> Instance | Reference | None:
    """What a file keeps of a module, a class of modules, or a function of nn."""
    if isinstance(value, FunctionType):
        if value.__module__.startswith("lampas.") and value is _attribute(
            "torch.nn.functional", value.__name__
        ):
            return Reference(f"torch.nn.functional {value.__name__}")
        return None
    if isinstance(value, type):
        return Reference(_name_of(value)) if _may_be_made(value) else None
    kind = type(value)
    if kind.__module__ in ("builtins", "collections", "numpy"):
        return None
    if not _may_be_made(kind) or not hasattr(value, "__dict__"):
        return None
    is_module = isinstance(value, _module_class())
    state = _state_of(value) if is_module else dict(value.__dict__)
    return Instance(_name_of(kind), state)
