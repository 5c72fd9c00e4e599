"""Names that ``lampas`` loads when first used are declared for type checkers."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import lampas


def _declared() -> set[str]:
    tree = ast.parse(Path(lampas.__file__).read_text(encoding="utf-8"))
    blocks = [
        node.body
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    nodes = [node for block in blocks for node in block]
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name for node in imports for name in _names(node)}


def _names(node: ast.ImportFrom) -> list[str]:
    if node.names[0].name == "*":
        return importlib.import_module(str(node.module)).__all__
    return [alias.asname or alias.name for alias in node.names]


def test_each_late_name_is_declared():
    modules = {
        name
        for name in lampas._SUBMODULES
        if importlib.util.find_spec(f"lampas.{name}") is not None
    }
    assert _declared() == modules | set(lampas._LAZY)
