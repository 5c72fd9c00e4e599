"""The graph of imports between our own modules, read from their source text.

Imports inside functions count; imports for type checkers and the lazy loading
of a package's ``__init__`` (strings, not statements) do not.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

Graph = Mapping[str, set[str]]


def find_modules(sources: list[Path]) -> dict[str, Path]:
    """Map the dotted name of each module under ``sources`` to its file."""
    modules = {}
    for source in sources:
        for path in sorted(source.rglob("*.py")):
            parts = path.relative_to(source).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            modules[name] = path
    return modules


def _is_type_checking(node: ast.If) -> bool:
    return "TYPE_CHECKING" in ast.unparse(node.test)


def import_nodes(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the import statements of a module, wherever they stand."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and _is_type_checking(node):
            for other in node.orelse:
                yield from import_nodes(other)
        else:
            yield from import_nodes(node)


def _targets(node: ast.Import | ast.ImportFrom, name: str, path: Path) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = node.module or ""
    if node.level:
        package = name.split(".")
        keep = len(package) - node.level + (path.stem == "__init__")
        base = ".".join([*package[:keep], *([base] if base else [])])
    return [f"{base}.{alias.name}" for alias in node.names]


def imported_names(modules: Mapping[str, Path]) -> set[str]:
    """Give every ``module.name`` that some module imports from another."""
    found = set()
    for name, path in modules.items():
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        for node in import_nodes(tree):
            found.update(_targets(node, name, path))
    return found


def _owner(target: str, modules: Mapping[str, Path]) -> str | None:
    """The module that a target names, or the one that holds the name."""
    if target in modules:
        return target
    parent = target.rpartition(".")[0]
    return parent if parent in modules else None


def import_graph(modules: Mapping[str, Path]) -> dict[str, set[str]]:
    """Map each module to those of ``modules`` that it imports."""
    graph: dict[str, set[str]] = {}
    for name, path in modules.items():
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        targets = [t for node in import_nodes(tree) for t in _targets(node, name, path)]
        found = {_owner(target, modules) for target in targets}
        graph[name] = {owner for owner in found if owner not in (None, name)}
    return graph


def cycles(graph: Graph) -> list[set[str]]:
    """Give the groups of modules that reach each other, largest first."""
    reach = {name: _reachable(graph, name) for name in graph}
    groups = []
    left = set(graph)
    while left:
        name = left.pop()
        group = {other for other in reach[name] if name in reach[other]} | {name}
        left -= group
        groups.append(group)
    return sorted(groups, key=len, reverse=True)


def _reachable(graph: Graph, start: str) -> set[str]:
    seen: set[str] = set()
    todo = list(graph[start])
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo.extend(graph[name])
    return seen
