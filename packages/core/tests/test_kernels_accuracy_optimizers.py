"""Errors of optimizers' native steps are at most twice their references'.

After one step and after many: what a factor is rounded by adds up, and is no more than
a unit after one. Both are told by the references' formulas in float64, of parameters
that begin at zero, where nothing else is rounded, and of others.
"""

from __future__ import annotations

import numpy as np
import pytest
from test_kernels_elementwise import PATHS, setting
from test_kernels_optimize import ADAMS, OTHERS, SGDS, numbers_of

import lampas
from lampas import kernels
from lampas.backend import native

pytestmark = pytest.mark.skipif(
    native.extension is None, reason="the kernels were not built"
)
SHAPE = (23, 65)
STEPS = (1, 20)
MUONS = [{}, {"nesterov": False, "weight_decay": 0.1}]
ADAFACTORS = [{}, {"lr": 0.1, "weight_decay": 0.1, "maximize": True}]
ROWS = [
    *(("adam_step", "Adam", o) for o in ADAMS),
    *(("adam_step", "AdamW", o) for o in ADAMS),
    *(("sgd_step", "SGD", o) for o in SGDS),
    *((f"{name}_step", make, o) for name, make, o in OTHERS),
    *(("adafactor_step", "Adafactor", o) for o in ADAFACTORS),
    *(("muon_step", "Muon", o) for o in MUONS),
    ("sparse_adam_step", "SparseAdam", {}),
]


def states(optimizer, params):
    """Parameters, and the tensors of their states that are no single numbers."""
    for p in params:
        yield p.detach().numpy().copy()
        for kept in optimizer.state[p].values():
            if isinstance(kept, lampas.Tensor) and kept.numel() > 1:
                yield kept.numpy().copy()


def gradient(values, sparse):
    if not sparse:
        return lampas.tensor(values)
    rows = np.arange(0, len(values), 2)
    return lampas.sparse_coo_tensor(rows[None], values[rows], values.shape)


def after_steps(make, options, dtype):
    """What is there after each number of steps."""
    rng = np.random.default_rng(0)
    start = rng.standard_normal(SHAPE).astype(np.float32).astype(dtype)
    found = []
    with numbers_of(dtype):
        params = [lampas.nn.Parameter(lampas.tensor(a)) for a in (start, 0 * start)]
        optimizer = getattr(lampas.optim, make)(params, **options)
        for count in range(1, max(STEPS) + 1):
            for p in params:
                g = rng.standard_normal(SHAPE).astype(np.float32).astype(dtype)
                p.grad = gradient(g, make == "SparseAdam")
            optimizer.step()
            if count in STEPS:
                found.extend(states(optimizer, params))
    return found


def compare(results):
    """Fail where mean errors of what ``results(dtype)`` gives are too large."""
    with kernels.disabled():
        right, exact = results("float32"), results("float64")
    for path in PATHS:
        with setting(path):
            found = results("float32")
        for i, (ours, theirs, e) in enumerate(zip(found, right, exact, strict=True)):
            unit = np.abs(e).mean() * np.finfo(np.float32).eps
            errors = [np.abs(a - e).mean() / unit for a in (ours, theirs) if unit]
            assert not errors or errors[0] <= 2 * errors[1] + 0.1, (path, i, errors)


@pytest.mark.parametrize("kernel, make, options", ROWS, ids=str)
def test_mean_errors_of_steps(kernel, make, options):
    taken = kernels.report()[kernel][0]
    compare(lambda dtype: after_steps(make, options, dtype))
    assert kernels.report()[kernel][0] >= taken + (max(STEPS) - 1) * len(PATHS)


def test_mean_errors_of_lbfgs():
    rng = np.random.default_rng(0)
    weights = rng.random(SHAPE, np.float32) + 0.5
    middle = rng.standard_normal(SHAPE).astype(np.float32)

    def found(dtype):
        w, m = (lampas.tensor(a.astype(dtype)) for a in (weights, middle))
        p = lampas.nn.Parameter(lampas.zeros_like(w))
        optimizer = lampas.optim.LBFGS([p], max_iter=4)

        def closure():
            optimizer.zero_grad()
            loss = ((p - m) ** 2 * w + (p - m) ** 4).sum()
            loss.backward()
            return loss

        optimizer.step(closure)
        return [p.detach().numpy()]

    taken = kernels.report()["lbfgs_direction"][0]
    compare(found)
    assert kernels.report()["lbfgs_direction"][0] >= taken + 3 * len(PATHS)
