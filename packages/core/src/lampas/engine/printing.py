"""How tensors print: as PyTorch's do, a number in four decimals or in exponents.

One format serves all elements of a tensor; large tensors show their edges only.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from lampas.backend.device import to_host
from lampas.dtypes import from_numpy_dtype, get_default_dtype, int64
from lampas.engine.tensor import PRINTER, Tensor
from lampas.errors import ArgumentError

__all__ = [
    "elements",
    "finished",
    "get_printoptions",
    "history_suffixes",
    "host_array",
    "kind_suffixes",
    "printoptions",
    "set_printoptions",
]


@dataclasses.dataclass
class _Options:
    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_PROFILES = {
    "default": _Options(),
    "short": _Options(precision=2, edgeitems=2),
    "full": _Options(threshold=math.inf),
}
_options = _Options()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors print.

    Args:
        precision: digits after the point (4).
        threshold: from how many elements only the edges are shown (1000).
        edgeitems: how many elements an edge has (3).
        linewidth: characters in a line (80).
        profile: ``"default"``, ``"short"`` or ``"full"``, before the others apply.
        sci_mode: always (True) or never (False) use exponents; None decides by the
            values.

    Raises:
        ValueError: the profile is unknown.

    >>> import lampas
    >>> lampas.set_printoptions(precision=2)
    >>> lampas.tensor([0.123456])
    tensor([0.12])
    >>> lampas.set_printoptions(profile="default")
    """
    if profile is not None:
        if profile not in _PROFILES:
            names = ", ".join(_PROFILES)
            raise ArgumentError(f"profile must be one of {names}, got {profile!r}")
        _options.__dict__.update(dataclasses.asdict(_PROFILES[profile]))
    given = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
    }
    _options.__dict__.update({k: v for k, v in given.items() if v is not None})
    _options.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """The present settings of :func:`set_printoptions`.

    >>> import lampas
    >>> lampas.get_printoptions()["precision"]
    4
    """
    return dataclasses.asdict(_options)


@contextlib.contextmanager
def printoptions(**kwargs: Any) -> Iterator[None]:
    """Settings of :func:`set_printoptions` for one block.

    >>> import lampas
    >>> with lampas.printoptions(precision=1):
    ...     print(lampas.tensor([0.25, 1.5]))
    tensor([0.2, 1.5])
    """
    before = get_printoptions()
    set_printoptions(**kwargs)
    try:
        yield
    finally:
        _options.__dict__.update(before)


class _Format:
    """The one format of all elements of a real array."""

    def __init__(self, array: np.ndarray) -> None:
        self.floating = array.dtype.kind == "f"
        self.whole, self.exponent, self.width = True, False, 1
        if not self.floating:
            self.width = max((len(str(v)) for v in array.ravel().tolist()), default=1)
            return
        values = array[np.isfinite(array) & (array != 0)].astype(np.float64)
        if values.size:
            self._choose(values)

    def _choose(self, values: np.ndarray) -> None:
        sizes = np.abs(values)
        low, high = float(sizes.min()), float(sizes.max())
        self.whole = bool((values == np.ceil(values)).all())
        wide = high / low > 1000 or high > 1e8
        self.exponent = wide if self.whole else wide or low < 1e-4
        if _options.sci_mode is not None:
            self.exponent = _options.sci_mode
        self.width = max(len(self._text(v)) for v in values.tolist())

    def _text(self, value: Any) -> str:
        if not self.floating:
            return str(value)
        if self.exponent:
            return f"{value:.{_options.precision}e}"
        if self.whole:
            return f"{value:.0f}" + ("." if math.isfinite(value) else "")
        return f"{value:.{_options.precision}f}"

    def __call__(self, value: Any) -> str:
        return self._text(value).rjust(self.width)


