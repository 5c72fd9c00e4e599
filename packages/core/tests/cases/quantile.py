"""Cases of ``lampas.ops.quantile``; oracles sort and count with Python's lists."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
from case import Case, apart, given, integers


def rank(values, q, interpolation="linear"):
    at = q * (len(values) - 1)
    low, high = values[math.floor(at)], values[math.ceil(at)]
    part = at - math.floor(at)
    return {
        "linear": low + part * (high - low),
        "lower": low,
        "higher": high,
        "midpoint": (low + high) / 2,
        "nearest": values[round(at)],
    }[interpolation]


def quantile(x, q, dim=None, keepdim=False, **params):
    levels = np.atleast_1d(q)
    shape = x.shape
    x = x.reshape(-1) if dim is None else np.moveaxis(x, dim, -1)
    rows = x.reshape(-1, x.shape[-1])

    def one(row, level):
        row = sorted(v for v in row.tolist() if not math.isnan(v))
        return rank(row, level, **params)

    found = np.array([[one(row, level) for row in rows] for level in levels])
    found = found.reshape(len(levels), *x.shape[:-1])
    if keepdim:
        kept = [1 if dim in (None, i) else s for i, s in enumerate(shape)]
        found = found.reshape(len(levels), *kept)
    return found if np.ndim(q) else found[0]


def chosen(pick):
    """The element of each row at the position that ``pick`` says."""

    def oracle(x, dim=-1, keepdim=False):
        rows = np.moveaxis(x, dim, -1)
        flat = rows.reshape(-1, rows.shape[-1]).tolist()
        at = [pick(row) for row in flat]
        shape = rows.shape[:-1]
        values = np.array([row[k] for row, k in zip(flat, at)]).reshape(shape)
        index = np.array(at).reshape(shape)
        if keepdim:
            return np.expand_dims(values, dim), np.expand_dims(index, dim)
        return values, index

    return oracle


def middle(row):
    order = sorted((v, k) for k, v in enumerate(row) if not math.isnan(v))
    return order[(len(order) - 1) // 2][1]


def commonest(row):
    counts = Counter(row)
    best = min(counts, key=lambda v: (-counts[v], v))
    return max(k for k, v in enumerate(row) if v == best)


HOLED = given([[0.5, math.nan, 2.0, -1.0], [math.nan, 3.0, 1.0, 0.0]])
X = apart((3, 4))
WIDE = ("float64", "float32")


def case(op, inputs, **params):
    return Case(op, inputs, quantile, params, dtypes=WIDE)


CASES = [
    case("quantile", X, q=0.3),
    case("quantile", X, q=0.5, dim=0),
    case("quantile", X, q=0.8, dim=1, keepdim=True),
    case("quantile", X, q=0.25, keepdim=True),
    *(
        case("quantile", X, q=0.4, dim=1, interpolation=name)
        for name in ("linear", "lower", "higher", "midpoint", "nearest")
    ),
    case("quantile", apart(()), q=0.4),
    Case(
        "quantile",
        lambda rng: [*X(rng), np.array([0.1, 0.7])],
        quantile,
        {"dim": 0},
        dtypes=WIDE,
    ),
    Case("nanquantile", HOLED, quantile, {"q": 0.4, "dim": 1}, dtypes=WIDE, grad=False),
    case("nanquantile", X, q=0.4, dim=0, keepdim=True),
    Case("nanmedian", HOLED, chosen(middle), {"dim": 1}, tol="exact", grad=False),
    Case("nanmedian", X, chosen(middle), {"dim": 0, "keepdim": True}, tol="exact"),
    Case("nanmedian", apart(()), lambda x, dim: (x, np.array(0)), {"dim": 0}),
    Case("nanmedian", X, lambda x: np.array(np.sort(x.ravel())[5]), tol="exact"),
    Case("mode", integers(0, 3, (4, 7)), chosen(commonest), tol="exact"),
    Case("mode", integers(0, 2, (5, 2)), chosen(commonest), {"dim": 0}, tol="exact"),
    Case("mode", X, chosen(commonest), {"dim": 1, "keepdim": True}, tol="exact"),
    Case("mode", apart(()), lambda x: (x, np.array(0))),
]
