"""Connectionist temporal classification: the likelihood of labels over all alignments.

Each of the N target sequences of length L becomes S = 2 L + 1 states: its labels with a
blank before, between and behind. A path starts in one of the first two states, and from
one time step to the next stays, moves on by one, or skips a blank between two labels
that differ. Forbidden moves weigh ``_NEVER``, which is finite, so that no order of
gradient meets infinity minus infinity.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from lampas.backend.device import from_host, namespace_of, to_host
from lampas.engine.autocast import computes_in
from lampas.engine.infer import Spec
from lampas.engine.record import op
from lampas.engine.tensor import Tensor, wrap
from lampas.errors import BoundsError, DTypeError, ShapeError
from lampas.ops._arguments import require_same_device
from lampas.ops.cross_entropy import reduction_of
from lampas.ops.index import add_at

__all__ = ["ctc_loss"]

_NEVER = -1e30


def _loss_specs(specs: Any, *, states: Any, **how: Any) -> Any:
    (times, n, _), dtype = specs[0]
    return Spec((n,), dtype), Spec((times, n, states.shape[1]), dtype)


def _score_specs(specs: Any, **how: Any) -> Spec:
    return specs[1]


# x is (T, N, C), log-probabilities. Of each sequence: the labels of its states (N, S),
# and how many time steps and how many labels it has.
_losses = op(
    "ctc",
    outputs=2,
    saves="x y1",
    fresh=True,
    infer=_loss_specs,
    autocast="float",
)
"""The losses, and the log-likelihoods of the beginnings of paths up to each state."""
_slopes = op("ctc_backward", saves="g x begun", fresh=True, infer=_score_specs)
"""The gradient of scores whose ``log_softmax`` is x: probabilities less visits."""


class _Plan(NamedTuple):
    """What it weighs to be in a state: 0, or ``_NEVER``; and which steps count."""

    initial: Any  # before the first step
    start: Any  # (N, S), at the first step
    skip: Any  # coming from two states before
    end: Any
    alive: Any  # (T, N, 1), 1 or 0


def _plan(times: int, dtype: Any, how: Any) -> _Plan:
    xp = namespace_of(how["states"])
    states, last = how["states"], 2 * how["lengths"][:, None]
    at = xp.arange(states.shape[1])
    may_skip = states != how["blank"]
    may_skip[:, :2] = False
    may_skip[:, 2:] &= states[:, 2:] != states[:, :-2]

    def weight(allowed: Any) -> Any:
        return xp.where(allowed, 0.0, _NEVER).astype(dtype)

    return _Plan(
        weight((at == 0) & (last >= 0)),
        weight((at < 2) & (at <= last)),
        weight(may_skip),
        weight((at == last) | (at == last - 1)),
        (xp.arange(times)[:, None, None] < how["inputs"][:, None]).astype(dtype),
    )


def _after(xp: Any, states: Any, by: int) -> Any:
    """The states, moved back by ``by`` (forward, if negative); nothing moves in."""
    result = xp.full_like(states, _NEVER)
    if by > 0:
        result[:, by:] = states[:, :-by]
    else:
        result[:, :by] = states[:, -by:]
    return result


def _total(xp: Any, *terms: Any) -> Any:
    """The logarithm of the sum of exponentials."""
    top = terms[0]
    for term in terms[1:]:
        top = xp.maximum(top, term)
    return top + xp.log(sum(xp.exp(term - top) for term in terms))


def _likelihood(xp: Any, ended: Any) -> Any:
    top = xp.max(ended, axis=1, keepdims=True)
    return top + xp.log(xp.sum(xp.exp(ended - top), axis=1, keepdims=True))


def _of_states(xp: Any, x: Any, states: Any) -> Any:
    """The log-probability of each state's label at each time, (T, N, S)."""
    places = xp.broadcast_to(states, (x.shape[0], *states.shape))
    return xp.maximum(xp.take_along_axis(x, places, axis=2), _NEVER)


