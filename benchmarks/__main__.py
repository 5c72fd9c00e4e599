"""Run the benchmarks and write docs/benchmarks.md from their figures.

    python benchmarks [NAME ...]

Without names those whose figures the page shows; NAME is that of any file here, or
``page`` for the page alone, which needs matplotlib. PyTorch is compared with where it
is installed. The exit status is 1 where a benchmark says that a figure is missed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "results"
SHOWN = "models products bandwidth ops kernels overhead curves attention_memory".split()
ALL = sorted(file.stem for file in FOLDER.glob("[!_]*.py"))


def run(name: str) -> bool:
    """Whether a benchmark ended well."""
    print(f"---- {name}", flush=True)
    began = time.perf_counter()
    to = ["--json", str(RESULTS / f"{name}.json")] if name in SHOWN else []
    done = subprocess.run([sys.executable, str(FOLDER / f"{name}.py"), *to])
    print(f"---- {name}: {time.perf_counter() - began:.0f} s", flush=True)
    return done.returncode == 0


def write_page() -> None:
    """Write the page and its plots."""
    paths = [str(FOLDER.parent / "tests"), os.environ.get("PYTHONPATH", "")]
    subprocess.run(
        [sys.executable, "-m", "tools.benchmark_page", "--plots"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        check=True,
    )


def main() -> int:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(ALL))
    names = parser.parse_args().names or SHOWN
    if unknown := set(names) - {*ALL, "page"}:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    missed = [name for name in names if name != "page" and not run(name)]
    write_page()
    if missed:
        print("missed:", ", ".join(missed))
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
