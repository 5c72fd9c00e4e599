"""Every differentiable record in forward mode and batched, those of gradients too.

The calls come from the cases: each is run, with its gradients up to the third order,
and what reaches a record is kept. Forward mode is held against the gradient, which
the cases test against differences: ``<J t, u> = <t, J^T u>``.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest
from case import results
from cases import ALL
from test_ops import cotangents, tensors

import lampas
from lampas import func
from lampas.engine.record import RECORDS, taped
from lampas.ops import _late
from lampas.ops.gamma_samples import sample_dirichlet, standard_gamma
from lampas.transform import examples

_late.load_all()
NAMES = sorted(name for name, r in RECORDS.items() if r.vjp_rule is not None)
# Ops of nests of transforms; what they do is tested by nesting.
OF_LEVELS = {
    "hide_batch",
    "join_examples",
    "put_example",
    "reveal_batch",
    "take_example",
}
# These derivatives have no closed form; PyTorch refuses them as well.
NOT_BY = {"igamma": {0}, "igammac": {0}, "zeta": {0}}
# Draws' slopes, of which PyTorch has no gradients either.
SLOPES = {"dirichlet_slope", "standard_gamma_slope"}
KEPT = 3


class Calls(dict):
    """The first calls of each record, with different parameters."""

    def note(self, name, args, params):
        known = self.setdefault(name, [])
        shapes = [getattr(a, "shape", a) for a in args]
        floats = (a for a in args if lampas.is_tensor(a) and a.dtype.category >= 2)
        floating = any(a.numel() for a in floats)
        if (
            len(known) < KEPT
            and floating
            and all(k[2] != (shapes, str(params)) for k in known)
        ):
            kept = [a.detach() if isinstance(a, lampas.Tensor) else a for a in args]
            known.append((kept, dict(params), (shapes, str(params))))


@functools.cache
def calls():
    """What the cases and their gradients call."""
    found = Calls()
    before = {name: r.call for name, r in RECORDS.items()}

    def watch(name, call):
        def watched(*args, **params):
            found.note(name, args, params)
            return call(*args, **params)

        return watched

    for name, call in before.items():
        RECORDS[name].call = watch(name, call)
        setattr(taped, name, RECORDS[name].call)
    try:
        for case in ALL:
            if case.grad:
                _differentiate(case, tensors(case.arrays("float64"), grad=True))
        for program in (_dropped, _moved, _changed_in_place, _recurrent):
            x = lampas.randn(3, 4, dtype=lampas.float64, requires_grad=True)
            _differentiate(program, [x])
        for program in (standard_gamma, sample_dirichlet):
            x = lampas.rand(3, 4, dtype=lampas.float64) + 0.5
            _differentiate(program, [x.requires_grad_()], orders=1)
    finally:
        for name, call in before.items():
            RECORDS[name].call = call
            setattr(taped, name, call)
    return found


def _dropped(x):
    return lampas.nn.functional.dropout(x, 0.5)


def _moved(x):
    return RECORDS["move"].call(x, device=x.device, source=x.device)


def _changed_in_place(x):
    steps = x.clone()[1]._view.steps
    return RECORDS["replace_view"].call(x, x[0] * 2, steps=steps)


def _recurrent(x):
    return lampas.nn.LSTM(4, 2, dtype=lampas.float64)(x)[0]


def _differentiate(function, inputs, orders=3):
    leaves = [x for x in inputs if x.requires_grad]
    outs = [o for o in results(function(*inputs)) if o.requires_grad]
    for order in range(orders):
        outs = [o for o in outs if o is not None and o.requires_grad]
        if not outs:
            return
        graph = order < orders - 1
        outs = lampas.autograd.grad(
            [(o * o).sum() for o in outs], leaves, create_graph=graph, allow_unused=True
        )


def of_floats(name, args, params):
    """The record as a function of its floating operands, and these."""
    places = [
        i
        for i, a in enumerate(args)
        if isinstance(a, lampas.Tensor)
        and a.dtype.category >= 2
        and a.numel()
        and i not in NOT_BY.get(name, ())
    ]

    def function(*given):
        full = list(args)
        for i, x in zip(places, given, strict=True):
            full[i] = x
        outs = results(RECORDS[name].call(*full, **params))
        return tuple(o for o in outs if o.dtype.category >= 2)

    return function, [args[i] for i in places]


def dot(xs, ys):
    """The real inner product of lists of tensors."""
    pairs = zip(xs, ys, strict=True)
    return sum(float((x.numpy() * y.numpy().conj()).real.sum()) for x, y in pairs)


def drawn(tensors_, seed):
    made = cotangents(tensors_, seed)
    return [d.to(x.dtype) for d, x in zip(made, tensors_, strict=True)]


@pytest.mark.parametrize("name", sorted(set(NAMES) - OF_LEVELS - SLOPES))
def test_forward_mode_is_the_transpose_of_the_gradient(name):
    assert calls().get(name), f"no case reaches {name}"
    for args, params, _ in calls()[name]:
        function, inputs = of_floats(name, args, params)
        outs, pull = func.vjp(function, *inputs)
        us, ts = drawn(outs, 1), drawn(inputs, 2)
        _, moved = func.jvp(function, tuple(inputs), tuple(ts))
        left, right = dot(moved, us), dot(ts, pull(tuple(us)))
        np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", sorted(set(NAMES) - OF_LEVELS - SLOPES))
def test_a_batch_is_what_its_examples_are(name):
    assert calls().get(name), f"no case reaches {name}"
    for args, params, _ in calls()[name]:
        function, inputs = of_floats(name, args, params)
        batches = [lampas.stack([x, x * 1.25, x * 0.75]) for x in inputs]
        for mapped in _choices(len(inputs)):
            given = [b if i in mapped else b[0] for i, b in enumerate(batches)]
            dims = tuple(0 if i in mapped else None for i in range(len(inputs)))
            found = func.vmap(function, dims)(*given)
            for k in range(3):
                one = [b[k] if i in mapped else b[0] for i, b in enumerate(batches)]
                for ours, right in zip(found, function(*one), strict=True):
                    np.testing.assert_allclose(
                        ours[k].numpy(), right.numpy(), rtol=1e-12, atol=1e-12
                    )


def _choices(count):
    """All operands batched, then each alone."""
    alone = [{i} for i in range(count)] if count > 1 else []
    return [set(range(count)), *alone]


def test_examples_taken_and_put_are_transposes():
    assert {name for name in NAMES if name in vars(examples)["__all__"]} <= OF_LEVELS
    x = lampas.randn(4, 3, dtype=lampas.float64)
    index = lampas.tensor([2, 0, 1, 1])
    pick = func.vmap(func.grad(lambda x, i: (x[i] ** 3).sum()))(x, index)
    wanted = np.zeros((4, 3))
    wanted[range(4), index.numpy()] = 3 * x.numpy()[range(4), index.numpy()] ** 2
    np.testing.assert_allclose(pick.numpy(), wanted, rtol=1e-12)
    moved = func.vmap(
        lambda x, i: func.jvp(lambda x: x[i] ** 3, (x,), (lampas.ones_like(x),))[1]
    )(x, index)
    np.testing.assert_allclose(moved.numpy(), wanted.sum(1), rtol=1e-12)
