"""What must agree before a release: versions, changelogs, ranges, tags.

``nox -s release -- [DISTRIBUTION ...]`` checks the named ones (all five without a
name) and prints the tag that each release will carry.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version
from tools.packages import FOLDERS, import_name

ROOT = Path(__file__).resolve().parent.parent.parent


def version(name: str) -> Version:
    """The version that a package's source states."""
    source = ROOT / "packages" / FOLDERS[name] / "src" / import_name(name)
    text = (source / "_version.py").read_text(encoding="utf-8")
    match = re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    if match is None:
        raise ValueError(f"{name}: _version.py states no __version__")
    return Version(match.group(1))


def newest_section(name: str) -> str:
    """The title of the changelog's newest section with a version."""
    path = ROOT / "packages" / FOLDERS[name] / "CHANGELOG.md"
    titles = re.findall(r"^## (\d\S*)", path.read_text(encoding="utf-8"), re.MULTILINE)
    return titles[0] if titles else "none"


def wrong_ranges(name: str) -> list[str]:
    """The packages of ours whose version in this tree ``name`` does not allow."""
    path = ROOT / "packages" / FOLDERS[name] / "pyproject.toml"
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    asked = [Requirement(text) for text in project["dependencies"]]
    return [
        f"{name} asks for {ask}, this tree has {version(ask.name)}"
        for ask in asked
        if ask.name in FOLDERS and version(ask.name) not in ask.specifier
    ]


def existing_tags() -> set[str]:
    """The tags of the repository."""
    listed = subprocess.run(
        ["git", "tag", "-l"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(listed.stdout.split())


def problems(name: str, tags: set[str]) -> list[str]:
    """What keeps a package from being released as it stands."""
    found = wrong_ranges(name)
    stated, newest = str(version(name)), newest_section(name)
    if newest != stated:
        found.append(f"{name} is {stated}; its changelog's newest section: {newest}")
    if f"{FOLDERS[name]}-v{stated}" in tags:
        found.append(f"{name} {stated} is released already: raise _version.py")
    return found


def main(names: list[str]) -> int:
    """Print the tag of each release, or what stands in its way."""
    unknown = set(names) - set(FOLDERS)
    if unknown:
        print(f"no package {sorted(unknown)}; there are {list(FOLDERS)}")
        return 2
    tags = existing_tags()
    chosen = names or list(FOLDERS)
    found = [problem for name in chosen for problem in problems(name, tags)]
    for problem in found:
        print(problem)
    if not found:
        for name in chosen:
            print(f"git tag {FOLDERS[name]}-v{version(name)}")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
