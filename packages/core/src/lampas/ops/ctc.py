"""Connectionist temporal classification: the likelihood of labels over all alignments.

Each of the N target sequences of length L becomes S = 2 L + 1 states: its labels with a
blank before, between and behind. A path starts in one of the first two states, and from
one time step to the next stays, moves on by one, or skips a blank between two labels
that differ. Forbidden moves weigh ``_NEVER``, which is finite, so that no order of
gradient meets infinity minus infinity.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lampas.backend.device import from_host, to_host
from lampas.engine.autocast import computes_in
from lampas.engine.infer import Spec, like_input
from lampas.engine.record import op
from lampas.engine.tensor import Tensor, wrap
from lampas.errors import BoundsError, DTypeError, ShapeError
from lampas.ops._arguments import require_same_device
from lampas.ops.cross_entropy import reduction_of
from lampas.ops.flat import gather_flat

__all__ = ["ctc_loss"]

_NEVER = -1e30


def _path_specs(specs: Any, **params: Any) -> Any:
    shape, dtype = specs[0]
    return Spec((shape[1],), dtype), specs[0]


# x is (T, N, S): at each time the log-probability of each state's label.
_paths = op(
    "ctc_paths",
    outputs=2,
    saves="x y0 y1",
    fresh=True,
    infer=_path_specs,
    autocast="float",
)
"""The log-likelihoods, and those of the beginnings of paths up to each state."""
_posterior = op("ctc_posterior", saves="x y", fresh=True, infer=like_input)
"""The probability that a path is in a state at a time: the gradient of ctc_paths."""


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


@_paths.forward
def ctc_paths_forward(xp: Any, x: Any, *, how: Any) -> Any:
    begun = xp.empty_like(x)
    state = how["initial"]
    for t in range(x.shape[0]):
        if t == 0:
            moved = how["start"] + x[0]
        else:
            skipped = _after(xp, state, 2) + how["skip"]
            moved = _total(xp, state, _after(xp, state, 1), skipped) + x[t]
        begun[t] = state = xp.where(how["alive"][t], moved, state)
    ended = state + how["end"]
    top = xp.max(ended, axis=1, keepdims=True)
    return (top + xp.log(xp.sum(xp.exp(ended - top), axis=1, keepdims=True)))[
        :, 0
    ], begun


@_paths.vjp
def ctc_paths_vjp(
    F: Any, g: Any, x: Any, total: Any, begun: Any, *, need: Any, how: Any
) -> Any:
    dy, _ = g
    visits = F.ctc_posterior(x, total, begun, how=how)
    return (visits * F.reshape(dy, shape=(1, dy.shape[0], 1)),)


@_posterior.forward
def ctc_posterior_forward(xp: Any, x: Any, total: Any, begun: Any, *, how: Any) -> Any:
    visits = xp.empty_like(x)
    rest = how["end"] + xp.zeros_like(x[0])
    # A skip is allowed by the state that it arrives at.
    for t in range(x.shape[0] - 1, -1, -1):
        alive = how["alive"][t]
        visits[t] = xp.where(alive, xp.exp(begun[t] + rest - total[:, None]), 0)
        onward = x[t] + rest
        skipped = _after(xp, onward + how["skip"], -2)
        moved = _total(xp, onward, _after(xp, onward, -1), skipped)
        rest = xp.where(alive, moved, rest)
    nowhere = (total < _NEVER / 2)[:, None]
    return xp.where(nowhere, x.dtype.type(how["lost"]), visits)


def _moves(how: Any) -> Any:
    """What it weighs to come to each state (N, S, 1) from each state (N, 1, S)."""
    skip = to_host(how["skip"])
    n, size = skip.shape
    to, come = np.arange(size)[:, None], np.arange(size)
    near = (to - come == 0) | (to - come == 1)
    jump = np.where(to - come == 2, skip[:, :, None], _NEVER)
    return np.where(near, 0, jump).astype(skip.dtype)


def _forth(F: Any, times: Any, changes: Any, into: Any, how: Any) -> Any:
    """The changes of the beginnings at each time, and that of the whole likelihood."""
    n, size = times[0].shape
    state, moved, found = how["initial"], how["initial"] * 0, []
    for t, alive in enumerate(how["alive"]):
        if t == 0:
            new, change = times[t] + how["start"], changes[t]
        else:
            scores = F.reshape(state, shape=(n, 1, size)) + into
            new = F.logsumexp(scores, dim=(2,), keepdim=False) + times[t]
            shares = F.softmax(scores, dim=(2,))
            parts = shares * F.reshape(moved, shape=(n, 1, size))
            change = F.sum(parts, dim=(2,), keepdim=False) + changes[t]
        state = new * alive + state * (1 - alive)
        moved = change * alive + moved * (1 - alive)
        found.append(moved)
    whole = F.softmax(state + how["end"], dim=(1,)) * moved
    return found, F.sum(whole, dim=(1,), keepdim=True)


def _back(F: Any, times: Any, changes: Any, onto: Any, how: Any) -> Any:
    """The changes of the ends of paths after each time, last first."""
    n, size = times[0].shape
    rest, moved, found = times[0] * 0 + how["end"], changes[0] * 0, []
    for t in reversed(range(len(times))):
        found.append(moved)
        alive = how["alive"][t]
        scores = F.reshape(rest + times[t], shape=(n, 1, size)) + onto
        new = F.logsumexp(scores, dim=(2,), keepdim=False)
        parts = F.reshape(moved + changes[t], shape=(n, 1, size))
        change = F.sum(F.softmax(scores, dim=(2,)) * parts, dim=(2,), keepdim=False)
        rest = new * alive + rest * (1 - alive)
        moved = change * alive + moved * (1 - alive)
    return found


@_posterior.vjp
def ctc_posterior_vjp(
    F: Any, h: Any, x: Any, visits: Any, *, need: Any, how: Any
) -> Any:
    """The curvature times ``h``: how the posterior changes as ``x`` changes by ``h``.

    The paths are followed again, with the change of each quantity beside it.
    """
    times, changes = F.unbind(x, dim=0), F.unbind(h, dim=0)
    moves = _moves(how)
    begun, mean = _forth(F, times, changes, moves, how)
    ended = _back(F, times, changes, moves.transpose(0, 2, 1), how)
    shape = (1, *x.shape[1:])
    pairs = zip(begun, reversed(ended), strict=True)
    moved = F.cat(*[F.reshape(b + e - mean, shape=shape) for b, e in pairs], dim=0)
    return moved * visits, None, None


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


def _plan(
    labels: np.ndarray, times: int, inputs: np.ndarray, lengths: np.ndarray, blank: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The label of each state (N, S), and what ``how`` holds beside the dtype."""
    n, longest = labels.shape
    states = np.full((n, 2 * longest + 1), blank)
    states[:, 1::2] = labels
    at = np.arange(states.shape[1])
    last = 2 * lengths[:, None]
    may_skip = np.zeros(states.shape, bool)
    may_skip[:, 2:] = (states[:, 2:] != blank) & (states[:, 2:] != states[:, :-2])
    return states, {
        "initial": np.where(at == 0, 0.0, _NEVER) + np.zeros((n, 1)),
        "start": np.where((at < 2) & (at <= last), 0.0, _NEVER),
        "skip": np.where(may_skip, 0.0, _NEVER),
        "end": np.where((at == last) | (at == last - 1), 0.0, _NEVER),
        "alive": (np.arange(times)[:, None, None] < inputs[:, None]).astype(float),
    }


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


