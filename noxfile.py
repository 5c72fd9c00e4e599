"""What a contributor can ask for: ``nox -l`` lists it, ``nox -s NAME`` runs it.

``nox`` alone runs what a change must pass: lint, types, layers and the tests.
"""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "layers", "tests"]
nox.options.error_on_missing_interpreters = True

ROOT = Path(__file__).parent
PACKAGES = ["core", "hub", "vision", "text", "audio"]
IMPORTS = ["lampas", "lampas_hub", "lampas_vision", "lampas_text", "lampas_audio"]
TEST_TOOLS = ["pytest>=8.3", "pytest-xdist>=3.6", "hypothesis>=6.100", "filelock>=3.12"]
BUILD_TOOLS = ["build>=1.2", "hatchling>=1.26", "scikit-build-core>=0.11", "numpy"]
# Where the system has them, theirs serve.
BUILD_TOOLS += [tool for tool in ("cmake", "ninja") if shutil.which(tool) is None]
LINT_TOOLS = ["ruff>=0.12"]
TYPE_TOOLS = ["mypy>=1.15"]
LAYER_TOOLS = ["import-linter>=2.3"]
SANITIZERS = "address,undefined"
KERNEL_TESTS = sorted(map(str, ROOT.glob("packages/core/tests/test_kernels*.py")))
FUZZ_TESTS = "packages/core/tests/test_kernels_fuzz.py"
OLDEST_CORE_TAG = "core-v0.1.0"

# The suite measures results, not speed: one thread per process, a process per core.
PARALLEL = ["-n", "2", "--dist", "loadgroup"]
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
# AVX-512 takes the longest to compile: sessions that take long themselves have it.
QUICK_BUILD = (
    {"CMAKE_ARGS": "-DLAMPAS_PATHS=baseline;avx2"}
    if platform.machine() in ("x86_64", "AMD64")
    else {}
)


def install_suite(session: nox.Session, *tools: str, kernels: str = "quick") -> None:
    """Install the five packages so that edits show at once, and ``tools``.

    ``kernels`` are compiled for the instruction sets of a "quick" build, for "all", or
    for "none", which serves what only reads the sources.
    """
    paths = [f"./packages/{name}" for name in PACKAGES]
    paths[0] += "[plot]"
    editable = [part for path in paths for part in ("-e", path)]
    session.install("-q", *BUILD_TOOLS, *tools)
    env = {"quick": QUICK_BUILD, "all": {}, "none": {"LAMPAS_KERNELS": "off"}}[kernels]
    session.install("-q", "--no-build-isolation", *editable, env=env)


def run_pytest(session: nox.Session, *arguments: str) -> None:
    """Run pytest on one thread per process, with the user's arguments last."""
    session.run("pytest", *arguments, *session.posargs, env=ONE_THREAD)


def run_tool(session: nox.Session, name: str, *arguments: str) -> None:
    """Run one of ``tests/tools`` with arguments, or else with the user's."""
    path = {"PYTHONPATH": str(ROOT / "tests")}
    given = arguments or session.posargs
    session.run("python", "-m", f"tools.{name}", *given, env=path)


@nox.session
def lint(session: nox.Session) -> None:
    """Check format and style, and that each ``__all__`` is exact."""
    install_suite(session, *TEST_TOOLS, *LINT_TOOLS, kernels="none")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    run_pytest(session, "-q", "tests/test_all.py", "tests/test_repository.py")


@nox.session
def types(session: nox.Session) -> None:
    """Check the annotations of the five packages with mypy."""
    install_suite(session, *TYPE_TOOLS, kernels="none")
    # mypy does not follow the hook through which an editable core is found.
    path = {"MYPYPATH": str(ROOT / "packages" / "core" / "src")}
    session.run("mypy", *[part for name in IMPORTS for part in ("-p", name)], env=path)


@nox.session
def layers(session: nox.Session) -> None:
    """Check that no import goes upward and no two modules import each other."""
    install_suite(session, *TEST_TOOLS, *LAYER_TOOLS, kernels="none")
    session.run("lint-imports")
    run_pytest(session, "-q", "tests/test_layers.py")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the quick suite with its doctests: what a change must pass."""
    install_suite(session, *TEST_TOOLS)
    # The objects that the install has compiled, if there was a compiler.
    run_tool(session, "weak_symbols", str(ROOT / "packages" / "core" / "build"))
    run_pytest(session, "-q", *PARALLEL)


@nox.session
def references(session: nox.Session) -> None:
    """Run the operators' tests on the references alone, without the kernels."""
    install_suite(session, *TEST_TOOLS, kernels="none")
    run_pytest(session, "-q", *PARALLEL, "packages/core/tests")


@nox.session
def tests_full(session: nox.Session) -> None:
    """Run the quick suite and the slow sweeps."""
    install_suite(session, *TEST_TOOLS, kernels="all")
    run_pytest(session, "-q", *PARALLEL, "-m", "not budget")


