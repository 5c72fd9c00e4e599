"""Say what lampas found on this machine, what is missing, and what mends it.

:func:`look` gathers facts, :func:`diagnose` draws conclusions from them; tests give the
second made-up facts. Nothing is imported that was not there before: CuPy is asked for
by the names of installed packages, the driver through its own library.
"""

from __future__ import annotations

import argparse
import ctypes
import ctypes.util
import importlib.util
import os
import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from lampas._threads import blas_threads
from lampas.backend import native

__all__ = ["Finding", "Machine", "diagnose", "gpu_cause", "look", "show_config"]

# wheel -> the oldest CUDA version that a driver must speak for it
_CUPY_WHEELS = {
    "cupy-cuda12x": (12, 0),
    "cupy-cuda13x": (13, 0),
    "cupy-cuda11x": (11, 2),
    "cupy": (11, 2),
}
_NVRTC_WHEELS = ("nvidia-cuda-nvrtc-cu12", "nvidia-cuda-nvrtc")


@dataclass(frozen=True)
class Machine:
    """Facts about a machine.

    Attributes:
        lampas: version of lampas.
        python: version of Python.
        numpy: version of NumPy.
        system: operating system and architecture.
        blas: the library that multiplies NumPy's matrices.
        cores: cores that this process may use.
        native: whether lampas' compiled kernels are installed.
        data: the folder of data sets (``LAMPAS_DATA``), if it is set.
        driver: the CUDA version that the NVIDIA driver speaks, if there is one.
        cupys: names of the installed CuPy packages.
        nvrtc: whether the CUDA compiler library was found.
        threads: threads of the library that multiplies matrices, if it can be asked.
    """

    lampas: str
    python: str
    numpy: str
    system: str
    blas: str
    cores: int
    native: bool
    data: Path | None
    driver: tuple[int, int] | None
    cupys: tuple[str, ...]
    nvrtc: bool
    threads: int | None = None


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        name: what was looked for.
        found: whether it is there and usable.
        text: what was found, or the cause that it is not usable.
        remedy: the one command or step that mends it; "" where nothing is to mend.
    """

    name: str
    found: bool
    text: str
    remedy: str = ""


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _driver() -> tuple[int, int] | None:
    """Ask the driver's library for its CUDA version; this starts no GPU."""
    name = "nvcuda.dll" if os.name == "nt" else "libcuda.so.1"
    try:
        library = ctypes.CDLL(name)
    except OSError:
        return None
    number = ctypes.c_int()
    if library.cuDriverGetVersion(ctypes.byref(number)) != 0 or number.value == 0:
        return None
    return number.value // 1000, number.value % 1000 // 10


def _blas() -> str:
    built: Any = np.show_config(mode="dicts")
    blas = built.get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def look() -> Machine:
    """Gather the facts about this machine."""
    data = os.environ.get("LAMPAS_DATA")
    return Machine(
        lampas=_version("lampas") or "from source",
        python=platform.python_version(),
        numpy=np.__version__,
        system=f"{platform.system()} {platform.machine()}",
        blas=_blas(),
        cores=_cores(),
        native=importlib.util.find_spec("lampas._native") is not None,
        data=Path(data) if data else None,
        driver=_driver(),
        cupys=tuple(name for name in _CUPY_WHEELS if _version(name)),
        nvrtc=bool(ctypes.util.find_library("nvrtc"))
        or any(_version(name) for name in _NVRTC_WHEELS),
        threads=blas_threads(),
    )


def _spoken(version: tuple[int, int]) -> str:
    return f"CUDA {version[0]}.{version[1]}"


def _fitting_extra(driver: tuple[int, int]) -> str:
    return "cuda13" if driver >= (13, 0) else "cuda12"