def _check_labels(targets: np.ndarray, lengths: np.ndarray, classes: int) -> None:
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
    used = _padded(targets, lengths, 0)
    if used.size and not 0 <= used.min() <= used.max() < classes:
        bad = used.min() if used.min() < 0 else used.max()
        raise BoundsError(
            f"ctc_loss: target {bad} is out of bounds: it must be in [0, {classes - 1}]"
        )


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
    _check_labels(host, lengths, classes)
    labels = _padded(host, lengths, blank)
    states, plan = _plan(labels, times, inputs, lengths, blank)
    how: dict[str, Any] = {
        name: from_host(array.astype(scores._data.dtype), log_probs.device)
        for name, array in plan.items()
    }
    how["lost"] = 0.0 if zero_infinity else float("nan")
    index = from_host(np.broadcast_to(states, (times, *states.shape)), log_probs.device)
    total, _ = _paths.call(gather_flat(scores, wrap(index)).clamp_min(_NEVER), how=how)  # type: ignore[attr-defined]
    losses = _like_scores(-total, scores, wrap(how["alive"]))
    lost = total < _NEVER / 2
    losses = losses.masked_fill(lost, 0.0 if zero_infinity else float("inf"))
    if reduction == "none":
        return losses if batched else losses.reshape(())
    if reduction == "sum":
        return losses.sum()
    counts = np.maximum(lengths, 1).astype(scores._data.dtype)
    return (losses / wrap(from_host(counts, log_probs.device))).mean()


def _like_scores(losses: Tensor, log_probs: Tensor, alive: Tensor) -> Any:
    """The losses with the gradient of scores that log_softmax takes.

    That adds the probabilities; log_softmax takes them off where it is used before.
    """
    if not log_probs.requires_grad:
        return losses
    mass = (log_probs.exp() * alive).sum((0, 2))  # type: ignore[attr-defined]
    return losses + (mass - mass.detach())
