"""What holds for every file of the repository."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections import Counter
from pathlib import Path

import pytest

PACKAGES = ["core", "hub", "vision", "text", "audio"]
# Spelled so that this file does not find itself.
LEFT_OPEN = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
MACHINE_PATH = re.compile(r"(?<![\w.])/(work|home|Users|root|tmp)/\w")
TEXT = {".py", ".md", ".toml", ".txt", ".pyi", ".cfg", ".yml", ".cu", ".cpp", ".h"}


@pytest.fixture(scope="module")
def files(root: Path) -> list[Path]:
    """The files that git tracks; all of them, where this is an sdist."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True
    )
    paths = [root / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


@pytest.fixture(scope="module")
def texts(files: list[Path]) -> dict[Path, str]:
    """The text files and what stands in them."""
    chosen = [path for path in files if path.suffix in TEXT]
    return {path: path.read_text(encoding="utf-8") for path in chosen}


def test_no_file_is_over_two_megabytes(files):
    assert [str(path) for path in files if path.stat().st_size > 2_000_000] == []


def test_nothing_is_left_open(texts):
    assert [str(path) for path, text in texts.items() if LEFT_OPEN.search(text)] == []


def test_no_path_of_somebodys_machine(texts):
    found = {
        str(path): match.group()
        for path, text in texts.items()
        if (match := MACHINE_PATH.search(text))
    }
    assert found == {}


def test_no_python_file_is_over_600_lines(texts):
    long = {str(p): n for p, t in texts.items() if (n := t.count("\n")) > 600}
    assert {path: n for path, n in long.items() if path.endswith(".py")} == {}


def test_no_recipe_is_over_300_lines(texts):
    recipes = [p for p in texts if "recipes" in p.parts and p.suffix == ".py"]
    assert [str(p) for p in recipes if texts[p].count("\n") >= 300] == []


def test_names_of_test_files_are_unique(files):
    names = Counter(p.name for p in files if p.name.startswith("test_"))
    assert [name for name, count in names.items() if count > 1] == []


def test_imports_in_functions_name_the_optional_package_only(texts):
    """Each ``noqa`` for an import out of place is about an optional third party."""
    optional = {"cupy", "matplotlib", "onnx", "IPython", "numpy"}
    for path in (path for path in texts if "src" in path.parts):
        for line in texts[path].splitlines():
            if re.match(r"\s+(import|from) .*noqa: PLC0415", line):
                name = re.split(r"[ .]", line.split()[1])[0]
                assert name in optional, f"{path}: {line.strip()}"


@pytest.mark.parametrize("name", PACKAGES)
def test_each_package_carries_what_its_sdist_needs(root, name):
    folder = root / "packages" / name
    settings = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    project = settings["project"]
    source = folder / "src" / project["name"].replace("-", "_")
    for path in [folder / "README.md", folder / "CHANGELOG.md", source / "py.typed"]:
        assert path.is_file(), path
    assert (folder / "LICENSE").read_bytes() == (root / "LICENSE").read_bytes()
    assert project["license"] == "BSD-3-Clause"
    assert project["requires-python"] == ">=3.11"


@pytest.mark.parametrize("name", PACKAGES[1:])
def test_satellites_ask_for_a_range_of_core(root, name):
    path = root / "packages" / name / "pyproject.toml"
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    asked = [d for d in project["dependencies"] if d.startswith("lampas")]
    assert "lampas>=0.1,<0.3" in asked
    assert all(re.fullmatch(r"lampas(-hub)?>=[\d.]+,<[\d.]+", d) for d in asked)