class _ComplexFormat:
    """The one format of all elements of a complex array."""

    def __init__(self, array: np.ndarray) -> None:
        self.real, self.imag = _Format(array.real), _Format(array.imag)
        self.width = self.real.width + self.imag.width + 1

    def __call__(self, value: complex) -> str:
        imag = self.imag(value.imag).lstrip()
        sign = "" if imag.startswith("-") else "+"
        return f"{self.real(value.real)}{sign}{imag}j"


def _edges(array: np.ndarray) -> np.ndarray:
    """The elements that a summary shows."""
    edge = _options.edgeitems
    for axis in range(array.ndim):
        if array.shape[axis] > 2 * edge:
            keep = [*range(edge), *range(array.shape[axis] - edge, array.shape[axis])]
            array = array.take(keep, axis=axis)
    return array


def _body(array: np.ndarray, indent: int, short: bool, show: Any) -> str:
    if array.ndim == 0:
        return show(array.item())
    edge = _options.edgeitems
    cut = short and len(array) > 2 * edge
    rows = [array[:edge], array[len(array) - edge :]] if cut else [array]
    if array.ndim > 1:
        parts = [[_body(r, indent + 1, short, show) for r in row] for row in rows]
        joint = "," + "\n" * (array.ndim - 1) + " " * (indent + 1)
        slices = [*parts[0], "...", *parts[1]] if cut else parts[0]
        return "[" + joint.join(slices) + "]"
    texts = [[show(v) for v in row.tolist()] for row in rows]
    items = [*texts[0], " ...", *texts[1]] if cut else texts[0]
    fit = max(1, (_options.linewidth - indent) // (show.width + 2))
    lines = [", ".join(items[i : i + fit]) for i in range(0, len(items), fit)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def elements(array: np.ndarray, indent: int) -> str:
    """The elements of an array in brackets, on lines that start at ``indent``."""
    if not array.size:
        return "[]"
    short = array.size > _options.threshold
    shown = _edges(array) if short else array
    kind = _ComplexFormat if array.dtype.kind == "c" else _Format
    return _body(array, indent, short, kind(shown))


def host_array(tensor: Tensor) -> np.ndarray:
    """The values of a tensor in a type that has a format here."""
    array = to_host(tensor._data)
    if tensor.dtype.is_floating_point and array.dtype.itemsize == 2:
        array = array.astype(np.float32)
    return array


def kind_suffixes(tensor: Tensor) -> list[str]:
    """Device and dtype, where they are not the usual ones."""
    found = []
    device, dtype, default = tensor.device, tensor.dtype, get_default_dtype()
    if device.type != "cpu":
        found.append(f"device='{device}'")
    usual = (default,)
    if tensor._data.size:
        usual = (default, default.to_complex(), int64, from_numpy_dtype(np.dtype(bool)))
    elif tensor.ndim != 1 and not tensor.is_sparse:
        found.append(f"size={tuple(tensor.shape)}")
    if dtype not in usual:
        found.append(f"dtype={dtype}")
    return found


def history_suffixes(tensor: Tensor) -> list[str]:
    """What made the tensor, or that it gathers a gradient."""
    if tensor.grad_fn is not None:
        return [f"grad_fn=<{tensor.grad_fn.name()}>"]
    return ["requires_grad=True"] if tensor.requires_grad else []


def _printed(tensor: Tensor) -> str:
    """The text of a tensor."""
    text = "tensor(" + elements(host_array(tensor), len("tensor("))
    return finished(tensor, text, kind_suffixes(tensor) + history_suffixes(tensor))


def finished(tensor: Tensor, text: str, suffixes: list[str]) -> str:
    """The text with suffixes, on lines of their own where there is no room."""
    head = len("tensor(")
    column = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if column + len(suffix) + 2 > _options.linewidth:
            text += ",\n" + " " * head + suffix
            column = head + len(suffix)
        else:
            text += ", " + suffix
            column += len(suffix) + 2
    text += ")"
    return "Parameter containing:\n" + text if tensor.is_parameter else text


PRINTER[0] = _printed
