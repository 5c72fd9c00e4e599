"""Placeholders for names that a program imports and lampas does not have.

A program may import more than it uses in a run. So what it takes by
``from torch... import X`` may be missing, and only using it is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any, NoReturn

from lampas.errors import LampasError

__all__ = ["ABSENT", "Absent", "AbsentModule", "AbsentNameError"]

# Modules of PyTorch's that lampas does not have, and why.
ABSENT = {
    "torch.ao": "lampas does not quantize",
    "torch.export": "lampas captures no graphs",
    "torch.fx": "lampas captures no graphs",
    "torch.masked": "lampas has no masked tensors",
    "torch.nested": "lampas has no nested tensors",
    "torch.onnx": "lampas does not write ONNX files",
    "torch.package": "lampas loads no code from files",
    "torch.quantization": "lampas does not quantize",
    "torch.utils.benchmark": "time.perf_counter and the profiler measure",
    "torch.utils.collect_env": "lampas doctor tells about the machine",
    "torch.utils.cpp_extension": "lampas compiles no extensions",
    "torch.utils.mobile_optimizer": "lampas writes no programs for telephones",
}


def _reason(name: str) -> str:
    """Why a name is missing, to be put behind "is not part of lampas"."""
    found = [
        why for module, why in ABSENT.items() if f"{name}.".startswith(f"{module}.")
    ]
    return f" ({found[0]})" if found else ""


class AbsentNameError(LampasError, NotImplementedError):
    """A name of PyTorch's was used that lampas does not have."""


class Absent:
    """Stands for a name that lampas does not have; using it raises, naming it."""

    def __init__(self, name: str) -> None:
        self.__dict__["_lampas_absent"] = name

    def _refuse(self) -> NoReturn:
        name = self.__dict__["_lampas_absent"]
        raise AbsentNameError(
            f"{name} is not part of lampas{_reason(name)}; it was imported, and is "
            "used here"
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
        raise AttributeError(
            f"{here} is not part of lampas{_reason(here)}, and so has no {name!r}"
        )

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

    def __getattr__(self, name: str) -> NoReturn:
        full = f"{self.__name__}.{name}"
        raise AttributeError(f"{full} is not part of lampas{_reason(full)}")
