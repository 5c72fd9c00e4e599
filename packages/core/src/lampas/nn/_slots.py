"""Where a module keeps its parameters, buffers and children.

PyTorch keeps them out of the instance dictionary and finds them by ``__getattr__``,
which makes ``module.weight`` cost 20 times an attribute. Here they stand in the
instance dictionary too, and these dictionaries keep it in step when code writes to
``module._parameters`` or ``module._modules`` directly.
"""

from __future__ import annotations

import weakref
from copy import deepcopy
from typing import Any

__all__ = ["Slots"]


class Slots(dict):
    """A dictionary that mirrors itself into its owner's attributes."""

    __slots__ = ("_owner",)

    def __init__(self, owner: Any, items: Any = ()) -> None:
        super().__init__()
        self._owner = weakref.ref(owner)
        for name, value in dict(items).items():
            self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        owner = self._owner()
        if owner is not None:
            owner.__dict__[name] = value

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        owner = self._owner()
        if owner is not None:
            owner.__dict__.pop(name, None)

    def pop(self, name: str, *default: Any) -> Any:
        """Take an item out, here and from the owner."""
        if name not in self:
            return super().pop(name, *default)
        value = self[name]
        del self[name]
        return value

    def popitem(self) -> Any:
        """Take the last item out, here and from the owner."""
        name = next(reversed(self))
        return name, self.pop(name)

    def clear(self) -> None:
        """Take every item out, here and from the owner."""
        for name in list(self):
            del self[name]

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set items, here and in the owner."""
        for name, value in dict(*args, **kwargs).items():
            self[name] = value

    def setdefault(self, name: str, default: Any = None) -> Any:
        """The item, set to ``default`` if it is missing."""
        if name not in self:
            self[name] = default
        return self[name]

    def copy(self) -> dict[str, Any]:
        """The items as an ordinary dictionary."""
        return dict(self)

    def __reduce__(self) -> Any:
        return dict, (dict(self),)

    def __copy__(self) -> dict[str, Any]:
        return dict(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return deepcopy(dict(self), memo)
