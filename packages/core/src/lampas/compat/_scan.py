"""Read a program's imports, without running it: which names will it want?

An import inside ``try`` with a handler for its failure is a question, which must be
answered truly; it is left out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from lampas.compat._absent import ABSENT
from lampas.compat._modules import ROOTS

__all__ = ["names_wanted"]

_CATCHING = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


def _asks(node: ast.Try) -> bool:
    """Whether a ``try`` expects that an import in it fails."""
    for handler in node.handlers:
        if handler.type is None:
            return True
        kinds = [n.id for n in ast.walk(handler.type) if isinstance(n, ast.Name)]
        if _CATCHING.intersection(kinds):
            return True
    return False


def _imports(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports of a program, those aside that are questions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            yield child
        elif isinstance(child, ast.Try) and _asks(child):
            for rest in (*child.handlers, *child.orelse, *child.finalbody):
                yield from _imports(rest)
        else:
            yield from _imports(child)


def _files_of(module: str, folder: Path) -> list[Path]:
    """The files beside a program that ``import module`` runs."""
    found, place = [], folder
    for part in module.split("."):
        place = place / part
        found += [place / "__init__.py", place.with_suffix(".py")]
    return [f for f in found if f.is_file()]


def _parsed(path: Path) -> ast.AST:
    try:
        return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ast.Module([], [])  # the program itself meets the error when it runs


def _home(node: ast.ImportFrom, path: Path, root: Path) -> tuple[str, Path]:
    """The module that a from-import names, and the folder it is looked for in."""
    if not node.level:
        return node.module or "", root
    return node.module or "", path.parents[node.level - 1]


def names_wanted(script: Path) -> dict[str, tuple[str, ...]]:
    """What a program and the modules beside it take by ``from torch... import``.

    Args:
        script: the program; modules that stand beside it are followed.

    Returns:
        Module -> names. A module that is known to be missing is there, too, if it is
        imported as a whole.
    """
    wanted: dict[str, dict[str, None]] = {}
    seen: set[Path] = set()
    waiting = [script]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for node in _imports(_parsed(path)):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name in ABSENT:
                        wanted.setdefault(alias.name, {})
                    waiting += _files_of(alias.name, script.parent)
                continue
            module, folder = _home(node, path, script.parent)
            if not node.level and module.partition(".")[0] in ROOTS:
                names = [alias.name for alias in node.names if alias.name != "*"]
                wanted.setdefault(module, {}).update(dict.fromkeys(names))
                continue
            waiting += _files_of(module, folder) if module else []
            for alias in node.names:
                inner = f"{module}.{alias.name}" if module else alias.name
                waiting += _files_of(inner, folder)
    return {module: tuple(names) for module, names in wanted.items()}
