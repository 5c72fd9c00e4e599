"""Families that are loaded late bring exactly what the tables promise."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys

import pytest

import lampas
from lampas.engine.tensor import METHODS, Tensor
from lampas.ops import _late, with_out

FAMILIES = sorted({*_late.FUNCTIONS, *_late.METHODS})


def _run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_importing_lampas_loads_none_of_them():
    loaded = _run(
        "import sys, lampas\n"
        "print(*(m for m in sys.modules if m.startswith('lampas.ops.')))"
    )
    names = {name.removeprefix("lampas.ops.") for name in loaded.split()}
    assert sorted(names & set(FAMILIES)) == []


@pytest.mark.parametrize("family", sorted(_late.FUNCTIONS))
def test_its_functions_are_those_of_the_table(family):
    module = importlib.import_module(f"lampas.ops.{family}")
    names = _late.FUNCTIONS[family]
    assert set(names) <= set(module.__all__)
    for name in names:
        if name in with_out.__all__:
            assert with_out.family_function(name) is getattr(module, name)
        else:
            assert getattr(lampas, name) is getattr(module, name)


def test_their_methods_are_those_of_the_table():
    """A fresh interpreter: here every family may be loaded already."""
    printed = _run(
        "import lampas\n"
        "from lampas.engine.tensor import METHODS\n"
        "from lampas.ops import _late\n"
        "early = set(METHODS)\n"
        "_late.load_all()\n"
        "print(*sorted(set(METHODS) - early))"
    )
    promised = [name for names in _late.METHODS.values() for name in names]
    assert printed.split() == sorted(promised)


@pytest.mark.parametrize("family", sorted(_late.METHODS))
def test_a_method_is_replaced_when_its_family_is_loaded(family):
    _late.load(family)
    for name in _late.METHODS[family]:
        assert getattr(Tensor, name) is METHODS[name]


_USED = r'(?:\bF\.|RECORDS\[")(\w+)\b'
_LACKING = f"""
import importlib, os, re, sys
import lampas
from lampas.engine.record import RECORDS
from lampas.ops import _late

def lacking():
    found = set()
    for name, module in list(sys.modules.items()):
        if name.startswith("lampas.ops."):
            with open(module.__file__, encoding="utf-8") as file:
                found |= set(re.findall({_USED!r}, file.read()))
    return sorted(found - set(RECORDS))

families = sorted({{*_late.FUNCTIONS, *_late.METHODS}})
for name in ["engine", *sorted(lampas._SUBMODULES), *(f"ops.{{f}}" for f in families)]:
    child = os.fork()
    if child == 0:
        importlib.import_module(f"lampas.{{name}}")
        for record in lacking():
            print(name, record, flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, name
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="starts each part by itself")
def test_every_part_loads_the_records_that_its_ops_use():
    """Each by itself: here most records are there already, whoever brought them."""
    assert _run(_LACKING) == ""
