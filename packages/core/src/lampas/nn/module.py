"""Module: the base of every layer and model."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

from lampas.engine.tape import Hooks
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, ArgumentTypeError
from lampas.nn import _state
from lampas.nn._convert import Conversions
from lampas.nn._hooks import (
    REGISTRATION,
    ForwardHooks,
    HookMethods,
    call_with_hooks,
)
from lampas.nn._locate import locate
from lampas.nn._slots import Slots

__all__ = ["Module"]

_REGISTRIES = ("_parameters", "_buffers", "_modules")
_HOOKS = (
    ("_forward_hooks", ForwardHooks),
    ("_forward_pre_hooks", ForwardHooks),
    ("_backward_hooks", ForwardHooks),
    ("_backward_pre_hooks", ForwardHooks),
    ("_state_dict_hooks", Hooks),
    ("_state_dict_pre_hooks", Hooks),
    ("_load_state_dict_pre_hooks", Hooks),
    ("_load_state_dict_post_hooks", Hooks),
)


class Module(Conversions, HookMethods):
    """Base of layers and models: holds parameters, buffers and other modules.

    Subclasses call ``super().__init__()``, assign parameters and modules to
    attributes, and define ``forward``.

    Attributes:
        training: whether the module is in training mode.

    >>> import lampas
    >>> class Scale(lampas.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factor = lampas.nn.Parameter(lampas.ones(1))
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> Scale()(lampas.tensor([3.0])).tolist()
    [3.0]
    """

    training: bool
    _version = 1
    dump_patches = False
    call_super_init = False

    def __init__(self) -> None:
        self.__dict__["training"] = True
        for name in _REGISTRIES:
            self.__dict__[name] = Slots(self)
        self.__dict__["_non_persistent_buffers_set"] = set()
        for name, kind in _HOOKS:
            self.__dict__[name] = kind()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the module's output; every subclass defines it."""
        raise NotImplementedError(
            f'module {type(self).__name__} is missing the required "forward" function'
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            if (
                self._forward_hooks.functions
                or self._forward_pre_hooks.functions
                or self._backward_hooks.functions
                or self._backward_pre_hooks.functions
            ):
                return call_with_hooks(self, args, kwargs)
            return self.forward(*args, **kwargs)
        except Exception as error:
            locate(self, error)
            raise

    # ---- attributes

    def __setattr__(self, name: str, value: Any) -> None:
        slots = self.__dict__
        kind = _kind_of(value)
        if kind is None and name in slots and name not in slots.get("_modules", ()):
            # The common case: an attribute that is not, or is no longer, registered.
            if name in slots.get("_parameters", ()) or name in slots.get(
                "_buffers", ()
            ):
                self._assign_registered(name, value)
            else:
                object.__setattr__(self, name, value)
            return
        if "_parameters" not in slots:
            if kind is not None:
                raise AttributeError(
                    f"cannot assign {kind[1:]} before Module.__init__() call; "
                    "call super().__init__() first"
                )
            object.__setattr__(self, name, value)
            return
        if kind is None:
            self._assign_registered(name, value)
            return
        if isinstance(getattr(type(self), name, None), property):
            object.__setattr__(self, name, value)
            return
        for registry in _REGISTRIES:
            if registry != kind:
                slots[registry].pop(name, None)
        if name not in slots[kind]:
            slots.pop(name, None)
        if kind == "_parameters":
            self.register_parameter(name, value)
        elif kind == "_modules":
            slots["_modules"][name] = _noted("module", self, name, value)
        else:
            self.register_buffer(name, value, value._extra["persistent"])

    def _assign_registered(self, name: str, value: Any) -> None:
        """Assign something that is no parameter or module to a name that may be one."""
        slots = self.__dict__
        if name in slots["_buffers"] and (value is None or isinstance(value, Tensor)):
            slots["_buffers"][name] = value
            return
        for registry, what in (
            ("_parameters", "nn.Parameter"),
            ("_modules", "Module"),
            ("_buffers", "Tensor"),
        ):
            if name in slots[registry]:
                if value is not None:
                    raise ArgumentTypeError(
                        f"cannot assign {type(value).__name__} to {name!r}: "
                        f"expected {what} or None"
                    )
                slots[registry][name] = None
                return
        object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        hint = ""
        if "_parameters" not in self.__dict__:
            hint = " (was super().__init__() called?)"
        raise AttributeError(
            f"{type(self).__name__!r} object has no attribute {name!r}{hint}"
        )

    def __delattr__(self, name: str) -> None:
        for registry in _REGISTRIES:
            if name in self.__dict__.get(registry, ()):
                del self.__dict__[registry][name]
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        return sorted({*dir(type(self)), *self.__dict__})

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for name in _REGISTRIES:
            self.__dict__[name] = Slots(self, state.get(name, ()))
        for name, kind in _HOOKS:
            if not isinstance(state.get(name), kind):
                self.__dict__[name] = kind()
        self.__dict__.setdefault("_non_persistent_buffers_set", set())

    # ---- registering

    def register_parameter(self, name: str, param: Tensor | None) -> None:
        """Add a parameter, or None to hold its place.

        Raises:
            KeyError: the name is taken, empty or has a dot.
            TypeError: ``param`` is not a Parameter.
        """
        self._check_name("parameter", name, "_parameters")
        if param is not None and _kind_of(param) != "_parameters":
            raise ArgumentTypeError(
                f"cannot assign {type(param).__name__} to parameter {name!r}: "
                "expected nn.Parameter or None"
            )
        if param is not None and not param.is_leaf:
            raise ArgumentError(
                f"parameter {name!r} is the result of an operation; parameters must "
                "be created by the user"
            )
        self._parameters[name] = _noted("parameter", self, name, param)

    def register_buffer(
        self, name: str, tensor: Tensor | None, persistent: bool = True
    ) -> None:
        """Add a tensor that is state but is not trained.

        Args:
            name: the attribute.
            tensor: the value, or None to hold its place.
            persistent: whether it is part of ``state_dict``.

        Raises:
            KeyError: the name is taken, empty or has a dot.
        """
        self._check_name("buffer", name, "_buffers")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise ArgumentTypeError(
                f"cannot assign {type(tensor).__name__} to buffer {name!r}: "
                "expected Tensor or None"
            )
        self._buffers[name] = _noted("buffer", self, name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a child module, or None to hold its place.

        Raises:
            KeyError: the name is taken, empty or has a dot.
            TypeError: ``module`` is not a Module.
        """
        if module is not None and not isinstance(module, Module):
            raise ArgumentTypeError(f"{type(module).__name__} is not a Module subclass")
        self._check_name("module", name, "_modules")
        self._modules[name] = _noted("module", self, name, module)

    register_module = add_module

    def _check_name(self, what: str, name: Any, registry: str) -> None:
        if "_parameters" not in self.__dict__:
            raise AttributeError(f"cannot assign {what} before Module.__init__() call")
        if not isinstance(name, str):
            raise ArgumentTypeError(
                f"{what} name must be a string, got {type(name).__name__}"
            )
        if "." in name:
            raise KeyError(f'{what} name can\'t contain ".", got {name!r}')
        if name == "":
            raise KeyError(f'{what} name can\'t be empty string ""')
        if hasattr(self, name) and name not in self.__dict__[registry]:
            raise KeyError(f"attribute {name!r} already exists")

    # ---- walking

    def named_modules(
        self,
        memo: set[Any] | None = None,
        prefix: str = "",
        remove_duplicate: bool = True,
    ) -> Iterator[tuple[str, Module]]:
        """All modules with their paths, this one (path ``prefix``) first."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                path = f"{prefix}.{name}" if prefix else name
                yield from module.named_modules(memo, path, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """All modules, this one first; each once."""
        for _, module in self.named_modules():
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The direct children with their names; each once."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """The direct children; each once."""
        for _, module in self.named_children():
            yield module

    def _named(
        self, registry: str, prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Tensor]]:
        seen: set[int] = set()
        parts = (
            self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
            if recurse
            else ((prefix, self),)
        )
        for path, module in parts:
            for name, value in module.__dict__[registry].items():
                if value is None or id(value) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(value))
                yield f"{path}.{name}" if path else name, value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """All parameters with their paths; each once.

        Args:
            prefix: put before every path.
            recurse: False leaves out those of children.
            remove_duplicate: False names shared parameters under each path.

        >>> import lampas
        >>> [name for name, _ in lampas.nn.Linear(2, 1).named_parameters()]
        ['weight', 'bias']
        """
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Tensor]:
        """All parameters; each once."""
        for _, value in self.named_parameters(recurse=recurse):
            yield value

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """All buffers with their paths; each once."""
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers; each once."""
        for _, value in self.named_buffers(recurse=recurse):
            yield value

    def get_submodule(self, target: str) -> Module:
        """The module at a path such as ``"layers.2.fc"``.

        Raises:
            AttributeError: there is none.
        """
        module: Any = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module at a path such as ``"layers.2.fc"``.

        Args:
            target: the path; all but its last name must lead to modules.
            module: the module.
            strict: refuse to add one where there is none.

        Raises:
            ValueError: the path is empty.
            AttributeError: it leads through something that is no module.

        >>> import lampas
        >>> net = lampas.nn.Sequential(lampas.nn.Linear(1, 1))
        >>> net.set_submodule("0", lampas.nn.Identity())
        >>> net
        Sequential(
          (0): Identity()
        )
        """
        if not target:
            raise ArgumentError("cannot set the submodule without a target name")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict or hasattr(parent, name):
            self.get_submodule(target)
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Tensor:
        """The parameter at a path; AttributeError if there is none."""
        return self._get_at(target, "_parameters", "an nn.Parameter")

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a path; AttributeError if there is none."""
        return self._get_at(target, "_buffers", "a buffer")

    def _get_at(self, target: str, registry: str, what: str) -> Tensor:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if name not in module.__dict__[registry]:
            raise AttributeError(f"`{name}` of {module._get_name()} is not {what}")
        return module.__dict__[registry][name]

    # ---- state

    def _state_items(self) -> Iterator[tuple[str, Tensor]]:
        """The module's own parameters and persistent buffers."""
        for name, value in self._parameters.items():
            if value is not None:
                yield name, value
        for name, value in self._buffers.items():
            if value is not None and name not in self._non_persistent_buffers_set:
                yield name, value

    def state_dict(
        self,
        *args: Any,
        destination: Any = None,
        prefix: str = "",
        keep_vars: bool = False,
    ) -> Any:
        """Parameters and persistent buffers by path; values share memory.

        Args:
            destination: a dictionary to fill.
            prefix: put before every key.
            keep_vars: give the tensors themselves, not detached ones.

        >>> import lampas
        >>> list(lampas.nn.Linear(2, 1).state_dict())
        ['weight', 'bias']
        """
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = metadata
        for hook in list(self._state_dict_pre_hooks.functions.values()):
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(
                    destination=destination,
                    prefix=f"{prefix}{name}.",
                    keep_vars=keep_vars,
                )
        for hook in list(self._state_dict_hooks.functions.values()):
            replaced = hook(self, destination, prefix, metadata)
            destination = destination if replaced is None else replaced
        return destination

    def _save_to_state_dict(
        self, destination: Any, prefix: str, keep_vars: bool
    ) -> None:
        """Write what is this module's own; subclasses may define it otherwise."""
        for name, value in self._state_items():
            destination[prefix + name] = value if keep_vars else value.detach()
        if hasattr(type(self), "get_extra_state"):
            destination[prefix + "_extra_state"] = self.get_extra_state()

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Load what is this module's own; subclasses may define it otherwise."""
        assign = bool(local_metadata.get("assign_to_params_buffers"))
        _state.load_own(self, state_dict, prefix, assign, missing_keys, error_msgs)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> _state.LoadResult:
        """Copy values into parameters and buffers by key; all is checked first.

        Args:
            state_dict: what ``state_dict`` returned.
            strict: refuse keys that are missing or unknown.
            assign: keep the given tensors instead of copying their values.

        Returns:
            ``missing_keys`` and ``unexpected_keys``.

        Raises:
            RuntimeError: something does not fit; nothing has been changed.
        """
        return _state.load(self, state_dict, strict, assign)

    # ---- printing

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What ``repr`` shows between the parentheses; subclasses define it."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [
            f"({name}): " + _indented(repr(module))
            for name, module in self._modules.items()
        ]
        if not children and len(lines) <= 1:
            return f"{self._get_name()}({extra})"
        return f"{self._get_name()}(\n  " + "\n  ".join(lines + children) + "\n)"


def _noted(kind: str, module: Module, name: str, value: Any) -> Any:
    """What to register: the value, or what a hook for all modules gives for it."""
    for hook in list(REGISTRATION[kind].functions.values()):
        replaced = hook(module, name, value)
        value = value if replaced is None else replaced
    return value


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")


def _kind_of(value: Any) -> str | None:
    """The registry in which an assigned value belongs."""
    if isinstance(value, Module):
        return "_modules"
    if isinstance(value, Tensor) and value._extra is not None:
        if "parameter" in value._extra:
            return "_parameters"
        if "persistent" in value._extra:
            return "_buffers"
    return None


_state.ORDINARY.append(Module._load_from_state_dict)
