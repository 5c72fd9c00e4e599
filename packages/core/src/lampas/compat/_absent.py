"""Placeholders for names that a program imports and lampas does not have.

A program may import more than it uses in a run. So what it takes by
``from torch... import X`` may be missing, and only using it is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any, NoReturn

from lampas.errors import LampasError

__all__ = ["Absent", "AbsentModule", "AbsentNameError"]


class AbsentNameError(LampasError, NotImplementedError):
    """A name of PyTorch's was used that lampas does not have."""


class Absent:
    """Stands for a name that lampas does not have; using it raises, naming it."""

    def __init__(self, name: str) -> None:
        self.__dict__["_lampas_absent"] = name

    def _refuse(self) -> NoReturn:
        name = self.__dict__["_lampas_absent"]
        raise AbsentNameError(
            f"{name} is not part of lampas; it was imported, and is used here"
        )

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        self._refuse()

    def __mro_entries__(self, bases: tuple[Any, ...]) -> NoReturn:
        self._refuse()

    def __enter__(self) -> NoReturn:
        self._refuse()

    def __exit__(self, *error: object) -> None:
        """Never reached; ``with`` looks for it first."""

    def __getattr__(self, name: str) -> NoReturn:
        here = self.__dict__["_lampas_absent"]
        raise AttributeError(f"{here} is not part of lampas, and so has no {name!r}")

    def __instancecheck__(self, instance: object) -> bool:
        return False

    # Annotations may mention it: nothing is used by that.

    def __getitem__(self, item: object) -> Any:
        return Any

    def __or__(self, other: object) -> Any:
        return Any

    __ror__ = __or__

    def __repr__(self) -> str:
        return f"<{self.__dict__['_lampas_absent']}, which lampas does not have>"


class AbsentModule(ModuleType):
    """A module of PyTorch's that lampas lacks, with placeholders for what is asked."""

    def __init__(self, name: str, names: Sequence[str]) -> None:
        super().__init__(name)
        self.__path__: list[str] = []
        for wanted in names:
            setattr(self, wanted, Absent(f"{name}.{wanted}"))
