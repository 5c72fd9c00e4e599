"""Write docs/benchmarks.md, and its plots, from the figures of ``nox -s bench``.

python -m tools.benchmark_page [--plots]
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"
PLOTS = ROOT / "docs" / "benchmarks"

Results = dict[str, dict[str, Any]]

OPENING = """# Benchmarks

Made by `nox -s bench`; the figures stand in `benchmarks/results`. Ratios are another's
time over ours, medians of rounds in which the sides take turns in one process: above 1
lampas is faster.
"""


def load(folder: Path = RESULTS) -> Results:
    """The files of figures by the name of their benchmark."""
    return {
        file.stem: json.loads(file.read_text())
        for file in sorted(folder.glob("*.json"))
    }


def number(value: float | None) -> str:
    """Three digits, or a dash."""
    if value is None or not math.isfinite(value):
        return "-"
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [
        "| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]
    ]
    return "\n".join(lines) + "\n"


def _machine(results: Results) -> str:
    """The facts of the machine, once where several benchmarks have the same."""
    of: dict[str, list[str]] = {}
    for name, part in results.items():
        known = {k: v for k, v in part["machine"].items() if v is not None}
        of.setdefault(", ".join(f"{k} {v}" for k, v in known.items()), []).append(name)
    seen = [f"- {', '.join(names)}: {facts}" for facts, names in of.items()]
    return "## The machine\n\n" + "\n".join(seen) + "\n"


def _mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


def _models(part: dict[str, Any]) -> str:
    head = ["model", "ms", "torch", "MB", "torch's MB", "busy core", "torch's"]
    keys = ["ms", "torch over ours", "MB", "torch's MB"]
    keys += ["slower beside a busy core", "torch slower"]
    rows = [
        [name, *[number(found.get(key)) for key in keys]]
        for name, found in part["figures"].items()
    ]
    ratios = [f["torch over ours"] for f in part["figures"].values()]
    said = (
        "Milliseconds of a step, torch's time over ours, the growth of peak memory, "
        "and how many times\nslower each is beside a process that keeps a core busy."
        "\n\n"
    )
    closing = ""
    if None not in ratios:
        closing = f"\nGeometric mean of torch over ours: {_mean(ratios):.2f}.\n"
    return "## Models\n\n" + said + table(head, rows) + closing


def _operations(part: dict[str, Any]) -> str:
    found = part["figures"]
    sizes = sorted({int(size) for by in found.values() for size in by})
    head = ["operation", *[f"10^{math.log10(size):.0f}" for size in sizes]]
    rows = []
    for name, by in found.items():
        cells = []
        for size in sizes:
            one = by.get(str(size))
            keys = ("torch over ours", "reference over ours")
            cells.append(
                " / ".join(number(one.get(key)) for key in keys) if one else ""
            )
        rows.append([name, *cells])
    said = "Torch's time over ours / the time without kernels over ours, by elements; "
    said += "forward and\nbackward unless said otherwise."
    return f"## Operations\n\n{said}\n\n{table(head, rows)}"


def _products(part: dict[str, Any]) -> str:
    sides = list(next(iter(part["figures"].values())))
    rows = [
        [shape, *[number(found[side]) for side in sides]]
        for shape, found in part["figures"].items()
    ]
    said = "GFLOP/s in float32; each side in a process of its own, in turn."
    return f"## Matrix products\n\n{said}\n\n{table(['shape', *sides], rows)}"


def _bandwidth(part: dict[str, Any]) -> str:
    keys = ["copying GB/s", "ours GB/s", "of copying", "torch of copying"]
    rows = [
        [f"`{name}`", *[number(found.get(key)) for key in keys]]
        for name, found in part["figures"].items()
    ]
    said = (
        "Forward on 10^8 floats: bytes read and written in a second, beside those of "
    )
    said += "a copy by all\nthreads measured in turn."
    head = ["op", "copying, GB/s", "ours", "ours / copying", "torch / copying"]
    return f"## Elementwise at 10^8\n\n{said}\n\n{table(head, rows)}"


def _attention_memory(part: dict[str, Any]) -> str:
    keys = ["MB", "growth over that"]
    rows = [
        [name, *[number(found[key]) for key in keys]]
        for name, found in part["figures"].items()
    ]
    said = "The growth of peak memory by attention forward and backward, over the size "
    said += "of its inputs,\noutput, cotangent and gradients."
    head = ["case", "MB of arrays", "growth / that"]
    return f"## Memory of attention\n\n{said}\n\n{table(head, rows)}"


def _kernels(part: dict[str, Any]) -> str:
    found = part["figures"]
    sizes = sorted({int(s) for one in found.values() for s in one["by size"]})
    head = ["kernel", *[f"10^{math.log10(size):.0f}" for size in sizes]]
    head += ["error", "reference's"]
    rows = []
    for name, one in sorted(found.items()):
        by = one["by size"]
        cells = [number(by.get(str(s), {}).get("reference over ours")) for s in sizes]
        errors = [number(one.get("error")), number(one.get("reference's error"))]
        rows.append([f"`{name}`", *cells, *errors])
    ratios = {
        name: one["error"] / max(one["reference's error"], 1.0)
        for name, one in found.items()
        if "error" in one
    }
    said = (
        "The reference's time over the kernel's, by elements of the largest operand, "
    )
    said += (
        "and the largest\nerrors of both against float64, in units of what rounding "
    )
    said += "the operands once is worth."
    closing = ""
    if ratios:
        worst = max(ratios, key=ratios.__getitem__)
        closing = (
            f"\nLargest error over the reference's (or one unit): {ratios[worst]:.2f}, "
        )
        closing += f"of `{worst}`.\n"
    return f"## Kernels\n\n{said}\n\n{table(head, rows)}{closing}"


def _overhead(part: dict[str, Any]) -> str:
    rows = [[name, number(value)] for name, value in part["figures"].items()]
    said = "Time of a call on 8x8 float32 over NumPy's own."
    return f"## Calls\n\n{said}\n\n{table(['call', 'ratio'], rows)}"


def _file_of(name: str) -> str:
    return name.replace(" ", "_") + ".svg"


def _curves(part: dict[str, Any]) -> str:
    shown = [f"![{name}](benchmarks/{_file_of(name)})" for name in part["figures"]]
    return "## Curves\n\n" + "\n".join(shown) + "\n"


SECTIONS = {
    "models": _models,
    "curves": _curves,
    "products": _products,
    "bandwidth": _bandwidth,
    "ops": _operations,
    "kernels": _kernels,
    "overhead": _overhead,
    "attention_memory": _attention_memory,
}


def page(results: Results) -> str:
    """The text of the page."""
    sections = [
        make(results[name]) for name, make in SECTIONS.items() if name in results
    ]
    return "\n".join([OPENING, _machine(results), *sections])


def draw(figures: dict[str, Any], folder: Path) -> None:
    """A plot of each curve."""
    import matplotlib  # noqa: PLC0415 - only for plots
    from matplotlib import pyplot  # noqa: PLC0415

    matplotlib.use("svg")
    matplotlib.rcParams["svg.fonttype"] = "none"
    matplotlib.rcParams["svg.hashsalt"] = "lampas"
    folder.mkdir(exist_ok=True)
    for name, curve in figures.items():
        figure, axes = pyplot.subplots(figsize=(4, 3), layout="constrained")
        axes.plot(curve["points"], curve["ms"], "o-", label="lampas")
        if "torch's ms" in curve:
            axes.plot(curve["points"], curve["torch's ms"], "s--", label="torch")
        axes.set(title=name, xlabel=curve["over"], ylabel="ms")
        axes.set(xscale="log", yscale="log")
        axes.legend()
        figure.savefig(folder / _file_of(name), metadata={"Date": None})
        pyplot.close(figure)


def main() -> None:
    """Write the page and, where asked to, the plots."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plots", action="store_true")
    options = parser.parse_args()
    results = load()
    PAGE.write_text(page(results))
    if options.plots and "curves" in results:
        draw(results["curves"]["figures"], PLOTS)


if __name__ == "__main__":
    main()
