"""The cost of a call, as a ratio to NumPy's own in the same run."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.budget


@pytest.fixture(scope="module")
def costs(root):
    """The figures of benchmarks/overhead.py; the better of two tries for each."""
    sys.path.insert(0, str(root / "benchmarks"))
    try:
        from overhead import call_costs  # noqa: PLC0415 - benchmarks are no package
    finally:
        sys.path.pop(0)
    tries = [call_costs() for _ in range(2)]
    return {name: min(t[name] for t in tries) for name in tries[0]}


@pytest.mark.parametrize("kind", ["tensor", "parameter"])
@pytest.mark.parametrize("op", ["exp", "mul"])
@pytest.mark.parametrize(("mode", "limit"), [("plain", 3.0), ("recorded", 4.0)])
def test_call_is_within_budget(costs, op, kind, mode, limit):
    assert costs[f"{op} {kind} {mode}"] <= limit
