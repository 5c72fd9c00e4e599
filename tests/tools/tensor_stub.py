"""Write the stub of the tensor's module from its source and from the table of ops.

    python tests/tools/tensor_stub.py [--check]

Ops attach their methods to Tensor when they are imported, which editors and type
checkers can't see. The stub lists every method with its signature.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import sys
from pathlib import Path

import lampas
from lampas.engine import tensor as source
from lampas.engine.tensor import METHODS
from lampas.ops.operators import BINARY

SOURCE = Path(source.__file__)
STUB = SOURCE.with_suffix(".pyi")
_ = lampas

_HEAD = """# Made by tests/tools/tensor_stub.py from tensor.py and the table of ops.
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from lampas.backend.device import Device
from lampas.dtypes import DType
from lampas.engine.tape import Node

"""


def stub() -> str:
    """The text of the stub."""
    tree = ast.parse(SOURCE.read_text())
    parts = [_HEAD]
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            parts.append(_class_stub(node))
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            parts.append(_function_stub(node, ""))
        elif isinstance(node, ast.AnnAssign):
            target = ast.unparse(node.target)
            parts.append(f"{target}: {ast.unparse(node.annotation)}\n")
    return "\n".join(parts)


def _class_stub(node: ast.ClassDef) -> str:
    bases = ", ".join(ast.unparse(b) for b in node.bases)
    lines = [f"class {node.name}({bases}):" if bases else f"class {node.name}:"]
    for item in node.body:
        if isinstance(item, ast.FunctionDef):
            lines.append(_function_stub(item, "    "))
        elif isinstance(item, ast.Assign) and item.targets[0].id != "__slots__":
            name = item.targets[0].id
            if isinstance(item.value, ast.Name):
                lines.append(f"    {name} = {item.value.id}")
            else:
                lines.append(
                    f"    {name}: {type(ast.literal_eval(item.value)).__name__}"
                )
    if node.name == "View":
        lines += ["    base: Tensor", "    steps: tuple[Any, ...]"]
    if node.name == "Tensor":
        lines += [f"    {name}: Any" for name in _SLOTS]
        lines += _method_stubs({i.name for i in node.body if hasattr(i, "name")})
    return "\n".join(lines) + "\n"


_SLOTS = ["_cell", "_data", "_extra", "_node", "_view"]


def _function_stub(node: ast.FunctionDef, indent: str) -> str:
    decorators = "".join(f"{indent}@{ast.unparse(d)}\n" for d in node.decorator_list)
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    arguments = ast.unparse(node.args)
    return f"{decorators}{indent}def {node.name}({arguments}){returns}: ..."


def _method_stubs(own: set[str]) -> list[str]:
    lines = []
    for name, function in sorted(METHODS.items()):
        if name in own:
            continue
        if isinstance(function, property):
            lines += ["    @property", f"    def {name}(self) -> Tensor: ..."]
        else:
            lines.append(f"    def {name}{_signature(function)}: ...")
    for name in sorted(BINARY):
        for form in ("", "r", "i"):
            dunder = f"__{form}{name}__"
            if hasattr(source.Tensor, dunder) and dunder not in METHODS:
                lines.append(f"    def {dunder}(self, other: Any) -> Tensor: ...")
    return lines


def _signature(function: object) -> str:
    """A function's signature as a method's: its first parameter is self."""
    node = ast.parse(f"def f{inspect.signature(function)}: ...".replace("'", "")).body[
        0
    ]
    assert isinstance(node, ast.FunctionDef)
    arguments = node.args
    first = arguments.posonlyargs or arguments.args
    if first:
        first[0] = ast.arg("self")
    text = ast.unparse(arguments)
    returns = ast.unparse(node.returns) if node.returns else "Any"
    return f"({text}) -> {returns}"


def main() -> None:
    """Write the stub, or with ``--check`` fail if it is not up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    text = stub()
    if not parser.parse_args().check:
        STUB.write_text(text)
    elif not STUB.exists() or STUB.read_text() != text:
        sys.exit(f"{STUB.name} is out of date; run python tests/tools/tensor_stub.py")


if __name__ == "__main__":
    main()