@nox.session
def fuzz(session: nox.Session) -> None:
    """Search for calls that a kernel gets wrong; LAMPAS_FUZZ of each (1000)."""
    install_suite(session, *TEST_TOOLS, kernels="all")
    session.env["LAMPAS_FUZZ"] = os.environ.get("LAMPAS_FUZZ", "1000")
    run_pytest(session, "-q", *PARALLEL, "-m", "slow", FUZZ_TESTS)


@nox.session
def sanitize(session: nox.Session) -> None:
    """Run the kernels' tests under the sanitizers of memory, behaviour and threads."""
    session.install("-q", *BUILD_TOOLS, *TEST_TOOLS)
    sources, flags = ROOT / "packages" / "core" / "csrc", ["-std=c++20", "-O1", "-g"]
    # The pool and the blocks, without Python: it would have to be sanitized too.
    runtime = [f"runtime/{name}.cpp" for name in ("pool", "openmp", "blocks")]
    parts = [*runtime, "tests/threads.cpp"]
    for sanitizer in ("thread", SANITIZERS):
        program = str(Path(session.create_tmp()) / "threads")
        given = [f"-fsanitize={sanitizer}", "-pthread", f"-I{sources}", "-o", program]
        files = [str(sources / part) for part in parts]
        session.run("g++", *flags, *given, *files, external=True)
        session.run(program, external=True)
    settings = ["build-dir=build/sanitized", "install.strip=false"]
    settings += [f"cmake.define.LAMPAS_SANITIZE={SANITIZERS}"]
    chosen = [f"-C{setting}" for setting in settings]
    session.install("-q", "--no-build-isolation", "./packages/core[plot]", *chosen)
    libraries = [
        session.run("g++", f"-print-file-name={name}", silent=True, external=True)
        for name in ("libasan.so", "libubsan.so", "libstdc++.so")
    ]
    env = {
        **ONE_THREAD,
        "OMP_NUM_THREADS": "2",
        "LAMPAS_REQUIRE_NATIVE": "1",
        "LD_PRELOAD": " ".join(str(library).strip() for library in libraries),
        # CPython keeps memory until it ends.
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    }
    # What a sanitizer says before it ends the process must not be captured.
    options = ["-q", "--capture=sys", *PARALLEL]
    session.run("pytest", *options, *(session.posargs or KERNEL_TESTS), env=env)


@nox.session
def neon(session: nox.Session) -> None:
    """Compile the kernels for arm64 and run tests of them under QEMU.

    Needs Debian 12's g++-aarch64-linux-gnu, qemu-user and mmdebstrap.
    """
    session.install("-q", *BUILD_TOOLS)
    folder = Path(session.create_tmp()).resolve()
    root, site, build = (folder / name for name in ("root", "site", "build"))
    if not root.exists():
        packages = (
            "python3.11-minimal,libpython3.11-stdlib,libpython3.11-dev,libstdc++6"
        )
        how = ["--arch=arm64", "--variant=extract", f"--include={packages}"]
        session.run("mmdebstrap", *how, "bookworm", str(root), external=True)
    wheels = ["--target", str(site), "--upgrade", "--only-binary=:all:"]
    wheels += ["--python-version=3.11", "--platform=manylinux2014_aarch64"]
    wheels += ["--platform=manylinux_2_28_aarch64"]
    needed = ["numpy>=2.1.2,<2.6", "ml_dtypes", "safetensors", "tqdm", *TEST_TOOLS]
    session.install("-q", *wheels, *needed)
    settings = {
        "CMAKE_SYSTEM_NAME": "Linux",
        "CMAKE_SYSTEM_PROCESSOR": "aarch64",
        "CMAKE_CXX_COMPILER": "aarch64-linux-gnu-g++",
        "CMAKE_CXX_FLAGS": f"-isystem {root}/usr/include",
        "Python_INCLUDE_DIR": f"{root}/usr/include/python3.11",
        "Python_NumPy_INCLUDE_DIR": f"{site}/numpy/_core/include",
    }
    given = [f"-D{name}={value}" for name, value in settings.items()]
    session.run(
        "cmake", "-GNinja", "-Spackages/core", f"-B{build}", *given, external=True
    )
    session.run("cmake", "--build", str(build), external=True)
    package = folder / "package" / "lampas"
    shutil.rmtree(package.parent, ignore_errors=True)
    shutil.copytree(
        "packages/core/src/lampas", package, ignore=shutil.ignore_patterns("*.so")
    )
    shutil.copy(build / "_native.so", package)
    variables = {
        **ONE_THREAD,
        "PYTHONHOME": f"{root}/usr",
        "PYTHONPATH": f"{package.parent}:{site}",
        "LAMPAS_REQUIRE_NATIVE": "1",
    }
    set_ = [
        part for name, value in variables.items() for part in ("-E", f"{name}={value}")
    ]
    # What starts other processes would start them outside of QEMU.
    tests = [t for t in KERNEL_TESTS if "fuzz" not in t and "test_kernels.py" not in t]
    # A CPU without SVE: with it, NumPy's products of floats may be NaN under QEMU 7.2.
    # What the kernels need, this one has too.
    emulated = ["qemu-aarch64", "-cpu", "cortex-a57", "-L", str(root), *set_]
    chosen = session.posargs or tests
    python = [*emulated, f"{root}/usr/bin/python3.11"]
    session.run(*python, "-m", "pytest", "-q", *chosen, external=True)


