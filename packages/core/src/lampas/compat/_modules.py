"""The modules that a program sees as ``torch`` and so on, made of lampas' own.

``torch.X`` looks into ``lampas.compat._torch.X``, where there is one, then into
``lampas.X``. It is a module object of its own: what a program puts into it does not
show in lampas.
"""

from __future__ import annotations

import importlib
import importlib.util
import opcode
import sys
from collections.abc import Sequence
from types import FrameType, ModuleType
from typing import Any

from lampas.compat._absent import Absent
from lampas.compat._spelling import spell

__all__ = ["ROOTS", "WANTED", "Alias", "make", "package_of", "sources_of"]

# What a program imports -> what it gets, and the distribution that brings it.
ROOTS = {
    "torch": ("lampas", "lampas"),
    "torchvision": ("lampas_vision", "lampas-vision"),
    "torchaudio": ("lampas_audio", "lampas-audio"),
}

# Parts of lampas under a name that means something else in PyTorch, or nothing.
_OURS_ONLY = frozenset(
    f"torch.{name}"
    for name in (
        "backend",
        "cli",
        "compat",
        "doctor",
        "dtypes",
        "engine",
        "errors",
        "io",
        "ops",
        "train",
        "transform",
    )
)

# Modules that stand under another name in lampas.
_ELSEWHERE = {
    "torch.amp.autocast_mode": "lampas.amp.autocast_mode",
    "torch.cuda.amp.autocast_mode": "lampas.amp.autocast_mode",
    "torch.cuda.amp.grad_scaler": "lampas.amp.grad_scaler",
    "torch.distributions.exp_family": "lampas.distributions.exponential_family",
    "torch.nn.modules.activation": "lampas.nn.modules.activation",
    "torch.nn.modules.adaptive": "lampas.nn.modules.adaptive_softmax",
    "torch.nn.modules.batchnorm": "lampas.nn.modules.norm",
    "torch.nn.modules.channelshuffle": "lampas.nn.modules.misc",
    "torch.nn.modules.conv": "lampas.nn.modules.conv",
    "torch.nn.modules.distance": "lampas.nn.modules.misc",
    "torch.nn.modules.dropout": "lampas.nn.modules.misc",
    "torch.nn.modules.flatten": "lampas.nn.modules.misc",
    "torch.nn.modules.instancenorm": "lampas.nn.modules.norm",
    "torch.nn.modules.linear": "lampas.nn.modules.linear",
    "torch.nn.modules.loss": "lampas.nn.modules.loss",
    "torch.nn.modules.module": "lampas.nn.module",
    "torch.nn.modules.normalization": "lampas.nn.modules.norm",
    "torch.nn.modules.pixelshuffle": "lampas.nn.modules.misc",
    "torch.nn.modules.pooling": "lampas.nn.modules.pool",
    "torch.nn.modules.rnn": "lampas.nn.modules.rnn",
    "torch.nn.modules.sparse": "lampas.nn.modules.misc",
    "torch.nn.parallel": "lampas.nn.modules.parallel",
    "torch.nn.parallel.data_parallel": "lampas.nn.modules.parallel",
    "torch.nn.parallel.distributed": "lampas.compat._torch.nn.parallel",
    "torch.optim.adamw": "lampas.optim.adam",
    "torchvision.datasets.cifar": "lampas_vision.datasets.cifar",
    "torchvision.datasets.vision": "lampas_vision.datasets",
    "torchvision.transforms.transforms": "lampas_vision.transforms",
}


class Alias(ModuleType):
    """A module that gives on what its sources have, the first that has it."""

    def __init__(self, name: str, sources: Sequence[ModuleType]) -> None:
        super().__init__(name, sources[0].__doc__)
        self.__dict__["_lampas_sources"] = tuple(sources)
        self.__file__ = sources[-1].__file__
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        found = _MISSING
        for source in self.__dict__["_lampas_sources"]:
            found = getattr(source, name, _MISSING)
            if found is not _MISSING:
                break
        if found is _MISSING or isinstance(found, ModuleType):
            found = _submodule(self.__name__, name)
        if found is _MISSING:
            if name in WANTED.get(self.__name__, ()) and _imports(sys._getframe(1)):
                return Absent(f"{self.__name__}.{name}")
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        self.__dict__[name] = found
        return found

    def __dir__(self) -> list[str]:
        names = set(self.__dict__)
        for source in self.__dict__["_lampas_sources"]:
            names.update(dir(source))
        return sorted(names)

    def __repr__(self) -> str:
        return f"<module {self.__name__!r} (lampas)>"


_MISSING: Any = object()

# Module -> names that the program takes from it by ``from ... import``: placeholders
# stand for those that are missing.
WANTED: dict[str, tuple[str, ...]] = {}

_IMPORT_FROM = opcode.opmap["IMPORT_FROM"]


def _imports(frame: FrameType) -> bool:
    """Whether a frame is just executing a ``from ... import``, not ``hasattr``."""
    return frame.f_code.co_code[frame.f_lasti] == _IMPORT_FROM


def _submodule(parent: str, name: str) -> Any:
    full = f"{parent}.{name}"
    asked_by_python = name.startswith("__") and name != "__config__"
    if asked_by_python or sources_of(full) is None:
        return _MISSING
    return importlib.import_module(full)


def package_of(name: str) -> str:
    """The package of lampas behind a name such as ``torch.nn``."""
    root, dot, rest = name.partition(".")
    return _ELSEWHERE.get(name, ROOTS[root][0] + dot + rest)


def _exists(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def sources_of(name: str) -> list[str] | None:
    """Which modules make up ``name``; None if lampas has no such module.

    >>> sources_of("torch.fft")
    ['lampas.fft']
    """
    if name in _OURS_ONLY:
        return None
    candidates = [f"lampas.compat._{name}", package_of(name)]
    if name.rpartition(".")[0] == "torch.nn.modules" and name in _ELSEWHERE:
        candidates.append("lampas.nn")
    return [found for found in candidates if _exists(found)] or None


def make(name: str) -> Alias:
    """The module that a program sees under ``name``, which has sources."""
    sources = [importlib.import_module(n) for n in sources_of(name) or ()]
    for source in sources:
        spell(source)
    return Alias(name, sources)
