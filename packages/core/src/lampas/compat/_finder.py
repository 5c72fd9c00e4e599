"""Finds ``torch`` and its kin first of all, and says that they are installed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import Distribution, DistributionFinder
from types import ModuleType
from typing import Any

from lampas.compat._absent import AbsentModule
from lampas.compat._modules import ROOTS, WANTED, make, sources_of
from lampas.compat._versions import version_of

__all__ = ["Finder"]


class _AliasLoader(Loader):
    """Makes a module of lampas' own modules."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return make(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        version = version_of(module.__name__)
        if version is not None:
            module.__version__ = version  # type: ignore[attr-defined]


class _AbsentLoader(Loader):
    """Makes a module of names that a program imports and lampas does not have."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return AbsentModule(spec.name, self.names)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is left to do."""


class _NotInstalledLoader(Loader):
    """Says which package is missing."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        package, distribution = ROOTS[spec.name]
        raise ModuleNotFoundError(
            f"No module named {spec.name!r}: under lampas it is {package}; "
            f"pip install {distribution}",
            name=spec.name,
        )

    def exec_module(self, module: ModuleType) -> None:
        """Never reached."""


class _Installed(Distribution):
    """What ``importlib.metadata`` tells of a distribution that lampas stands for."""

    def __init__(self, name: str, version: str) -> None:
        self._texts = {
            "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        }

    def read_text(self, filename: str) -> str | None:
        return self._texts.get(filename)

    def locate_file(self, path: Any) -> Any:
        return path


_ANY = DistributionFinder.Context()


class Finder(MetaPathFinder):
    """Resolves the names of PyTorch's packages to lampas."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """The spec of a module that lampas stands for; None for any other."""
        if fullname.partition(".")[0] not in ROOTS:
            return None
        if sources_of(fullname) is not None:
            return ModuleSpec(fullname, _AliasLoader(), is_package=True)
        if fullname in ROOTS:
            return ModuleSpec(fullname, _NotInstalledLoader())
        if not any(f"{name}.".startswith(f"{fullname}.") for name in WANTED):
            return None
        names = WANTED.get(fullname, ())
        return ModuleSpec(fullname, _AbsentLoader(names), is_package=True)

    def find_distributions(
        self, context: DistributionFinder.Context = _ANY
    ) -> Iterator[Distribution]:
        """The distributions that lampas stands for, under their names."""
        for name in ROOTS:
            version = version_of(name)
            if context.name in (None, name) and version is not None:
                yield _Installed(name, version)
