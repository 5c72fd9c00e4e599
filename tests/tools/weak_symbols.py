"""Check that kernels of one instruction set share no function with those of another.

Each file of kernels is compiled once for each instruction set, and a linker keeps one
of the weak functions of one name: a template of the standard library, compiled for
AVX-512, would then be what the baseline calls. So every weak symbol must name its set.

    python -m tools.weak_symbols FOLDER
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

WEAK = "VWu"


def strangers(listing: str, path: str) -> list[str]:
    """The weak symbols in nm's listing that are not of an instruction set."""
    own = re.compile(rf"\blampas::{path}::|\blampas::\w+_{path}\b")
    found = []
    for line in listing.splitlines():
        symbol = re.fullmatch(r"[0-9a-f ]*\b([A-Za-z]) (.*)", line)
        if symbol and symbol[1] in WEAK and not own.search(symbol[2]):
            found.append(symbol[2])
    return sorted(set(found))


def main(arguments: list[str]) -> int:
    """Print the weak symbols that have no place; 1 if there are any."""
    objects = sorted(Path(arguments[0]).rglob("kernels_*.dir/**/*.o"))
    wrong = 0
    for file in objects:
        path = re.search(r"kernels_(\w+)\.dir", str(file))[1]  # type: ignore[index]
        listing = subprocess.run(
            ["nm", "-C", str(file)], check=True, capture_output=True, text=True
        ).stdout
        for symbol in strangers(listing, path):
            print(f"{file.name} for {path}: {symbol}")
            wrong += 1
    print(f"{len(objects)} object files, {wrong} weak symbols of no instruction set")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
