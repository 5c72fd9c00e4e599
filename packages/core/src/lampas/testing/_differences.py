"""Where two arrays differ by more than a tolerance, and the text that says so."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["array_report", "number_report"]


def _exact(array: np.ndarray) -> np.ndarray:
    """The values in a type in which differences neither wrap around nor overflow."""
    if array.dtype.kind == "c":
        return array.astype(np.complex128)
    if array.dtype.kind in "biu" and array.dtype != np.uint64:
        return array.astype(np.int64)
    return array.astype(np.float64)


def _matches(
    actual: np.ndarray, expected: np.ndarray, rtol: float, atol: float, equal_nan: bool
) -> np.ndarray:
    """``|actual - expected| <= atol + rtol |expected|``; infinities match themselves.

    >>> one = np.array([1.0])
    >>> _matches(one + 0.1, one, 0.0, 0.2, False)
    array([ True])
    """
    found = actual == expected
    if rtol or atol:
        finite = np.isfinite(actual) & np.isfinite(expected)
        allowed = atol + rtol * np.abs(expected)
        found |= finite & (np.abs(actual - expected) <= allowed)
    if equal_nan:
        found |= np.isnan(actual) & np.isnan(expected)
    return found


def _head(what: str, rtol: float, atol: float) -> str:
    return f"{what} are not {'close' if rtol or atol else 'equal'}!\n\n"


def _allowed(tolerance: float, rtol: float, atol: float) -> str:
    return f" (up to {tolerance} allowed)" if rtol or atol else ""


def _greatest(kind: str, values: np.ndarray, shape: tuple[int, ...]) -> str:
    # Not a number counts as the greatest, as argmax has it.
    place = int(np.argmax(values))
    index = tuple(int(i) for i in np.unravel_index(place, shape))
    return (
        f"Greatest {kind} difference: {values.ravel()[place].item()} at index {index}"
    )


def array_report(
    first: np.ndarray, second: np.ndarray, rtol: float, atol: float, equal_nan: bool
) -> str | None:
    """The text about two arrays of one shape; None if they match everywhere."""
    actual, expected = _exact(first), _exact(second)
    with np.errstate(all="ignore"):
        matches = _matches(actual, expected, rtol, atol, equal_nan)
        if first.dtype == np.uint64 and not (rtol or atol):
            matches = first == second  # which float64 can't tell apart
        if matches.all():
            return None
        if not actual.ndim:
            return number_report(actual.item(), expected.item(), rtol, atol, equal_nan)
        absolute = np.abs(actual - expected)
        relative = absolute / np.abs(expected)
        absolute[matches] = relative[matches] = 0
    count = int((~matches).sum())
    return (
        _head("Tensor-likes", rtol, atol)
        + f"Mismatched elements: {count} / {matches.size} "
        + f"({count / matches.size:.1%})\n"
        + _greatest("absolute", absolute, matches.shape)
        + _allowed(atol, rtol, atol)
        + "\n"
        + _greatest("relative", relative, matches.shape)
        + _allowed(rtol, rtol, atol)
    )


def number_report(
    actual: Any, expected: Any, rtol: float, atol: float, equal_nan: bool
) -> str | None:
    """The text about two Python numbers; None if they match."""
    pair = np.asarray(actual), np.asarray(expected)
    with np.errstate(all="ignore"):
        if _matches(*pair, rtol, atol, equal_nan):
            return None
    absolute = abs(actual - expected)
    relative = absolute / abs(expected) if expected else float("inf")
    return (
        _head("Scalars", rtol, atol)
        + f"Expected {expected} but got {actual}.\n"
        + f"Absolute difference: {absolute}{_allowed(atol, rtol, atol)}\n"
        + f"Relative difference: {relative}{_allowed(rtol, rtol, atol)}"
    )