def gpu_cause(machine: Machine) -> Finding:
    """Return whether a GPU can be used, or the one cause why not and its remedy.

    >>> from dataclasses import replace
    >>> gpu_cause(replace(look(), driver=None)).text
    'no NVIDIA driver was found'
    """
    driver, cupys = machine.driver, machine.cupys
    if driver is None:
        remedy = "install the NVIDIA driver; without a GPU nothing is to do"
        return Finding("gpu", False, "no NVIDIA driver was found", remedy)
    if len(cupys) > 1:
        text = f"{' and '.join(cupys)} are both installed and overwrite each other"
        extra = _fitting_extra(driver)
        remedy = f"pip uninstall -y {' '.join(cupys)} && pip install 'lampas[{extra}]'"
        return Finding("gpu", False, text, remedy)
    needed = _CUPY_WHEELS[cupys[0]] if cupys else (12, 0)
    if driver < needed:
        wheel = cupys[0] if cupys else "CuPy"
        text = f"the driver speaks {_spoken(driver)}, {wheel} needs {_spoken(needed)}"
        remedy = "update the NVIDIA driver"
        if cupys and driver >= (12, 0):
            remedy = f"pip uninstall -y {wheel} && pip install 'lampas[cuda12]'"
        return Finding("gpu", False, text, remedy)
    if not cupys:
        remedy = f"pip install 'lampas[{_fitting_extra(driver)}]'"
        return Finding("gpu", False, "CuPy is not installed", remedy)
    if not machine.nvrtc:
        text = "the CUDA compiler library nvrtc was not found"
        return Finding("gpu", False, text, f"pip install '{cupys[0]}[ctk]'")
    return Finding("gpu", True, f"{cupys[0]}, driver speaks {_spoken(driver)}")


def _kernels(machine: Machine) -> Finding:
    if not machine.native:
        text = "not built: the references in NumPy are used, which are slower"
        remedy = "install a C++ compiler, then reinstall lampas from its sources"
        return Finding("kernels", False, text, remedy)
    if native.extension is None:
        return Finding("kernels", True, f"built, not in use: {native.why_absent}")
    text = f"{native.extension.path()}, {native.extension.threads()} threads"
    lender = native.extension.openmp()
    if lender is not None:
        text += f", those of {Path(lender).name}"
    return Finding("kernels", True, text)


def _threads(machine: Machine) -> Finding:
    cores = f"{machine.cores} cores may be used"
    if machine.threads is None:
        text = f"{cores}; how many threads multiply matrices can't be asked or set here"
        return Finding("threads", True, text)
    text = f"{cores}; matrices are multiplied by {machine.threads}"
    return Finding("threads", True, text)


def _data(machine: Machine) -> Finding:
    if machine.data is None:
        text = "LAMPAS_DATA is not set; data sets inside the packages work"
        return Finding("data", True, text)
    if not machine.data.is_dir():
        text = f"LAMPAS_DATA names {machine.data}, which is no folder"
        return Finding("data", False, text, f"mkdir -p {machine.data}")
    return Finding("data", True, str(machine.data))


def diagnose(machine: Machine) -> list[Finding]:
    """Turn facts into findings, in the order in which they are shown."""
    return [
        Finding("lampas", True, machine.lampas),
        Finding("python", True, f"{machine.python} on {machine.system}"),
        Finding("numpy", True, f"{machine.numpy} with {machine.blas}"),
        _threads(machine),
        _kernels(machine),
        _data(machine),
        gpu_cause(machine),
    ]


def _report(findings: list[Finding]) -> str:
    lines = []
    for finding in findings:
        mark = "ok" if finding.found else "--"
        lines.append(f"{mark} {finding.name:<8} {finding.text}")
        if finding.remedy:
            lines.append(f"   {'':<8} to mend: {finding.remedy}")
    return "\n".join(lines)


def show_config() -> None:
    """Print what lampas found on this machine and what would mend what is missing."""
    print(_report(diagnose(look())))


def add_doctor(commands: Any) -> None:
    """Add ``lampas doctor`` to the command line."""

    def handle(arguments: argparse.Namespace) -> None:
        show_config()

    text = "say what was found on this machine, and what mends what is missing"
    commands.add_parser("doctor", help=text, description=text).set_defaults(
        handle=handle
    )
