"""Recurrent layers: one record runs a whole sequence through one direction.

The products with the input are taken for all steps at once, outside; what is left is a
scan over time. Sources: Elman 1990; Hochreiter and Schmidhuber 1997 (LSTM; projections
by Sak et al. 2014); Cho et al. 2014 (GRU, in the form of cuDNN and PyTorch).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lampas.engine.record import op
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.ops.create import zeros
from lampas.ops.matmul import linear

__all__: list[str] = []

GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}
"""How many vectors of hidden size the input product gives for each step."""

_scan = op(
    "rnn_scan",
    kind="opaque",
    outputs=5,
    saves="h0 c0 w_hh w_hr y0 y3 y4",
    fresh=True,
)
_scan_backward = op("rnn_scan_backward", kind="opaque", outputs=6, widen=False)


def _sigmoid(xp: Any, x: Any) -> Any:
    # The tanh form can't overflow and costs one transcendental.
    result = xp.tanh(x * 0.5)
    result *= 0.5
    result += 0.5
    return result


def _lstm_step(xp: Any, z: Any, c: Any, gates: Any) -> tuple[Any, Any]:
    """Fill ``gates`` (B, 4H); return the new cell and the output before projection."""
    size = c.shape[-1]
    gates[...] = _sigmoid(xp, z)
    gates[:, 2 * size : 3 * size] = xp.tanh(z[:, 2 * size : 3 * size])
    i, f, g, o = (gates[:, k * size : (k + 1) * size] for k in range(4))
    c = f * c + i * g
    return c, o * xp.tanh(c)


def _gru_step(xp: Any, x: Any, h: Any, state: Any, gates: Any) -> Any:
    """``h`` is the hidden product; r, z, n and its last third go into ``gates``."""
    size = state.shape[-1]
    gates[:, : 2 * size] = _sigmoid(xp, x[:, : 2 * size] + h[:, : 2 * size])
    gates[:, 3 * size :] = h[:, 2 * size :]
    r, z = gates[:, :size], gates[:, size : 2 * size]
    n = gates[:, 2 * size : 3 * size]
    n[...] = xp.tanh(x[:, 2 * size :] + r * gates[:, 3 * size :])
    return n + z * (state - n)


@_scan.forward
def rnn_scan_forward(
    xp: Any,
    gx: Any,
    h0: Any,
    c0: Any,
    w_hh: Any,
    b_hh: Any,
    w_hr: Any,
    *,
    mode: str,
    reverse: bool,
) -> Any:
    """Outputs: y (T, B, P), last h, last c, gate values, cells before each step."""
    steps, batch = gx.shape[:2]
    size = w_hh.shape[0] // GATES[mode]
    kept = {"LSTM": 4 * size, "GRU": 4 * size}.get(mode, 0)
    gates = xp.empty((steps, batch, kept), gx.dtype)
    cells = xp.empty((steps if mode == "LSTM" else 0, batch, size), gx.dtype)
    y = xp.empty((steps, batch, h0.shape[-1]), gx.dtype)
    h, c = h0, c0
    for t in reversed(range(steps)) if reverse else range(steps):
        product = h @ w_hh.T
        product += b_hh
        if mode == "LSTM":
            product += gx[t]
            cells[t] = c
            c, h = _lstm_step(xp, product, c, gates[t])
            h = h @ w_hr.T if w_hr.size else h
        elif mode == "GRU":
            h = _gru_step(xp, gx[t], product, h, gates[t])
        else:
            product += gx[t]
            h = xp.tanh(product) if mode == "RNN_TANH" else xp.maximum(product, 0)
        y[t] = h
    return y, h.copy(), c.copy(), gates, cells


@_scan.vjp
def rnn_scan_vjp(
    F: Any,
    g: Any,
    h0: Any,
    c0: Any,
    w_hh: Any,
    w_hr: Any,
    y: Any,
    gates: Any,
    cells: Any,
    *,
    need: Any,
    mode: str,
    reverse: bool,
) -> Any:
    gy, gh, gc, _, _ = g
    grads = F.rnn_scan_backward(
        F.zeros_of(y) if gy is None else gy,
        F.zeros_of(h0) if gh is None else gh,
        F.zeros_of(c0) if gc is None else gc,
        h0,
        c0,
        w_hh,
        w_hr,
        y,
        gates,
        cells,
        mode=mode,
        reverse=reverse,
    )
    return tuple(d if n else None for d, n in zip(grads, need, strict=True))


@_scan_backward.forward
def rnn_scan_backward_forward(
    xp: Any,
    gy: Any,
    gh: Any,
    gc: Any,
    h0: Any,
    c0: Any,
    w_hh: Any,
    w_hr: Any,
    y: Any,
    gates: Any,
    cells: Any,
    *,
    mode: str,
    reverse: bool,
) -> Any:
    """Cotangents of gx, h0, c0, w_hh, b_hh, w_hr."""
    steps, batch = y.shape[:2]
    order = range(steps) if reverse else range(steps - 1, -1, -1)
    dgx = xp.empty((steps, batch, w_hh.shape[0]), y.dtype)
    dgh = xp.empty_like(dgx) if mode == "GRU" else dgx
    previous = xp.empty_like(y)
    if steps:
        previous[1:], previous[:1] = y[:-1], h0
        if reverse:
            previous[:-1], previous[-1:] = y[1:], h0
    dw_hr = xp.zeros_like(w_hr)
    dh, dc = gh, gc
    for t in order:
        dh = dh + gy[t]
        if mode == "LSTM":
            dh, dc = _lstm_back(xp, dh, dc, gates[t], cells[t], w_hr, dw_hr, dgx[t])
            dh = dgx[t] @ w_hh
        elif mode == "GRU":
            direct = _gru_back(xp, dh, gates[t], previous[t], dgx[t], dgh[t])
            dh = dgh[t] @ w_hh + direct
        else:
            slope = 1 - y[t] * y[t] if mode == "RNN_TANH" else y[t] > 0
            dgx[t] = dh * slope
            dh = dgx[t] @ w_hh
    rows = dgh.reshape(steps * batch, dgh.shape[-1])
    dw_hh = rows.T @ previous.reshape(steps * batch, previous.shape[-1])
    return dgx, dh, dc, dw_hh, rows.sum(axis=0), dw_hr


def _lstm_back(
    xp: Any, dh: Any, dc: Any, gates: Any, c: Any, w_hr: Any, dw_hr: Any, dz: Any
) -> tuple[Any, Any]:
    """Fill ``dz`` (B, 4H) and ``dw_hr``; return cotangents of output and old cell."""
    size = c.shape[-1]
    i, f, g, o = (gates[:, k * size : (k + 1) * size] for k in range(4))
    squashed = xp.tanh(f * c + i * g)
    if w_hr.size:
        dw_hr += dh.T @ (o * squashed)
        dh = dh @ w_hr
    dc = dc + dh * o * (1 - squashed * squashed)
    dz[:, :size] = dc * g * i * (1 - i)
    dz[:, size : 2 * size] = dc * c * f * (1 - f)
    dz[:, 2 * size : 3 * size] = dc * i * (1 - g * g)
    dz[:, 3 * size :] = dh * squashed * o * (1 - o)
    return dh, dc * f


def _gru_back(xp: Any, dh: Any, gates: Any, h: Any, dx: Any, dhh: Any) -> Any:
    """Fill the cotangents of both products; return the part that skips the step."""
    size = h.shape[-1]
    r, z, n, q = (gates[:, k * size : (k + 1) * size] for k in range(4))
    dn = dh * (1 - z) * (1 - n * n)
    dx[:, :size] = dn * q * r * (1 - r)
    dx[:, size : 2 * size] = dh * (h - n) * z * (1 - z)
    dx[:, 2 * size :] = dn
    dhh[:, : 2 * size] = dx[:, : 2 * size]
    dhh[:, 2 * size :] = dn * r
    return dh * z


def run_direction(
    mode: str,
    x: Tensor,
    h0: Tensor,
    c0: Tensor | None,
    weights: Sequence[Tensor],
    *,
    bias: bool,
    reverse: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Run one direction of one layer.

    Args:
        mode: a key of ``GATES``.
        x: (T, B, input size).
        h0, c0: (B, output size), (B, hidden size); ``c0`` for LSTM only.
        weights: w_ih, w_hh, then b_ih, b_hh with ``bias``, then w_hr if projected.
        bias: whether the weights hold biases.
        reverse: from the last step to the first.

    Returns:
        Outputs (T, B, output size), and the last h and c.
    """
    w_ih, w_hh = weights[:2]
    b_ih, b_hh = weights[2:4] if bias else (None, None)
    projected = len(weights) == (5 if bias else 3)
    w_hr = weights[-1] if projected else zeros((0, 0), dtype=x.dtype)
    if b_hh is None:
        b_hh = zeros((w_hh._data.shape[0],), dtype=x.dtype)
    c0 = h0 if c0 is None else c0
    gx = linear(x, w_ih, b_ih)
    y, h, c, _, _ = _scan.call(gx, h0, c0, w_hh, b_hh, w_hr, mode=mode, reverse=reverse)
    return y, h, c


def run_cell(
    mode: str, x: Tensor, h: Tensor, c: Tensor | None, weights: Sequence[Tensor | None]
) -> tuple[Tensor, Tensor]:
    """One step of a cell on (B, input size); returns the new h and c."""
    if mode not in GATES:
        raise ArgumentError(f"mode must be one of {', '.join(GATES)}, got {mode!r}")
    present = [w for w in weights if w is not None]
    bias = len(present) == 4
    _, h, c = run_direction(
        mode, x.unsqueeze(0), h, c, present, bias=bias, reverse=False
    )
    return h, c
