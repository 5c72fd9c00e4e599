"""Modules and parameters in lists and dictionaries."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, ArgumentTypeError, BoundsError
from lampas.nn.module import Module
from lampas.nn.parameter import Parameter

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]


class _ModuleSequence(Module):
    """Children under the names "0", "1" and so on."""

    def _key(self, index: Any) -> str:
        index, size = index.__index__(), len(self._modules)
        if not -size <= index < size:
            raise BoundsError(
                f"index {index} is out of range for {size} modules "
                f"({type(self).__name__})"
            )
        return list(self._modules)[index]

    def _renumber(self, modules: Iterable[Any]) -> None:
        modules = list(modules)
        self._modules.clear()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._of(list(self._modules.items())[index])
        return self._modules[self._key(index)]

    def _of(self, items: list[tuple[str, Any]]) -> Any:
        kind: Any = type(self)
        return kind([module for _, module in items])

    def __setitem__(self, index: int, module: Any) -> None:
        setattr(self, self._key(index), module)

    def __delitem__(self, index: Any) -> None:
        keys = list(self._modules)
        gone = keys[index] if isinstance(index, slice) else [self._key(index)]
        self._renumber(m for key, m in self._modules.items() if key not in gone)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def __iadd__(self, other: Iterable[Any]) -> Self:
        return self.extend(other)

    def append(self, module: Any) -> Self:
        """Add a module at the end; returns self."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Any]) -> Self:
        """Add modules at the end; returns self."""
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Any) -> Any:
        """Put a module before position ``index``."""
        modules = list(self._modules.values())
        if not -len(modules) <= index <= len(modules):
            raise BoundsError(
                f"index {index} is out of range for {len(modules)} modules"
            )
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def pop(self, key: int) -> Any:
        """Take out the module at position ``key`` and return it."""
        module = self[key]
        del self[key]
        return module


class Sequential(_ModuleSequence):
    """Modules called one after another, each on the result of the one before.

    Args:
        args: modules, or one dictionary of named modules.

    >>> import lampas
    >>> net = lampas.nn.Sequential(lampas.nn.Linear(2, 3), lampas.nn.ReLU())
    >>> net(lampas.zeros(1, 2)).shape
    lampas.Size([1, 3])
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], dict):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            for i, module in enumerate(args):
                self.add_module(str(i), module)

    def _of(self, items: list[tuple[str, Any]]) -> Sequential:
        return type(self)(OrderedDict(items))

    def __add__(self, other: Sequential) -> Sequential:
        if not isinstance(other, Sequential):
            raise ArgumentError(
                f"add operator supports only Sequential, got {type(other).__name__}"
            )
        return Sequential(*self, *other)

    def __mul__(self, other: int) -> Sequential:
        if not isinstance(other, int) or other <= 0:
            raise ArgumentTypeError(f"expected a positive int, got {other!r}")
        return Sequential(*list(self) * other)

    __rmul__ = __mul__

    def forward(self, input: Any) -> Any:
        """Pass ``input`` through all modules."""
        for module in self._modules.values():
            input = module(input)
        return input


class ModuleList(_ModuleSequence):
    """A list of modules whose parameters are found.

    Args:
        modules: the first members.

    >>> import lampas
    >>> len(lampas.nn.ModuleList([lampas.nn.Linear(2, 2) for _ in range(3)]))
    3
    """

    def __init__(self, modules: Iterable[Any] | None = None) -> None:
        super().__init__()
        self.extend(() if modules is None else modules)

    def __add__(self, other: Iterable[Any]) -> ModuleList:
        return ModuleList([*self, *other])

    def __repr__(self) -> str:
        # Runs of equal modules are shown once, with their number.
        lines: list[tuple[int, int, str]] = []
        for i, module in enumerate(self):
            text = repr(module)
            if lines and lines[-1][2] == text:
                lines[-1] = (lines[-1][0], i, text)
            else:
                lines.append((i, i, text))
        if not lines:
            return "ModuleList()"
        shown = [
            f"({a}): {text}" if a == b else f"({a}-{b}): {b - a + 1} x {text}"
            for a, b, text in lines
        ]
        body = "\n".join(shown).replace("\n", "\n  ")
        return f"ModuleList(\n  {body}\n)"

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """A list can't be called; call its members."""
        raise NotImplementedError("ModuleList has no forward; call its members")