@_losses.forward
def ctc_forward(
    xp: Any, x: Any, *, states: Any, inputs: Any, lengths: Any, blank: int, lost: float
) -> Any:
    how = {"states": states, "inputs": inputs, "lengths": lengths, "blank": blank}
    plan = _plan(x.shape[0], x.dtype, how)
    scores = _of_states(xp, x, states)
    begun = xp.empty_like(scores)
    state = plan.initial
    for t in range(x.shape[0]):
        if t == 0:
            moved = plan.start + scores[0]
        else:
            skipped = _after(xp, state, 2) + plan.skip
            moved = _total(xp, state, _after(xp, state, 1), skipped) + scores[t]
        begun[t] = state = xp.where(plan.alive[t], moved, state)
    total = _likelihood(xp, state + plan.end)[:, 0]
    return xp.where(total < _NEVER / 2, x.dtype.type(lost), -total), begun


@_losses.vjp
def ctc_vjp(F: Any, g: Any, x: Any, begun: Any, *, need: Any, **how: Any) -> Any:
    dy, _ = g
    return (F.ctc_backward(dy, x, begun, **how),)


@_slopes.forward
def ctc_backward_forward(
    xp: Any,
    g: Any,
    x: Any,
    begun: Any,
    *,
    states: Any,
    inputs: Any,
    lengths: Any,
    blank: int,
    lost: float,
) -> Any:
    how = {"states": states, "inputs": inputs, "lengths": lengths, "blank": blank}
    plan = _plan(x.shape[0], x.dtype, how)
    scores = _of_states(xp, x, states)
    total = _likelihood(xp, begun[-1] + plan.end)
    # One sequence after the other: each has its own labels to add up.
    visits = xp.zeros_like(x)
    owner = xp.arange(states.shape[0])[:, None]
    rest = plan.end
    # A skip is allowed by the state that it arrives at.
    for t in range(x.shape[0] - 1, -1, -1):
        shares = xp.exp(begun[t] + rest - total)
        add_at(xp, visits[t], (owner, states), shares)
        onward = scores[t] + rest
        skipped = _after(xp, onward + plan.skip, -2)
        moved = _total(xp, onward, _after(xp, onward, -1), skipped)
        rest = xp.where(plan.alive[t], moved, rest)
    # Of an infinite loss there is no gradient; of one that counts nothing it is zero.
    never = x.dtype.type(0.0 if lost == 0.0 else np.nan)
    slope = xp.where(total < _NEVER / 2, never, g[:, None] * (xp.exp(x) - visits))
    return xp.where(plan.alive, slope, x.dtype.type(0))


# ---- the second derivative


def _moves(skip: Any) -> Any:
    """What it weighs to come to each state (N, S, 1) from each state (N, 1, S)."""
    xp = namespace_of(skip)
    to, come = xp.arange(skip.shape[1])[:, None], xp.arange(skip.shape[1])
    near = (to - come == 0) | (to - come == 1)
    jump = xp.where(to - come == 2, skip[:, :, None], _NEVER)
    return xp.where(near, 0, jump).astype(skip.dtype)


def _forth(F: Any, times: Any, changes: Any, into: Any, plan: _Plan) -> Any:
    """The beginnings at each time with their changes; the whole likelihood with its."""
    n, size = times[0].shape
    state, moved, found = plan.initial, plan.initial * 0, []
    for t, alive in enumerate(plan.alive):
        if t == 0:
            new, change = times[t] + plan.start, changes[t]
        else:
            scores = F.reshape(state, shape=(n, 1, size)) + into
            new = F.logsumexp(scores, dim=(2,), keepdim=False) + times[t]
            shares = F.softmax(scores, dim=(2,))
            parts = shares * F.reshape(moved, shape=(n, 1, size))
            change = F.sum(parts, dim=(2,), keepdim=False) + changes[t]
        state = new * alive + state * (1 - alive)
        moved = change * alive + moved * (1 - alive)
        found.append((state, moved))
    ended = state + plan.end
    whole = F.sum(F.softmax(ended, dim=(1,)) * moved, dim=(1,), keepdim=True)
    return found, F.logsumexp(ended, dim=(1,), keepdim=True), whole


def _back(F: Any, times: Any, changes: Any, onto: Any, plan: _Plan) -> Any:
    """The ends of paths after each time with their changes, last first."""
    n, size = times[0].shape
    rest, moved, found = times[0] * 0 + plan.end, changes[0] * 0, []
    for t in reversed(range(len(times))):
        found.append((rest, moved))
        alive = plan.alive[t]
        scores = F.reshape(rest + times[t], shape=(n, 1, size)) + onto
        new = F.logsumexp(scores, dim=(2,), keepdim=False)
        parts = F.reshape(moved + changes[t], shape=(n, 1, size))
        change = F.sum(F.softmax(scores, dim=(2,)) * parts, dim=(2,), keepdim=False)
        rest = new * alive + rest * (1 - alive)
        moved = change * alive + moved * (1 - alive)
    return found


