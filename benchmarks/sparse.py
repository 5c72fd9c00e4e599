"""Products of a graph's sparse adjacency and its nodes' features, beside PyTorch's.

python benchmarks/sparse.py --only forward
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from _side_by_side import Program, report

GRAPHS = {"100k nodes": (100_000, 1_000_000, 64), "cora": (2_708, 10_000, 16)}


def _graph(m: ModuleType, nodes: int, edges: int, width: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    places = m.from_numpy(rng.integers(0, nodes, (2, edges)))
    values = m.from_numpy(rng.standard_normal(edges).astype(np.float32))
    features = rng.standard_normal((nodes, width)).astype(np.float32)
    adjacency = m.sparse_coo_tensor(places, values, (nodes, nodes)).coalesce()
    return adjacency, m.from_numpy(features)


def _forward(*size: int) -> Program:
    def program(m: ModuleType) -> Callable[[], object]:
        adjacency, features = _graph(m, *size)
        return lambda: m.sparse.mm(adjacency, features)

    return program


def _step(*size: int) -> Program:
    """Forward and backward, to the features."""

    def program(m: ModuleType) -> Callable[[], object]:
        adjacency, features = _graph(m, *size)
        features.requires_grad_()

        def step() -> None:
            features.grad = None
            m.sparse.mm(adjacency, features).sum().backward()

        return step

    return program


PROGRAMS = {
    f"{what} {name}": make(*size)
    for name, size in GRAPHS.items()
    for what, make in (("forward", _forward), ("step", _step))
}

if __name__ == "__main__":
    report(__doc__ or "", PROGRAMS)
