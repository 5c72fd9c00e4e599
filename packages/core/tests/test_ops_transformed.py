"""What holds for every case of every op under the transforms of ``lampas.func``."""

from __future__ import annotations

import warnings

import numpy as np
from case import is_float, results
from cases import ALL
from test_ops import SMOOTH, TWICE, over, tensors, values

import lampas
from lampas import func

STEP = 1e-6


def floats(case, arrays):
    """Which inputs are floating."""
    return [i for i, a in enumerate(arrays) if is_float(a)]


def of_floats(case, arrays):
    """The case as a function of its floating inputs; returns its floating outputs."""
    places = floats(case, arrays)

    def function(*given):
        full = tensors(arrays)
        for i, x in zip(places, given, strict=True):
            full[i] = x
        outs = results(case(*full))
        return tuple(o for o in outs if o.is_floating_point())

    return function, [lampas.from_numpy(arrays[i]) for i in places]


def directions_of(inputs, seed=2):
    rng = np.random.default_rng(seed)
    return tuple(
        lampas.from_numpy(np.array(rng.standard_normal(x.shape))) for x in inputs
    )


def differences(function, inputs, directions):
    """The central differences of every output along the directions."""
    ahead = function(*(x + STEP * d for x, d in zip(inputs, directions, strict=True)))
    behind = function(*(x - STEP * d for x, d in zip(inputs, directions, strict=True)))
    return [
        (values(a) - values(b)) / (2 * STEP) for a, b in zip(ahead, behind, strict=True)
    ]


def close(case, found, wanted, error):
    assert len(found) == len(wanted)
    for ours, right in zip(found, wanted, strict=True):
        np.testing.assert_allclose(
            values(ours), right, rtol=error, atol=error, err_msg=case.snippet("float64")
        )


@over(SMOOTH)
def test_forward_mode_gives_the_slope(case):
    function, inputs = of_floats(case, case.arrays("float64"))
    directions = directions_of(inputs)
    _, moved = func.jvp(function, tuple(inputs), directions)
    close(case, moved, differences(function, inputs, directions), 1e-6)


@over(TWICE)
def test_forward_over_reverse_gives_the_slope_of_the_gradient(case):
    function, inputs = of_floats(case, case.arrays("float64"))
    weights = directions_of(function(*inputs), seed=1)

    def gradient(*given):
        return func.vjp(function, *given)[1](weights)

    directions = directions_of(inputs, seed=3)
    _, moved = func.jvp(gradient, tuple(inputs), directions)
    close(case, moved, differences(gradient, inputs, directions), 1e-5)


def batched(function, in_dims, stacked):
    """``vmap``; what must look at values goes on by example, which is right too."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "vmap runs", RuntimeWarning)
        return results(func.vmap(function, in_dims)(*stacked))


def examples(case, count=3):
    """Inputs of several examples; those that are not floating are shared."""
    drawn = [case.arrays("float64", seed=seed) for seed in range(count)]
    same = [all(d[i].shape == a.shape for d in drawn) for i, a in enumerate(drawn[0])]
    return [
        [d[i] for d in drawn] if is_float(a) and same[i] else [a] * count
        for i, a in enumerate(drawn[0])
    ]


def check_batched(case, arguments, function, mapped):
    """``function`` over a batch is what it is for each example."""
    stacked = [
        lampas.from_numpy(np.stack(a)) if i in mapped else lampas.from_numpy(a[0])
        for i, a in enumerate(arguments)
    ]
    in_dims = tuple(0 if i in mapped else None for i in range(len(arguments)))
    found = batched(function, in_dims, stacked)
    alone = [
        results(
            function(
                *(
                    lampas.from_numpy(a[k if i in mapped else 0])
                    for i, a in enumerate(arguments)
                )
            )
        )
        for k in range(len(arguments[0]))
    ]
    for ours, *rights in zip(found, *alone, strict=True):
        right = np.stack([values(r) for r in rights])
        assert ours.dtype == rights[0].dtype
        np.testing.assert_allclose(
            values(ours), right, rtol=1e-12, atol=1e-12, err_msg=case.snippet("float64")
        )


def mappings(case, arguments):
    """All floating inputs batched, then each alone."""
    places = floats(case, [a[0] for a in arguments])
    wide = [{*places}, *({i} for i in places if len(places) > 1)]
    return [w for w in wide if w]


@over(ALL)
def test_vmap_gives_what_each_example_gives(case):
    arguments = examples(case)
    for mapped in mappings(case, arguments):
        check_batched(case, arguments, case, mapped)


@over(SMOOTH)
def test_vmap_of_the_gradient_gives_what_each_example_gives(case):
    arguments = examples(case)

    def gradient(*given):
        places = floats(case, [a[0] for a in arguments])

        def total(*chosen):
            full = list(given)
            for i, x in zip(places, chosen, strict=True):
                full[i] = x
            outs = [o for o in results(case(*full)) if o.is_floating_point()]
            return sum((o * o).sum() for o in outs)

        return func.grad(total, tuple(range(len(places))))(*(given[i] for i in places))

    for mapped in mappings(case, arguments)[:1]:
        check_batched(case, arguments, gradient, mapped)