def _places(times: int, states: Any) -> Any:
    return namespace_of(states).broadcast_to(states, (times, *states.shape))


def _visits_changed(F: Any, h: Any, x: Any, how: Any) -> Any:
    """How the visits of each class (T, N, C) change as ``x`` changes by ``h``.

    The paths are followed again, with the change of each quantity beside it.
    """
    length, n, classes = x.shape
    places = _places(length, how["states"])
    plan = _plan(length, getattr(x.dtype, "numpy", x.dtype), how)
    scores = F.clamp_min(F.gather_flat(x, places, unique=False), _NEVER)
    times = F.unbind(scores, dim=0)
    changes = F.unbind(F.gather_flat(h, places, unique=False), dim=0)
    moves = _moves(plan.skip)
    begun, total, mean = _forth(F, times, changes, moves, plan)
    ended = _back(F, times, changes, moves.transpose(0, 2, 1), plan)
    moved = []
    for alive, (b, db), (e, de) in zip(plan.alive, begun, ended[::-1], strict=True):
        share = F.masked(F.exp(b + e - total), total >= _NEVER / 2)
        moved.append(F.reshape(share * (db + de - mean) * alive, shape=(1, n, -1)))
    return F.scatter_flat(F.cat(*moved, dim=0), places, size=classes, unique=False)


def _in_time(x: Any, how: Any) -> Any:
    return _plan(x.shape[0], getattr(x.dtype, "numpy", x.dtype), how).alive


@_slopes.vjp
def ctc_backward_vjp(
    F: Any, h: Any, g: Any, x: Any, begun: Any, *, need: Any, **how: Any
) -> Any:
    dg, dx = None, None
    if need[0]:
        slope = F.ctc_backward(g * 0 + 1, x, begun, **how)
        dg = F.sum(h * slope, dim=(0, 2), keepdim=False)
    if need[1]:
        mass = F.exp(x) * h * _in_time(x, how)
        change = mass - _visits_changed(F, h, x, how)
        dx = change * F.reshape(g, shape=(1, g.shape[0], 1))
    return dg, dx, None


# ---- arguments


def _lengths(name: str, lengths: Any, count: int, limit: int) -> np.ndarray:
    """Lengths as an array of ``count`` integers in [0, limit]."""
    if isinstance(lengths, Tensor):
        array = to_host(lengths._data)
        if array.dtype.kind not in "iu":
            raise DTypeError(
                f"ctc_loss: {name} must hold integers, got {lengths.dtype}"
            )
    else:
        array = np.asarray(lengths, np.int64)
    if array.size != count:
        raise ShapeError(
            f"ctc_loss: {name} must have one length for each of the {count} sequences, "
            f"got {array.size}"
        )
    array = array.reshape(count).astype(np.int64)
    if array.size and not 0 <= array.min() <= array.max() <= limit:
        raise ShapeError(
            f"ctc_loss: {name} must be in [0, {limit}], got "
            f"{array.min()} to {array.max()}"
        )
    return array


def _padded(targets: np.ndarray, lengths: np.ndarray, blank: int) -> np.ndarray:
    """The labels as (N, L) with blanks behind the ends."""
    longest = int(lengths.max()) if lengths.size else 0
    inside = np.arange(longest) < lengths[:, None]
    result = np.full(inside.shape, blank, np.int64)
    if targets.ndim == 1:
        result[inside] = targets[: int(lengths.sum())]
    else:
        result[inside] = targets[:, :longest][inside]
    return result


def _states(labels: np.ndarray, blank: int) -> np.ndarray:
    """The label of each state (N, S)."""
    states = np.full((labels.shape[0], 2 * labels.shape[1] + 1), blank)
    states[:, 1::2] = labels
    return states


