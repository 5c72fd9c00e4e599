"""What ``torch`` has beside lampas' names stands in for no name that lampas has."""

import importlib
import pkgutil

import pytest

import lampas
import lampas.compat._torch as overlay

PREFIX = overlay.__name__
MODULES = [PREFIX] + [
    found.name for found in pkgutil.walk_packages(overlay.__path__, f"{PREFIX}.")
]


@pytest.mark.parametrize("name", MODULES)
def test_no_name_of_lampas_is_written_again(name):
    module = lampas
    for part in name.removeprefix(PREFIX).split(".")[1:]:
        module = getattr(module, part, None)
    added = getattr(importlib.import_module(name), "__all__", [])
    assert [n for n in added if hasattr(module, n)] == []


@pytest.mark.parametrize(
    ("value", "expected"),
    # What PyTorch 2.13 answers.
    [(1, "int"), (int, "int"), ("a", "str"), (len, "len"), (None, "NoneType")],
)
def test_typename_is_pytorchs(value, expected):
    assert lampas.typename(value) == expected
