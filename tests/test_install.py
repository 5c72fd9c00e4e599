"""Each distribution installs from its built file alone, and brings only what it asks.

The wheels are built from the sdists, so that both are tested; wheels of third
parties are fetched once per session.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from tools.packages import FOLDERS, import_name

NEEDS = {
    "lampas": set(),
    "lampas-hub": {"lampas"},
    "lampas-vision": {"lampas", "lampas-hub"},
    "lampas-text": {"lampas", "lampas-hub"},
    "lampas-audio": {"lampas", "lampas-hub"},
}
CORE_BRINGS = {"lampas", "numpy", "ml_dtypes", "safetensors", "tqdm"}
MEGABYTE = 1_000_000
# One group: what one worker has built, others need not wait for.
pytestmark = pytest.mark.xdist_group("install")


def run(*command: object, cwd: Path | None = None) -> str:
    """Run a command away from the sources; its output, or a failure showing it."""
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=_clean_environment(),
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _clean_environment() -> dict[str, str]:
    kept = {
        k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")
    }
    # One instruction set, compiled fast, is enough to see that the kernels come along.
    return kept | {"SKBUILD_CMAKE_DEFINE": "LAMPAS_PATHS=baseline;LAMPAS_OPTIMIZE=-O1"}


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder away from the sources, which parallel workers share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "install"
    folder.mkdir(exist_ok=True)
    return folder


@contextlib.contextmanager
def once(work: Path, name: str) -> Iterator[bool]:
    """Whether nobody has done this yet; others wait until it is done."""
    done = work / f"{name}.done"
    with FileLock(work / f"{name}.lock"):
        yield not done.exists()
        done.touch()


@pytest.fixture(scope="session")
def dist(root: Path, work: Path) -> Path:
    """The folder with the five sdists and the wheels built from them."""
    with once(work, "dist") as first:
        for folder in FOLDERS.values() if first else ():
            package = root / "packages" / folder
            run(sys.executable, "-m", "build", "-n", "-o", work / "dist", package)
    return work / "dist"


class Environment:
    """A fresh environment, into which the outer pip installs."""

    def __init__(self, folder: Path) -> None:
        if not folder.exists():
            venv.create(folder, with_pip=False)
        self.python = folder / "bin" / "python"
        self.site = next(folder.glob("lib/python*/site-packages"))

    def pip(self, *arguments: object) -> str:
        head = [sys.executable, "-m", "pip", "--python", self.python]
        return run(*head, *arguments)

    def run(self, code: str, cwd: Path) -> str:
        return run(self.python, "-W", "error", "-c", code, cwd=cwd)

    def distributions(self) -> set[str]:
        return {
            entry["name"] for entry in json.loads(self.pip("list", "--format=json"))
        }

    def size(self, *names: str) -> int:
        """The bytes of these entries of site-packages; of all, without a name."""
        tops = [self.site / name for name in names] if names else [self.site]
        files = [file for top in tops for file in top.rglob("*") if file.is_file()]
        return sum(file.stat().st_size for file in files)


def install(name: str, dist: Path, work: Path) -> Environment:
    """Install one distribution into an environment of its own, with no index."""
    wheels = work / "third-party"
    find = ["--find-links", dist]
    pip = [sys.executable, "-m", "pip", "download", "-q", "--prefer-binary"]
    offline = ["--no-index", "--find-links", wheels, *find]
    with once(work, name) as first:
        environment = Environment(work / name)
        if first:
            run(*pip, "-d", wheels, *find, f"{name}==0.1.0")
            environment.pip("install", "-q", *offline, f"{name}==0.1.0")
    return environment


@pytest.fixture(scope="session")
def core(dist: Path, work: Path) -> Environment:
    """An environment with core alone."""
    return install("lampas", dist, work)


def test_five_sdists_four_wheels_of_pure_python_and_one_of_this_machine(dist):
    names = {file.name for file in dist.iterdir()}
    stems = [f"{name.replace('-', '_')}-0.1.0" for name in FOLDERS]
    pure = {f"{stem}-py3-none-any.whl" for stem in stems[1:]}
    sdists = {f"{stem}.tar.gz" for stem in stems}
    (core,) = names - pure - sdists
    assert core.startswith("lampas-0.1.0-") and core.endswith(".whl")
    assert names == pure | sdists | {core}


def test_the_core_wheel_is_small(dist):
    (wheel,) = dist.glob("lampas-0.1.0-*.whl")
    assert wheel.stat().st_size < 5 * MEGABYTE


def test_an_installed_core_has_its_kernels_or_says_why_not(core, work):
    code = "from lampas import kernels; print(kernels.is_available())"
    compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    assert core.run(code, cwd=work).strip() == str(compiler is not None)


def test_core_installs_alone_and_brings_three_things_of_others(core, work):
    assert core.distributions() == CORE_BRINGS
    found = core.run("import lampas; print(lampas.__file__, lampas.__version__)", work)
    path, version = found.split()
    assert Path(path).is_relative_to(core.site)
    assert version == "0.1.0"


def test_core_is_at_most_15_megabytes_over_numpy(core):
    numpy = core.size("numpy", "numpy.libs")
    assert numpy > 20 * MEGABYTE
    assert core.size() - numpy <= 15 * MEGABYTE


def test_core_installs_a_command(core, work):
    shown = run(core.python.parent / "lampas", "--help", cwd=work)
    assert "usage: lampas" in shown


@pytest.mark.slow
@pytest.mark.parametrize("name", list(NEEDS)[1:])
def test_a_satellite_installs_alone_with_what_it_asks_for(name, dist, work):
    environment = install(name, dist, work)
    found = environment.distributions()
    ours = {other for other in found if other in FOLDERS}
    assert ours == NEEDS[name] | {name}
    assert not [other for other in found if other.startswith(("nvidia", "cupy"))]
    module = import_name(name)
    shown = environment.run(f"import {module} as m; print(m.__file__)", work)
    assert Path(shown.strip()).is_relative_to(environment.site)


@pytest.mark.slow
def test_a_satellite_leaves_an_allowed_core_where_it_is(core, dist, work):
    run(
        *[sys.executable, "-m", "pip", "download", "-q", "-d", work / "third-party"],
        *["--find-links", dist, "lampas-vision==0.1.0"],
    )
    offline = ["--no-index", "--find-links", work / "third-party", "--find-links", dist]
    plan = core.pip("install", "--dry-run", *offline, "lampas-vision==0.1.0")
    would = plan.rpartition("Would install")[2].split()
    assert "lampas-vision-0.1.0" in would or "lampas_vision-0.1.0" in would
    assert "lampas-0.1.0" not in would and not any(w.startswith("numpy") for w in would)


@pytest.mark.slow
def test_all_five_together_are_under_200_megabytes(dist, work):
    environment = Environment(work / "all")
    wheels = work / "third-party"
    pip = [sys.executable, "-m", "pip", "download", "-q", "-d", wheels]
    run(*pip, "--find-links", dist, *[f"{name}==0.1.0" for name in FOLDERS])
    offline = ["--no-index", "--find-links", wheels, "--find-links", dist]
    environment.pip("install", "-q", *offline, *FOLDERS)
    assert environment.size() <= 200 * MEGABYTE
    environment.pip("check")
