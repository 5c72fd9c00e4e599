"""Numbers behind TensorBoard's panels: histograms and curves of precision."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.errors import ArgumentError, ShapeError

__all__ = ["histogram_of", "pr_rows"]


def _usual_edges() -> np.ndarray:
    """TensorBoard's edges: 1e-12 to 1e20 in steps of 10 %, both signs, and 0."""
    edges, edge = [], 1e-12
    while edge < 1e20:
        edges.append(edge)
        edge *= 1.1
    return np.array([*(-e for e in reversed(edges)), 0.0, *edges])


def _coarser(
    counts: np.ndarray, edges: np.ndarray, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """Neighbouring buckets joined so that about ``most`` are left."""
    step = len(counts) // most
    if step <= 1:
        return counts, edges
    rest = -len(counts) % step
    joined = np.pad(counts, (0, rest)).reshape(-1, step).sum(-1)
    return joined, np.append(edges[:-1:step], edges[-1])


def histogram_of(
    values: np.ndarray, bins: Any, max_bins: int | None
) -> tuple[list[float], np.ndarray, np.ndarray]:
    """Min, max, number, sum and sum of squares; upper limits and counts of buckets.

    Args:
        values: numbers; those that are not finite are left out.
        bins: ``"tensorflow"``, or what ``numpy.histogram`` takes.
        max_bins: join buckets where there are more.

    Raises:
        ValueError: no finite number is there, or none lies in a bucket.
    """
    flat = values.astype(np.float64).ravel()
    flat = flat[np.isfinite(flat)]
    if not flat.size:
        raise ArgumentError("values must hold a finite number; there is none")
    edges = _usual_edges() if isinstance(bins, str) and bins == "tensorflow" else bins
    counts, limits = np.histogram(flat, bins=edges)
    if max_bins is not None:
        counts, limits = _coarser(counts, limits, max_bins)
    filled = np.flatnonzero(counts)
    if not filled.size:
        raise ArgumentError("values must lie in the bins; none of them does")
    # An empty bucket in front tells where the first one that counts begins.
    first, last = int(filled[0]), int(filled[-1])
    kept = np.concatenate([[0], counts[first : last + 1]])
    moments = [flat.min(), flat.max(), flat.size, flat.sum(), flat.dot(flat)]
    return [float(m) for m in moments], limits[first : last + 2], kept


def pr_rows(
    labels: np.ndarray, predictions: np.ndarray, count: int, weights: Any
) -> np.ndarray:
    """TP, FP, TN, FN, precision and recall, by threshold ``i / (count - 1)``.

    Raises:
        RuntimeError: labels, predictions and weights differ in number.
        ValueError: there are fewer than two thresholds.
    """
    truth, scores = labels.ravel(), predictions.ravel().astype(np.float64)
    weight = np.ones(scores.size) if weights is None else np.asarray(weights).ravel()
    if not truth.size == scores.size == weight.size:
        raise ShapeError(
            "labels, predictions and weights must have as many elements each, got "
            f"{truth.size}, {scores.size} and {weight.size}"
        )
    if count < 2:
        raise ArgumentError(f"num_thresholds must be at least 2, got {count}")
    # The usual number is the highest that the panel shows.
    count = min(count, 127)
    bucket = np.clip(np.floor(scores * (count - 1)).astype(np.int64), 0, count - 1)
    hits = np.bincount(bucket, weight * (truth > 0), count)
    misses = np.bincount(bucket, weight * (truth <= 0), count)
    positive, false = np.cumsum(hits[::-1])[::-1], np.cumsum(misses[::-1])[::-1]
    negative, missed = misses.sum() - false, hits.sum() - positive
    small = 1e-12
    precision = positive / np.maximum(small, positive + false)
    recall = positive / np.maximum(small, positive + missed)
    return np.stack([positive, false, negative, missed, precision, recall])