@nox.session
def tests_oldest(session: nox.Session) -> None:
    """Run the satellites' tests against the oldest core that they allow."""
    session.install("-q", *BUILD_TOOLS, *TEST_TOOLS)
    core = oldest_core(session)
    satellites = [f"./packages/{name}" for name in PACKAGES[1:]]
    session.install("-q", "--no-build-isolation", f"{core}[plot]", *satellites)
    folders = [f"packages/{name}/tests" for name in PACKAGES[1:]]
    run_pytest(session, "-q", *PARALLEL, *folders)


def oldest_core(session: nox.Session) -> str:
    """Give the folder with the sources of the oldest core that satellites allow."""
    tags = session.run("git", "tag", "-l", OLDEST_CORE_TAG, silent=True, external=True)
    commit = OLDEST_CORE_TAG if str(tags).strip() else "HEAD"
    if commit == "HEAD":
        session.log(f"No tag {OLDEST_CORE_TAG} yet: HEAD's core is the oldest.")
    archive = Path(session.create_tmp()) / "core.tar"
    session.run(
        *["git", "archive", "-o", str(archive), commit, "packages/core"], external=True
    )
    folder = archive.parent / "oldest"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.unpack_archive(archive, folder, filter="data")
    return str(folder / "packages" / "core")


@nox.session
def budgets(session: nox.Session) -> None:
    """Measure what has a budget of time: calls, import, tape."""
    install_suite(session, *TEST_TOOLS, kernels="all")
    run_pytest(session, "-q", "-m", "budget")


@nox.session
def doctest(session: nox.Session) -> None:
    """Run the examples in the docstrings."""
    install_suite(session, *TEST_TOOLS)
    sources = [f"packages/{name}/src" for name in PACKAGES]
    run_pytest(session, "-q", *PARALLEL, *sources)


@nox.session
def examples(session: nox.Session) -> None:
    """Run each lesson of ``examples/`` with few steps."""
    install_suite(session)
    for lesson in sorted(ROOT.glob("examples/[0-9]*.py")):
        session.run("python", str(lesson), env={**ONE_THREAD, "LAMPAS_QUICK": "1"})


@nox.session
def programs(session: nox.Session) -> None:
    """Compare programs with PyTorch; ``-- --python COMMAND`` says what runs it."""
    install_suite(session)
    run_tool(session, "programs")


@nox.session
def recipes(session: nox.Session) -> None:
    """Train with each recipe on its real data: the figures of the model cards."""
    install_suite(session, *TEST_TOOLS)
    run_pytest(session, "-v", "-m", "slow", "-k", "recipe")


@nox.session
def quickstart(session: nox.Session) -> None:
    """Run README's main job: train, look, save, fine-tune, predict."""
    install_suite(session)
    session.run("lampas", "quickstart", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Build a wheel and an sdist of each package into ``dist/``."""
    session.install("-q", *BUILD_TOOLS)
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    for name in PACKAGES:
        session.run(
            *["python", "-m", "build", "-n", "-o", "dist", f"packages/{name}"],
            silent=True,
        )
    for file in sorted((ROOT / "dist").iterdir()):
        session.log(f"{file.name}: {file.stat().st_size / 1024:.0f} KiB")


@nox.session
def api(session: nox.Session) -> None:
    """Show the public names changed since the release; ``-- --write`` records them."""
    install_suite(session, *TEST_TOOLS)
    run_tool(session, "api_snapshot")


@nox.session
def bench(session: nox.Session) -> None:
    """Time calls, ops, kernels, models, curves; write docs/benchmarks.md.

    ``-- NAME ...`` picks files of ``benchmarks/``. PyTorch is compared with where it is
    installed: ``-- --python COMMAND`` says what runs the benchmarks.
    """
    # What distributions are compared with, and what draws.
    session.install("-q", "scipy>=1.14", "matplotlib>=3.9", *TEST_TOOLS)
    install_suite(session, kernels="all")
    python, given = "python", list(session.posargs)
    if "--python" in given:
        at = given.index("--python")
        python, given = given[at + 1], given[:at] + given[at + 2 :]
    session.run(python, str(ROOT / "benchmarks"), *given, external=True)


@nox.session
def parity(session: nox.Session) -> None:
    """Compare with PyTorch by the scripts that ``LAMPAS_PARITY`` points to."""
    folder = os.environ.get("LAMPAS_PARITY")
    if folder is None:
        session.error("Set LAMPAS_PARITY to the folder with the comparison scripts.")
    session.install("-q", "torch", "expecttest")
    install_suite(session)
    scripts = session.posargs or ["opinfo.py"]
    for script in scripts:
        session.run("python", str(Path(folder) / script))


@nox.session
def release(session: nox.Session) -> None:
    """Check that versions, changelogs, ranges and tags of the packages agree."""
    session.install("-q", "packaging>=24")
    run_tool(session, "release_check")