def _check(log_probs: Tensor, targets: Tensor, blank: int) -> None:
    require_same_device("ctc_loss", log_probs=log_probs, targets=targets)
    shape = tuple(log_probs._data.shape)
    if log_probs._data.dtype not in (np.float32, np.float64):
        raise DTypeError(
            f"ctc_loss: log_probs must be float32 or float64, got {log_probs.dtype}"
        )
    if targets._data.dtype.kind not in "iu":
        raise DTypeError(f"ctc_loss: targets must hold integers, got {targets.dtype}")
    if len(shape) not in (2, 3) or 0 in shape[:1]:
        raise ShapeError(
            "ctc_loss: log_probs must be (T, N, C) or (T, C) with T > 0, got shape "
            f"{shape}"
        )
    if targets._data.ndim not in (1, 2):
        raise ShapeError(
            f"ctc_loss: targets must be 1-D or 2-D, got shape {tuple(targets.shape)}"
        )
    if not 0 <= blank < shape[-1]:
        raise ShapeError(
            f"ctc_loss: blank must be in [0, {shape[-1] - 1}], as log_probs has "
            f"{shape[-1]} classes; got {blank}"
        )


def _labels(
    targets: np.ndarray, lengths: np.ndarray, blank: int, classes: int
) -> np.ndarray:
    """The labels as (N, L), as they should be, with blanks behind the ends."""
    if targets.ndim == 1:
        if targets.size < lengths.sum():
            raise ShapeError(
                f"ctc_loss: target_lengths add up to {lengths.sum()}, but targets has "
                f"{targets.size} labels only"
            )
    elif targets.shape[0] != lengths.size:
        raise ShapeError(
            f"ctc_loss: targets must have one row for each of the {lengths.size} "
            f"sequences, got shape {targets.shape}"
        )
    labels = _padded(targets, lengths, blank)
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        bad = labels.min() if labels.min() < 0 else labels.max()
        raise BoundsError(
            f"ctc_loss: target {bad} is out of bounds: it must be in [0, {classes - 1}]"
        )
    return labels


@computes_in("float")
def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor | Sequence[int],
    target_lengths: Tensor | Sequence[int],
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Minus the log-likelihood of label sequences (Graves et al. 2006).

    It is summed over all ways to spread the labels, with blanks between them, over the
    time steps. The gradient is that of scores of which ``log_probs`` is the
    ``log_softmax``, as PyTorch gives it.

    Args:
        log_probs: (T, N, C) or (T, C), logarithms of probabilities, float32 or float64.
        targets: (N, S) padded or all labels joined in one dimension; integers.
        input_lengths: (N,), how many of the T steps count.
        target_lengths: (N,), how many labels each sequence has.
        blank: the class that stands for no label.
        reduction: ``"mean"`` divides each loss by its target's length (at least 1) and
            averages; ``"sum"``; ``"none"``: (N,) or ().
        zero_infinity: losses of targets too long for their input are zero, as are their
            gradients, instead of infinity and nan.

    Raises:
        RuntimeError: shapes, lengths or dtypes that do not fit.
        IndexError: a label is out of range.
        ValueError: an unknown reduction.

    >>> scores = lampas.zeros(2, 1, 2).log_softmax(2)
    >>> target = lampas.tensor([[1]])
    >>> lampas.nn.functional.ctc_loss(scores, target, [2], [1])
    tensor(0.2877)
    """
    reduction = reduction_of(reduction, None, None)
    _check(log_probs, targets, blank)
    batched = log_probs._data.ndim == 3
    scores: Any = log_probs if batched else log_probs.unsqueeze(1)  # type: ignore[attr-defined]
    times, n, classes = scores.shape
    host = to_host(targets._data)
    limit = host.shape[-1] if host.ndim == 2 or not batched else host.size
    inputs = _lengths("input_lengths", input_lengths, n, times)
    lengths = _lengths("target_lengths", target_lengths, n, limit)
    labels = _labels(host, lengths, blank, classes)
    device, dtype = log_probs.device, scores._data.dtype
    losses, _ = _losses.call(
        scores,
        states=from_host(_states(labels, blank), device),
        inputs=from_host(inputs, device),
        lengths=from_host(lengths, device),
        blank=blank,
        lost=0.0 if zero_infinity else float("inf"),
    )
    if reduction == "none":
        return losses if batched else losses.reshape(())
    if reduction == "sum":
        return losses.sum()
    counts = np.maximum(lengths, 1).astype(dtype)
    return (losses / wrap(from_host(counts, device))).mean()