class ModuleDict(Module):
    """A dictionary of modules whose parameters are found.

    Args:
        modules: the first members: a dictionary or (name, module) pairs.

    >>> import lampas
    >>> list(lampas.nn.ModuleDict({"fc": lampas.nn.Linear(2, 2)}))
    ['fc']
    """

    def __init__(self, modules: Any = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Any:
        return self._modules[key]

    def __setitem__(self, key: str, module: Any) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: str) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Take out every member."""
        self._modules.clear()

    def pop(self, key: str) -> Any:
        """Take out a member and return it."""
        return self._modules.pop(key)

    def keys(self) -> Any:
        """The names."""
        return self._modules.keys()

    def items(self) -> Any:
        """Names and modules."""
        return self._modules.items()

    def values(self) -> Any:
        """The modules."""
        return self._modules.values()

    def update(self, modules: Any) -> None:
        """Add members, or replace those of the same name."""
        items = modules.items() if hasattr(modules, "items") else modules
        for name, module in items:
            self[name] = module


def _kept(value: Any) -> Any:
    """Tensors become parameters; other values stay as they are."""
    if isinstance(value, Tensor) and not isinstance(value, Parameter):
        return Parameter(value, requires_grad=value.dtype.category >= 2)
    return value


class ParameterList(Module):
    """A list of parameters; tensors become parameters, other values are kept.

    Args:
        values: the first members.

    >>> import lampas
    >>> len(lampas.nn.ParameterList([lampas.zeros(2), lampas.zeros(3)]))
    2
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        self.extend(() if values is None else values)

    def _key(self, index: int) -> str:
        index = index.__index__()
        if not -self._size <= index < self._size:
            raise BoundsError(f"index {index} is out of range for {self._size} values")
        return str(index % self._size)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return getattr(self, self._key(index))

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, self._key(index), _kept(value))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return (getattr(self, str(i)) for i in range(self._size))

    def __iadd__(self, values: Iterable[Any]) -> Self:
        return self.extend(values)

    def append(self, value: Any) -> Self:
        """Add a value at the end; returns self."""
        setattr(self, str(self._size), _kept(value))
        self._size += 1
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add values at the end; returns self.

        Raises:
            TypeError: ``values`` is not a sequence.
        """
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            raise ArgumentTypeError(
                "ParameterList.extend should be called with an iterable, but got "
                f"{type(values).__name__}"
            )
        for value in values:
            self.append(value)
        return self

    def pop(self, index: int = -1) -> Any:
        """Take out the value at ``index`` and return it."""
        values = list(self)
        found = values.pop(int(self._key(index)))
        for i in range(self._size):
            delattr(self, str(i))
        self._size = 0
        self.extend(values)
        return found

    def extra_repr(self) -> str:
        """One line for each value."""
        return "\n".join(f"({i}): {_shown(v)}" for i, v in enumerate(self))


class ParameterDict(Module):
    """A dictionary of parameters; tensors become parameters, other values are kept.

    Args:
        parameters: the first members: a dictionary or (name, value) pairs.

    >>> import lampas
    >>> list(lampas.nn.ParameterDict({"a": lampas.zeros(2)}))
    ['a']
    """

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        if parameters is not None:
            self.update(parameters)

    def __getitem__(self, key: str) -> Any:
        if key not in self._keys:
            raise KeyError(key)
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        self._keys[key] = None
        setattr(self, key, _kept(value))

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def __reversed__(self) -> Iterator[str]:
        return reversed(list(self._keys))

    def keys(self) -> Any:
        """The names."""
        return self._keys.keys()

    def items(self) -> Iterator[tuple[str, Any]]:
        """Names and values."""
        return ((key, self[key]) for key in self._keys)

    def values(self) -> Iterator[Any]:
        """The values."""
        return (self[key] for key in self._keys)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a name, or ``default``."""
        return self[key] if key in self else default

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The value of a name, set to ``default`` if it is missing."""
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: str) -> Any:
        """Take out a value and return it."""
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        """Take out the last name and value."""
        key = next(reversed(list(self._keys)))
        return key, self.pop(key)

    def clear(self) -> None:
        """Take out everything."""
        for key in list(self._keys):
            del self[key]

    def copy(self) -> ParameterDict:
        """Another dictionary of the same values."""
        return ParameterDict(dict(self.items()))

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """A new dictionary with ``default`` under each key."""
        return ParameterDict((key, default) for key in keys)

    def update(self, parameters: Any) -> None:
        """Add values, or replace those of the same name."""
        pairs = parameters.items() if isinstance(parameters, Mapping) else parameters
        if isinstance(parameters, ParameterDict):
            pairs = parameters.items()
        for key, value in pairs:
            self[key] = value

    def __or__(self, other: Any) -> ParameterDict:
        result = self.copy()
        result.update(other)
        return result

    def __ior__(self, other: Any) -> Self:
        self.update(other)
        return self

    def extra_repr(self) -> str:
        """One line for each value."""
        return "\n".join(f"({key}): {_shown(v)}" for key, v in self.items())


def _shown(value: Any) -> str:
    if isinstance(value, Tensor):
        kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
        sizes = "x".join(map(str, value.shape))
        return f"{kind} containing: [{value.dtype} of size {sizes}]"
    return f"Object of type: {type(value).__name__}"
