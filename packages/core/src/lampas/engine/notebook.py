"""How tensors show in notebooks: a table of small ones, a summary above all."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.backend.device import to_host
from lampas.engine.tensor import Tensor, method

__all__: list[str] = []

# Rows and columns up to which elements are shown as a table.
_LIMIT = 20


def _escaped(text: str) -> str:
    # Importing html for this would cost 2 ms at every start.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _summary(tensor: Tensor, array: np.ndarray) -> str:
    sizes = " × ".join(map(str, array.shape)) or "scalar"
    parts = [sizes, tensor.dtype.name, str(tensor.device)]
    if tensor.requires_grad:
        parts.append("requires grad")
    if array.size and array.dtype.kind in "fiu":
        low, mean, high = array.min(), array.mean(dtype=np.float64), array.max()
        parts.append(f"min {low:.4g}, mean {mean:.4g}, max {high:.4g}")
    return ", ".join(parts)


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _table(array: np.ndarray) -> str:
    rows = array.reshape(1, -1) if array.ndim == 1 else array
    lines = []
    for row in rows.tolist():
        cells = "".join(f"<td>{_escaped(_text(v))}</td>" for v in row)
        lines.append(f"<tr>{cells}</tr>")
    return f"<table>{''.join(lines)}</table>"


@method("_repr_html_")
def _html(self: Tensor) -> str:
    """The tensor in HTML: shape, dtype, device, range, and its elements."""
    array = to_host(self._data)
    if self.dtype.is_floating_point and array.dtype.itemsize == 2:
        array = array.astype(np.float32)
    small = array.ndim in (1, 2) and 0 < array.size and max(array.shape) <= _LIMIT
    body = _table(array) if small else f"<pre>{_escaped(repr(self))}</pre>"
    return f"<div><small>{_escaped(_summary(self, array))}</small>{body}</div>"
