"""The public names with their signatures, and what changed since the release.

``nox -s api`` prints the changes that no changelog names yet,
``nox -s api -- --write`` records today's names as those of the release.
"""

from __future__ import annotations

import enum
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from tools.packages import FOLDERS, PACKAGES, public_modules

from lampas.ops import _late

ROOT = Path(__file__).resolve().parent.parent.parent
SNAPSHOT = ROOT / "tests" / "public_api.txt"


def signature(value: object) -> str:
    """The parameters of a callable, without what differs from run to run."""
    try:
        text = str(inspect.signature(value))
    except (TypeError, ValueError):
        return "(...)"
    return re.sub(r" at 0x[0-9a-f]+", "", text)


def _members(path: str, cls: type) -> Iterator[tuple[str, str]]:
    """The public methods and properties that a class itself defines."""
    for name, value in sorted(vars(cls).items()):
        if name.startswith("_"):
            continue
        if isinstance(value, staticmethod | classmethod):
            value = value.__func__
        if inspect.isfunction(value):
            yield f"{path}.{name}", signature(value)
        elif isinstance(value, property) or inspect.isdatadescriptor(value):
            yield f"{path}.{name}", ": property"


def describe(path: str, value: object) -> Iterator[tuple[str, str]]:
    """The lines for one public name: its own, and those of its members."""
    if isinstance(value, ModuleType):
        yield path, ": module"
    elif inspect.isclass(value):
        names = [base.__name__ for base in value.__bases__]
        bases = ", ".join(name for name in names if not name.startswith("_"))
        yield path, f": class({bases})"
        if issubclass(value, enum.Enum):
            yield from ((f"{path}.{member.name}", ": member") for member in value)
        else:
            yield f"{path}.__init__", signature(value)
        yield from _members(path, value)
    elif callable(value):
        yield path, signature(value)
    else:
        yield path, f": {type(value).__name__}"


def current() -> dict[str, str]:
    """Map each public name to its description; a second place is an alias."""
    # Methods of late families have their own signatures once these are loaded.
    _late.load_all()
    first: dict[int, str] = {}
    lines: dict[str, str] = {}
    modules = [module for package in PACKAGES for module in public_modules(package)]
    for module in sorted(modules, key=lambda m: (m.__name__.count("."), m.__name__)):
        lines[module.__name__] = ": module"
        for name in sorted(module.__all__):
            value = getattr(module, name)
            path = f"{module.__name__}.{name}"
            known = inspect.isclass(value) or inspect.isfunction(value)
            if known and id(value) in first:
                lines[path] = f" = {first[id(value)]}"
                continue
            first[id(value)] = path
            lines.update(describe(path, value))
    return lines


def recorded() -> dict[str, str]:
    """The names of the last release, from the snapshot in the repository."""
    lines = SNAPSHOT.read_text(encoding="utf-8").splitlines()
    matches = [re.fullmatch(r"([\w.]+)(.*)", line) for line in lines]
    return {match.group(1): match.group(2) for match in matches if match}


def unreleased(package: str) -> str:
    """The text under Unreleased in the changelog of a package."""
    path = ROOT / "packages" / FOLDERS[package.replace("_", "-")] / "CHANGELOG.md"
    text = path.read_text(encoding="utf-8")
    match = re.search(r"^## Unreleased$(.*?)(?=^## |\Z)", text, re.M | re.S)
    return match.group(1) if match else ""


def is_named(name: str, text: str) -> bool:
    """Whether a text has ``name`` in backticks: whole, or without its package."""
    quoted = set(re.findall(r"`([\w.]+)[^`]*`", text))
    return name in quoted or name.partition(".")[2] in quoted


def changes(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
    """Map each name that came, went or altered to a sentence saying so.

    What comes or goes with its class or module is told once, by the outermost name.
    """
    found = {}
    for name in sorted({*before, *after}):
        parent = name.rpartition(".")[0]
        if name not in before and (parent in before or not parent):
            found[name] = f"{name} is new"
        elif name not in after and (parent in after or not parent):
            found[name] = f"{name} is gone"
        elif name in before and name in after and before[name] != after[name]:
            found[name] = f"{name} was `{before[name]}`, is `{after[name]}`"
    return found


def unnamed_changes(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """The changes that the changelog of their package does not name."""
    texts = {package: unreleased(package) for package in PACKAGES}
    return [
        sentence
        for name, sentence in changes(before, after).items()
        if not is_named(name.removesuffix(".__init__"), texts[name.split(".")[0]])
    ]


def main(arguments: list[str]) -> int:
    """Print the changes that no changelog names, or write the snapshot."""
    lines = current()
    if arguments == ["--write"]:
        text = "".join(f"{name}{rest}\n" for name, rest in sorted(lines.items()))
        SNAPSHOT.write_text(text, encoding="utf-8")
        print(f"{len(lines)} names written to {SNAPSHOT.relative_to(ROOT)}")
        return 0
    missing = unnamed_changes(recorded(), lines)
    print("\n".join(missing) or "Every change of a public name is in its changelog.")
    return bool(missing)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
