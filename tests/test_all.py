"""``__all__`` is exact: what it names exists, and nothing public is left out.

A name outside ``__all__`` begins with an underscore, or is there for other modules
of its package. Recipes are files to read and change: ``__all__`` has what the command
line calls, the steps in between carry plain names.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path
from types import ModuleType

import pytest
from tools.import_graph import find_modules, imported_names
from tools.packages import PACKAGES, public_module_names

PUBLIC = [name for package in PACKAGES for name in public_module_names(package)]


@pytest.fixture(params=PUBLIC)
def module(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(request.param)


def test_names_exist_once_each(module):
    assert len(set(module.__all__)) == len(module.__all__)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


@pytest.fixture(scope="module")
def shared(root: Path) -> set[str]:
    """The names that one of our modules imports from another."""
    return imported_names(find_modules(sorted(root.glob("packages/*/src"))))


@pytest.mark.parametrize("path", [n for n in PUBLIC if ".recipes." not in n])
def test_nothing_public_is_left_out(path, shared):
    module = importlib.import_module(path)
    own = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module.__name__
        and f"{module.__name__}.{name}" not in shared
    ]
    assert sorted(set(own) - set(module.__all__)) == []


def test_nothing_foreign_is_named(module):
    foreign = [
        name
        for name in module.__all__
        if name == "annotations"
        or (
            isinstance(value := getattr(module, name), ModuleType)
            and value.__name__.split(".")[0] not in PACKAGES
        )
        or getattr(value, "__module__", None) == "typing"
    ]
    assert foreign == []


def test_star_import_gives_what_all_names(module):
    namespace: dict[str, object] = {}
    exec(f"from {module.__name__} import *", namespace)
    assert set(namespace) - {"__builtins__"} == set(module.__all__)
    assert sys.modules[module.__name__] is module
