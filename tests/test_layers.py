"""Imports go downward, and no two modules import each other."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tools.import_graph import cycles, find_modules, import_graph, import_nodes
from tools.packages import is_public

ALLOWED = {
    "lampas": set(),
    "lampas_hub": {"lampas"},
    "lampas_vision": {"lampas", "lampas_hub"},
    "lampas_text": {"lampas", "lampas_hub"},
    "lampas_audio": {"lampas", "lampas_hub"},
}


@pytest.fixture(scope="module")
def modules(root: Path) -> dict[str, Path]:
    return find_modules(sorted(root.glob("packages/*/src")))


def test_the_largest_import_cycle_is_one_module(modules):
    largest = cycles(import_graph(modules))[0]
    assert len(largest) == 1, f"modules that import each other: {sorted(largest)}"


def test_packages_import_only_what_they_depend_on(modules):
    for name, imported in import_graph(modules).items():
        own = name.split(".")[0]
        others = {other.split(".")[0] for other in imported} - {own}
        assert others <= ALLOWED[own], f"{name} imports {sorted(others)}"


def test_satellites_use_public_names_of_core_only(modules):
    wrong = []
    for name, path in modules.items():
        if name.split(".")[0] == "lampas":
            continue
        for node in import_nodes(ast.parse(path.read_text(encoding="utf-8"))):
            wrong += [
                f"{name}: {used}" for used in _core_names(node) if not is_public(used)
            ]
    assert not wrong, "\n".join(wrong)


def _core_names(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    else:
        names = [f"{node.module}.{alias.name}" for alias in node.names]
    return [name for name in names if name.split(".")[0] == "lampas"]


def test_the_graph_sees_imports_in_functions_and_not_those_for_types(tmp_path):
    (tmp_path / "a.py").write_text("def f():\n    import b\n")
    (tmp_path / "b.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import c\n"
    )
    (tmp_path / "c.py").write_text("from a import f\n")
    graph = import_graph(find_modules([tmp_path]))
    assert graph == {"a": {"b"}, "b": set(), "c": {"a"}}
    assert [len(group) for group in cycles(graph)] == [1, 1, 1]
    (tmp_path / "b.py").write_text("import c\n")
    assert cycles(import_graph(find_modules([tmp_path])))[0] == {"a", "b", "c"}
