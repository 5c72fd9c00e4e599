"""Write the stub of the tensor's module from its source and from the table of ops.

    python tests/tools/tensor_stub.py [--check]

Ops attach their methods to Tensor when they are imported, which editors and type
checkers can't see. The stub lists every method with its signature.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lampas
from lampas.engine import tensor as source
from lampas.engine.tensor import METHODS, Tensor
from lampas.ops import _late

SOURCE = Path(source.__file__)
STUB = SOURCE.with_suffix(".pyi")
_ = lampas
_late.load_all()

_HEAD = """# Made by tests/tools/tensor_stub.py from tensor.py and the table of ops.
import builtins
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from lampas.backend.device import Device
from lampas.dtypes import DType
from lampas.engine.size import Size as Size
from lampas.engine.tape import Node
{imports}
F = TypeVar("F", bound=Callable[..., Any])
"""

# What the operators give; the functions behind them take any operand.
_RESULTS = {"__contains__": "builtins.bool", "__setitem__": "None"}
# Python's own __eq__ and __ne__ give a bool, ours a tensor.
_OVERRIDES = ("__eq__", "__ne__")


class _Qualified(ast.NodeTransformer):
    """Spells builtins in full, where methods such as ``float`` hide them."""

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in _HIDDEN:
            module = ast.Name("builtins")
            return ast.Attribute(value=module, attr=node.id)
        return node


_HIDDEN = {name for name in vars(Tensor) if hasattr(builtins, name)}


def stub() -> str:
    """The text of the stub."""
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    parts = [_HEAD.format(imports="".join(sorted(_imports())))]
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            parts.append("\n".join(_class_stub(node)) + "\n")
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            parts.append(_function_stub(node, ""))
        elif isinstance(node, ast.AnnAssign):
            target = ast.unparse(node.target)
            parts.append(f"{target}: {ast.unparse(node.annotation)}\n")
    return "\n".join(parts)


def _class_stub(node: ast.ClassDef) -> Iterator[str]:
    bases = ", ".join(ast.unparse(base) for base in node.bases)
    bases = "tuple[int, ...]" if bases == "tuple" else bases
    yield f"class {node.name}({bases}):" if bases else f"class {node.name}:"
    hides = node.name == "Tensor"
    for item in node.body:
        if isinstance(item, ast.FunctionDef):
            yield _function_stub(_Qualified().visit(item) if hides else item, "    ")
        elif isinstance(item, ast.Assign):
            yield from _attribute_stubs(item)
    if hides:
        yield from _method_stubs(set(_names(node)))


def _imports() -> Iterator[str]:
    """Imports of the other names that the annotations of methods use."""
    known = {*vars(builtins), *vars(source), "Sequence", "annotations"}
    for function in METHODS.values():
        namespace = inspect.unwrap(function).__globals__
        for annotation in function.__annotations__.values():
            for node in ast.walk(ast.parse(annotation)):
                if isinstance(node, ast.Name) and node.id not in known:
                    known.add(node.id)
                    yield import_line(node.id, namespace[node.id])


def import_line(name: str, value: Any) -> str:
    """The line that imports a name for annotations."""
    if inspect.ismodule(value):
        return f"import {value.__name__} as {name}\n"
    return f"from {value.__module__} import {name}\n"


def _names(node: ast.ClassDef) -> Iterator[str]:
    for item in node.body:
        if isinstance(item, ast.FunctionDef):
            yield item.name
        elif isinstance(item, ast.Assign):
            yield ast.unparse(item.targets[0])


def _attribute_stubs(item: ast.Assign) -> Iterator[str]:
    name = ast.unparse(item.targets[0])
    if name == "__slots__":
        slots = ast.literal_eval(item.value)
        yield from (f"    {slot}: Any" for slot in slots if not slot.startswith("__"))
    elif isinstance(item.value, ast.Name):
        yield f"    {name} = {item.value.id}"
    else:
        kind = type(ast.literal_eval(item.value)).__name__
        kind = f"builtins.{kind}" if kind in _HIDDEN else kind
        yield f"    {name}: {kind}"


def _function_stub(node: ast.FunctionDef, indent: str) -> str:
    decorators = "".join(f"{indent}@{ast.unparse(d)}\n" for d in node.decorator_list)
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    arguments = ast.unparse(node.args)
    return f"{decorators}{indent}def {node.name}({arguments}){returns}: ..."


def _method_stubs(own: set[str]) -> Iterator[str]:
    """What Tensor has at run time and its class statement does not."""
    for name, value in sorted(vars(Tensor).items()):
        if name in own or (name.startswith("_") and not name.endswith("__")):
            continue
        if isinstance(value, property):
            yield "    @property"
            yield f"    def {name}(self) -> Tensor: ..."
        elif name in METHODS and not name.startswith("__"):
            yield f"    def {name}{_signature(value)}"
        elif inspect.isfunction(value):
            yield f"    def {name}{_operator_signature(name, value)}"


def _operator_signature(name: str, function: Callable[..., Any]) -> str:
    parameters = list(inspect.signature(function).parameters.values())
    operands = [p.name for p in parameters[1:] if p.kind is p.POSITIONAL_OR_KEYWORD]
    arguments = ", ".join(["self", *(f"{operand}: Any" for operand in operands)])
    ignore = "  # type: ignore[override]" if name in _OVERRIDES else ""
    return f"({arguments}) -> {_RESULTS.get(name, 'Tensor')}: ...{ignore}"


class Text(str):
    """A text that ``inspect`` writes as it is, without quotes."""

    def __repr__(self) -> str:
        return str(self)


def _signature(function: Callable[..., Any]) -> str:
    """A function's signature as a method's: its first parameter is self."""
    signature = inspect.signature(function)
    first, *others = signature.parameters.values()
    parameters = [
        first.replace(name="self", annotation=first.empty, default=first.empty)
    ]
    for parameter in others:
        default = parameter.default
        if default is not parameter.empty and not isinstance(default, PLAIN):
            parameter = parameter.replace(default=Text("..."))
        annotation = Text(_qualified(parameter.annotation))
        parameters.append(parameter.replace(annotation=annotation))
    returns = _qualified(signature.return_annotation)
    return f"{inspect.Signature(parameters)} -> {returns}: ..."


# Defaults that are written out; of others a stub only says that there is one.
PLAIN = (bool, int, float, str, tuple, type(None))


def _qualified(annotation: str) -> str:
    return ast.unparse(_Qualified().visit(ast.parse(annotation)))


def is_current() -> bool:
    """Whether the stub that is there is the one that would be written."""
    return STUB.exists() and STUB.read_text(encoding="utf-8") == stub()


def main() -> None:
    """Write the stub, or with ``--check`` fail if it is not up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    if not parser.parse_args().check:
        STUB.write_text(stub(), encoding="utf-8")
    elif not is_current():
        sys.exit(f"{STUB.name} is out of date; run python tests/tools/tensor_stub.py")


if __name__ == "__main__":
    main()
