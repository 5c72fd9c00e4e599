"""Write the stub of the functions that take ``out=`` from their signatures.

    python tests/tools/out_stub.py [--check]

They are made when they are first used, which type checkers can't see.
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

from tools.tensor_stub import PLAIN, Text, import_line

import lampas
from lampas.ops import with_out

STUB = Path(with_out.__file__).with_suffix(".pyi")


def stub() -> str:
    """The text of the stub."""
    functions = {name: getattr(lampas, name) for name in with_out.__all__}
    lines = ["# Made by tests/tools/out_stub.py from the signatures of the functions."]
    lines += sorted(_imports(functions))
    lines.append("__all__ = [")
    lines += [f'    "{name}",' for name in functions]
    lines += ["]", ""]
    lines += [f"def {name}{_signature(f)}: ..." for name, f in functions.items()]
    return "\n".join(lines) + "\n"


def _imports(functions: dict[str, Callable[..., Any]]) -> Iterator[str]:
    """Imports of the names that the annotations use."""
    known = {*vars(builtins), "annotations"}
    for name, function in functions.items():
        namespace = inspect.unwrap(with_out.family_function(name)).__globals__
        for annotation in function.__annotations__.values():
            for node in ast.walk(ast.parse(annotation)):
                if isinstance(node, ast.Name) and node.id not in known:
                    known.add(node.id)
                    value = namespace.get(node.id, vars(with_out).get(node.id))
                    yield import_line(node.id, value).rstrip()


def _signature(function: Callable[..., Any]) -> str:
    signature = inspect.signature(function)
    parameters = []
    for parameter in signature.parameters.values():
        default = parameter.default
        if default is not parameter.empty and not isinstance(default, PLAIN):
            parameter = parameter.replace(default=Text("..."))
        parameters.append(parameter.replace(annotation=Text(parameter.annotation)))
    return f"{inspect.Signature(parameters)} -> {signature.return_annotation}"


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
        sys.exit(f"{STUB.name} is out of date; run python tests/tools/out_stub.py")


if __name__ == "__main__":
    main()
