"""Recurrent layers: one record runs a whole sequence through one direction.

The products with the input are taken for all steps at once, outside; what is left is a
scan over time. Sources: Elman 1990; Hochreiter and Schmidhuber 1997 (LSTM; projections
by Sak et al. 2014); Cho et al. 2014 (GRU, in the form of cuDNN and PyTorch).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lampas.dtypes import promote_types
from lampas.engine.autocast import policy_for
from lampas.engine.modes import mode as modes
from lampas.engine.record import op, raw_namespace, taped
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.ops.convert import cast
from lampas.ops.create import tensor, zeros
from lampas.ops.join import cat
from lampas.ops.matmul import linear

__all__: list[str] = []

GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}
"""How many vectors of hidden size the input product gives for each step."""

_scan = op(
    "rnn_scan",
    kind="opaque",
    outputs=5,
    saves="h0 c0 w_hh w_hr y0 y3 y4",
    autocast="half:cuda",
)

_ON_CPU = policy_for("half:cpu")


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


def _step_of(F: Any, x: Any, t: int) -> Any:
    """Step ``t`` of (T, B, size), in the language of rules."""
    return F.slice(x, index=(t,))


def _part(F: Any, x: Any, k: int, size: int) -> Any:
    """The ``k``-th of several vectors of ``size`` side by side in (B, n * size)."""
    return F.slice(x, index=(slice(None), slice(k * size, (k + 1) * size)))


def _plus(x: Any, more: Any) -> Any:
    return x if more is None else x + more


def _stacked(F: Any, steps: list[Any]) -> Any:
    """(B, size) at each step as (T, B, size)."""
    return F.cat(*[F.reshape(x, shape=(1, *x.shape)) for x in steps], dim=0)


def _lstm_back(
    F: Any, dh: Any, dc: Any, gates: Any, extra: Any, c: Any, w_hr: Any
) -> tuple[Any, Any, Any]:
    """Cotangents of the pre-activations and the old cell, and the unprojected output.

    ``extra`` is a cotangent of the gate values themselves: it comes in second order.
    """
    size = c.shape[1]
    i, f, g, o = (_part(F, gates, k, size) for k in range(4))
    more = [None if extra is None else _part(F, extra, k, size) for k in range(4)]
    squashed = F.tanh(f * c + i * g)
    if w_hr.shape[0]:
        dh = F.matmul(dh, w_hr)
    dc = dc + dh * o * (1 - squashed * squashed)
    di = _plus(dc * g, more[0]) * i * (1 - i)
    df = _plus(dc * c, more[1]) * f * (1 - f)
    dg = _plus(dc * i, more[2]) * (1 - g * g)
    do = _plus(dh * squashed, more[3]) * o * (1 - o)
    return F.cat(di, df, dg, do, dim=1), dc * f, o * squashed


def _gru_back(F: Any, dh: Any, gates: Any, extra: Any, h: Any) -> tuple[Any, Any, Any]:
    """Cotangents of the input's and the state's product, and what skips the step."""
    size = h.shape[1]
    r, z, n, q = (_part(F, gates, k, size) for k in range(4))
    more = [None if extra is None else _part(F, extra, k, size) for k in range(4)]
    dn = _plus(dh * (1 - z), more[2]) * (1 - n * n)
    dr = _plus(dn * q, more[0]) * r * (1 - r)
    dz = _plus(dh * (h - n), more[1]) * z * (1 - z)
    dq = _plus(dn * r, more[3])
    return F.cat(dr, dz, dn, dim=1), F.cat(dr, dz, dq, dim=1), dh * z


def _scan_back(
    F: Any,
    g: Any,
    h0: Any,
    c0: Any,
    w_hh: Any,
    w_hr: Any,
    y: Any,
    gates: Any,
    cells: Any,
    mode: str,
    reverse: bool,
) -> tuple[Any, ...]:
    """Cotangents of gx, the hidden products, h0 and c0, and the two projection's sides.

    The language of rules: on arrays it is the reference of ``rnn_scan_backward``, on
    tensors what gradients of gradients are taken of.
    """
    gy, gh, gc, ggates, gcells = g
    steps = y.shape[0]
    dh = F.zeros_of(h0) if gh is None else gh
    dc = F.zeros_of(c0) if gc is None else gc
    previous = _previous(F, h0, y, reverse)
    rows: list[tuple[Any, ...]] = []
    for t in range(steps) if reverse else range(steps - 1, -1, -1):
        if gy is not None:
            dh = dh + _step_of(F, gy, t)
        extra = None if ggates is None else _step_of(F, ggates, t)
        if mode == "LSTM":
            cell, gate = _step_of(F, cells, t), _step_of(F, gates, t)
            dx, dc, unprojected = _lstm_back(F, dh, dc, gate, extra, cell, w_hr)
            if gcells is not None:
                dc = dc + _step_of(F, gcells, t)
            rows.append((dx, dh, unprojected) if w_hr.shape[0] else (dx,))
            dh = F.matmul(dx, w_hh)
        elif mode == "GRU":
            state, gate = _step_of(F, previous, t), _step_of(F, gates, t)
            dx, dproduct, skipped = _gru_back(F, dh, gate, extra, state)
            rows.append((dx, dproduct))
            dh = F.matmul(dproduct, w_hh) + skipped
        else:
            out = _step_of(F, y, t)
            dx = dh * (1 - out * out if mode == "RNN_TANH" else F.sgn(out))
            rows.append((dx,))
            dh = F.matmul(dx, w_hh)
    if not reverse:
        rows.reverse()
    dgx, *more = (_stacked(F, list(column)) for column in zip(*rows, strict=True))
    dproducts = more[0] if mode == "GRU" else dgx
    projection = more if len(more) == 2 else (None, None)
    return dgx, dproducts, dh, dc, *projection


def _previous(F: Any, h0: Any, y: Any, reverse: bool) -> Any:
    """The output before each step."""
    steps = y.shape[0]
    first = F.reshape(h0, shape=(1, *h0.shape))
    if reverse:
        return F.cat(F.slice(y, index=(slice(1, steps),)), first, dim=0)
    return F.cat(first, F.slice(y, index=(slice(0, steps - 1),)), dim=0)


_scan_backward = op("rnn_scan_backward", kind="opaque", outputs=6)
"""The steps of the gradient, on arrays; the last two are None without a projection."""


@_scan_backward.forward
def rnn_scan_backward_forward(
    xp: Any,
    gy: Any,
    gh: Any,
    gc: Any,
    gcells: Any,
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
    g = (gy, gh, gc, None, gcells)
    F = raw_namespace(xp)
    return _scan_back(F, g, h0, c0, w_hh, w_hr, y, gates, cells, mode, reverse)


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
    gy, gh, gc, ggates, gcells = g
    if F is taped or ggates is not None:
        # Gradients of gradients follow each operation of the steps.
        parts = _scan_back(F, g, h0, c0, w_hh, w_hr, y, gates, cells, mode, reverse)
    else:
        form = {"mode": mode, "reverse": reverse}
        saved = (h0, c0, w_hh, w_hr, y, gates, cells)
        parts = F.rnn_scan_backward(gy, gh, gc, gcells, *saved, **form)
    dgx, dproducts, dh, dc, dprojected, sides = parts
    weights = None
    if need[3]:
        weights = F.linear_weight(dproducts, _previous(F, h0, y, reverse))
    return (
        dgx if need[0] else None,
        dh if need[1] else None,
        dc if need[2] else None,
        weights,
        F.linear_sum(dproducts) if need[4] else None,
        F.linear_weight(dprojected, sides) if need[5] else None,
    )


def _in_region(
    gx: Tensor, states: list[Tensor], weights: list[Tensor], kept: Tensor | None
) -> list[Tensor]:
    """What a scan takes, in one type, under autocast on the CPU.

    Weights are rounded as those of products are. A state that steps add to (``kept``)
    keeps its type, so that rounding does not pile up over the steps; as in PyTorch.
    """
    casting = modes.autocast
    if casting is None or "cpu" not in casting.half or gx.device.type != "cpu":
        return [gx, *states, *weights]
    weights = casting.cast(weights, _ON_CPU)
    dtype = gx.dtype if kept is None else promote_types(gx.dtype, kept.dtype)
    return [cast(x, dtype) for x in (gx, *states, *weights)]


def run_direction(
    mode: str,
    x: Tensor,
    h0: Tensor,
    c0: Tensor | None,
    weights: Sequence[Tensor],
    *,
    bias: bool,
    reverse: bool,
    cell: bool = False,
) -> tuple[Tensor, Tensor, Tensor]:
    """Run one direction of one layer.

    Args:
        mode: a key of ``GATES``.
        x: (T, B, input size).
        h0, c0: (B, output size), (B, hidden size); ``c0`` for LSTM only.
        weights: w_ih, w_hh, then b_ih, b_hh with ``bias``, then w_hr if projected.
        bias: whether the weights hold biases.
        reverse: from the last step to the first.
        cell: it is a cell; under autocast those keep their states' type.

    Returns:
        Outputs (T, B, output size), and the last h and c.
    """
    y, h, c, _ = _sequence(mode, x, h0, c0, weights, bias, reverse, cell)
    return y, h, c


def _sequence(
    mode: str,
    x: Tensor,
    h0: Tensor,
    c0: Tensor | None,
    weights: Sequence[Tensor],
    bias: bool,
    reverse: bool,
    cell: bool = False,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """As :func:`run_direction`, and also the cells before each step."""
    w_ih, w_hh = weights[:2]
    b_ih, b_hh = weights[2:4] if bias else (None, None)
    projected = len(weights) == (5 if bias else 3)
    form: dict[str, Any] = {"dtype": x.dtype, "device": x.device}
    w_hr = weights[-1] if projected else zeros((0, 0), **form)
    if b_hh is None:
        b_hh = zeros((w_hh._data.shape[0],), **form)
    c0 = h0 if c0 is None else c0
    gx = linear(x, w_ih, b_ih)
    kept = h0 if mode == "GRU" else c0 if cell and mode == "LSTM" else None
    operands = _in_region(gx, [h0, c0], [w_hh, b_hh, w_hr], kept)
    y, h, c, _, cells = _scan.call(*operands, mode=mode, reverse=reverse)
    return y, h, c, cells


def _rows(x: Tensor, steps: np.ndarray) -> Tensor:
    """Of (T, B, ...), for each place the entry of another step of the same sequence."""
    batch = x._data.shape[1]
    row = (steps * batch + np.arange(batch)).reshape(-1)
    index = tensor(row, device=x.device)
    return x.flatten(0, 1).index_select(0, index).reshape(*steps.shape, *x.shape[2:])


def run_lengths(
    mode: str,
    x: Tensor,
    h0: Tensor,
    c0: Tensor | None,
    weights: Sequence[Tensor],
    lengths: np.ndarray,
    *,
    bias: bool,
    reverse: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """As :func:`run_direction`, for sequences that end after ``lengths`` steps.

    Outputs behind the end of a sequence are of no meaning and reach nothing else; the
    last states are those at its end (with ``reverse``: at its start).
    """
    steps = np.arange(x._data.shape[0])[:, None]
    # Run backwards from each sequence's own end: mirror it, and the outputs again.
    mirrored = np.where(steps < lengths, lengths - 1 - steps, steps)
    x = _rows(x, mirrored) if reverse else x
    y, h, c, cells = _sequence(mode, x, h0, c0, weights, bias, False)
    h = _rows(y, lengths - 1)
    if mode == "LSTM":
        c = _rows(cat([cells, c.unsqueeze(0)]), lengths)
    return (_rows(y, mirrored) if reverse else y), h, c


def run_cell(
    mode: str, x: Tensor, h: Tensor, c: Tensor | None, weights: Sequence[Tensor | None]
) -> tuple[Tensor, Tensor]:
    """One step of a cell on (B, input size); returns the new h and c."""
    if mode not in GATES:
        raise ArgumentError(f"mode must be one of {', '.join(GATES)}, got {mode!r}")
    present = [w for w in weights if w is not None]
    bias = len(present) == 4
    _, h, c = run_direction(
        mode, x.unsqueeze(0), h, c, present, bias=bias, reverse=False, cell=True
    )
    return h, c
