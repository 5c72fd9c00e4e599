"""What holds for every case of every op; the cases stand in ``cases/``."""

from __future__ import annotations

import contextlib
import dataclasses

import numpy as np
import pytest
from case import Case, is_float, results
from cases import ALL, FAMILIES

import lampas
from lampas import kernels
from lampas.engine.infer import Spec
from lampas.engine.record import RECORDS

EPSILON = 1e-6
# Native kernels and their references: both must give what the oracles say.
WAYS = [contextlib.nullcontext]
if kernels.is_available():
    WAYS.append(kernels.disabled)


def _ids(cases):
    seen, ids = {}, []
    for case in cases:
        label = case.label()
        seen[label] = seen.get(label, 0) + 1
        ids.append(label if seen[label] == 1 else f"{label}-{seen[label]}")
    return ids


def over(cases):
    return pytest.mark.parametrize("case", cases, ids=_ids(cases))


FLOATING = [c for c in ALL if any(map(is_float, c.arrays("float64")))]
FORWARD = [(c, d) for c in ALL for d in (c.dtypes if c in FLOATING else ("float64",))]
SMOOTH = [c for c in FLOATING if c.grad]
TWICE = [c for c in SMOOTH if c.second]
ELEMENTWISE = [c for c in ALL if c.elementwise]


def tensors(arrays, grad=False):
    made = [lampas.from_numpy(a) for a in arrays]
    return [t.requires_grad_() if grad and t.is_floating_point() else t for t in made]


def values(tensor):
    array = tensor.numpy(force=True)
    return array.astype(np.float64) if is_float(array) else array


def check(case, dtype, arrays, expected=None):
    """The op on these arrays gives what the oracle says, with kernels and without."""
    wanted = case.expected(arrays) if expected is None else expected
    for way in WAYS:
        with way():
            compare(case, dtype, results(case(*tensors(arrays))), wanted)


def compare(case, dtype, got, wanted):
    """These results are what the oracle says."""
    assert len(got) == len(wanted), case.snippet(dtype)
    for ours, right in zip(got, wanted, strict=True):
        name = ours.dtype.name if ours.is_floating_point() else dtype
        error = max(case.tolerance(dtype), case.tolerance(name))
        ours = values(ours)
        assert ours.shape == right.shape, case.snippet(dtype)
        np.testing.assert_allclose(
            ours, right, rtol=error, atol=error, err_msg=case.snippet(dtype)
        )


@pytest.mark.parametrize(
    ("case", "dtype"), FORWARD, ids=[f"{c.label()}-{d}" for c, d in FORWARD]
)
def test_forward_gives_what_the_oracle_says(case, dtype):
    check(case, dtype, case.arrays(dtype))


@over(ALL)
def test_inputs_are_left_as_they_were(case):
    arrays = case.arrays("float32")
    before = [a.copy() for a in arrays]
    case(*tensors(arrays))
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)


def _every_second(array):
    wide = np.repeat(array, 2, axis=-1) if array.ndim else array
    return wide[..., ::2] if array.ndim else wide


def _from_the_end(array):
    return array[..., ::-1].copy()[..., ::-1] if array.ndim else array


@pytest.mark.parametrize("layout", [np.asfortranarray, _every_second, _from_the_end])
@over(ALL)
def test_strides_do_not_matter(case, layout):
    arrays = case.arrays("float64")
    check(case, "float64", [layout(a) if a.ndim else a for a in arrays])


@over(ELEMENTWISE)
def test_no_elements_give_none(case):
    empty = [a[:0] for a in case.arrays("float32")]
    shape = np.broadcast_shapes(*(a.shape for a in empty))
    assert case(*tensors(empty)).shape == shape


@over(ELEMENTWISE)
def test_no_dimensions_give_a_tensor(case):
    one = [np.array(a.ravel()[0]) for a in case.arrays("float64")]
    check(case, "float64", one)


def cotangents(outs, seed=1):
    rng = np.random.default_rng(seed)
    return [lampas.from_numpy(np.array(rng.standard_normal(o.shape))) for o in outs]


def differentiable(case, arrays):
    """The outputs that have a gradient."""
    outs = results(case(*tensors(arrays, grad=True)))
    return [i for i, out in enumerate(outs) if out.requires_grad]


def moved(arrays, directions, step):
    return [
        a if d is None else np.asarray(a + step * d)
        for a, d in zip(arrays, directions, strict=True)
    ]


def random_directions(arrays, seed=2):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(a.shape) if is_float(a) else None for a in arrays]


def slope(function, arrays, directions):
    """The central difference of a scalar function along the directions."""
    ahead = function(moved(arrays, directions, EPSILON))
    behind = function(moved(arrays, directions, -EPSILON))
    return (ahead - behind) / (2 * EPSILON)


def along(grads, directions):
    """The same slope from the gradients."""
    pairs = [(g, d) for g, d in zip(grads, directions, strict=True) if d is not None]
    return sum(float((values(g) * d).sum()) for g, d in pairs if g is not None)


def gradients(case, arrays, weights, create_graph=False):
    """The gradients of the weighted sum of the outputs, None for integer inputs."""
    ins = tensors(arrays, grad=True)
    outs = [o for o in results(case(*ins)) if o.requires_grad]
    floating = [x for x in ins if x.requires_grad]
    found = iter(
        lampas.autograd.grad(
            outs, floating, weights, create_graph=create_graph, allow_unused=True
        )
    )
    return ins, [next(found) if x.requires_grad else None for x in ins]


def weighted_sum(case, chosen, weights):
    def function(arrays):
        outs = results(case(*tensors(arrays)))
        pairs = zip(chosen, weights, strict=True)
        return sum(float((values(outs[i]) * values(w)).sum()) for i, w in pairs)

    return function


@pytest.mark.parametrize("taped", [False, True], ids=["raw", "taped"])
@over(SMOOTH)
def test_gradient_is_the_slope(case, taped):
    arrays = case.arrays("float64")
    chosen = differentiable(case, arrays)
    assert chosen, f"{case.op} recorded nothing"
    outs = results(case(*tensors(arrays)))
    weights = cotangents([outs[i] for i in chosen])
    directions = random_directions(arrays)
    wanted = slope(weighted_sum(case, chosen, weights), arrays, directions)
    for way in WAYS:
        with way():
            _, grads = gradients(case, arrays, weights, create_graph=taped)
        for g, array in zip(grads, arrays, strict=True):
            assert g is None or g.shape == array.shape
        np.testing.assert_allclose(
            along(grads, directions),
            wanted,
            rtol=1e-6,
            atol=1e-6,
            err_msg=case.snippet("float64"),
        )


@over(TWICE)
def test_gradient_of_the_gradient_is_its_slope(case):
    arrays = case.arrays("float64")
    outs = [results(case(*tensors(arrays)))[i] for i in differentiable(case, arrays)]
    weights = cotangents(outs)
    second = random_directions(arrays, seed=3)

    def first(at):
        return along(gradients(case, at, weights)[1], second)

    ins, grads = gradients(case, arrays, weights, create_graph=True)
    pairs = [(g, d) for g, d in zip(grads, second, strict=True) if g is not None]
    inner = sum((g * lampas.from_numpy(np.array(d))).sum() for g, d in pairs)
    found = [None] * len(ins)
    if inner.requires_grad:
        floating = [i for i, x in enumerate(ins) if x.requires_grad]
        twice = lampas.autograd.grad(
            inner, [ins[i] for i in floating], allow_unused=True
        )
        for i, g in zip(floating, twice, strict=True):
            found[i] = g
    directions = random_directions(arrays)
    np.testing.assert_allclose(
        along(found, directions),
        slope(first, arrays, directions),
        rtol=1e-5,
        atol=1e-5,
        err_msg=case.snippet("float64"),
    )


# ---- records


@dataclasses.dataclass
class Seen:
    """A call of a record."""

    record: object
    args: tuple
    params: dict
    result: object


@contextlib.contextmanager
def watched_records():
    """Note every call of a record by a public function inside the block."""
    calls, before = [], {name: r.call for name, r in RECORDS.items()}

    def watch(record, call):
        def watched(*args, **params):
            result = call(*args, **params)
            calls.append(Seen(record, args, params, result))
            return result

        return watched

    try:
        for name, record in RECORDS.items():
            record.call = watch(record, before[name])
        yield calls
    finally:
        # A call may have loaded modules with records of their own.
        for name, call in before.items():
            RECORDS[name].call = call


def spec(tensor):
    array = tensor.numpy(force=True)
    return Spec(array.shape, array.dtype)


@over(ALL)
def test_shape_rule_gives_the_shape(case):
    arrays = case.arrays("float64")
    with watched_records() as calls:
        case(*tensors(arrays))
    for seen in calls:
        inputs = [a for a in seen.args if isinstance(a, lampas.Tensor)]
        listed = any(x.is_sparse for x in inputs)
        if seen.record.infer is None or len(inputs) != len(seen.args) or listed:
            continue
        said = seen.record.infer([spec(x) for x in inputs], **seen.params)
        said = [said] if isinstance(said, Spec) else list(said)
        shapes = [tuple(s.shape) for s in said]
        assert shapes == [tuple(r.shape) for r in results(seen.result)], seen.record


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_record_of_a_family_is_reached_by_a_case(family):
    """Rules count too: what a gradient uses is reached through it."""
    mine = {
        record.name
        for record in RECORDS.values()
        if record.forward_rule.__module__ == f"lampas.ops.{family}"
    }
    reached = set()
    for case in FAMILIES[family].CASES:
        arrays = case.arrays("float64")
        with watched_records() as calls:
            out = results(case(*tensors(arrays, grad=case.grad)))
        reached |= {seen.record.name for seen in calls}
        reached |= _behind(out)
    assert mine - reached == set()


def _behind(outs):
    """The names of the ops that two backward passes over the outputs record."""
    names = set()
    for _ in range(3):
        roots = [o for o in outs if o is not None and o.requires_grad]
        if not roots:
            break
        total = sum((o * o).sum() for o in roots)
        names |= _names(total.grad_fn)
        leaves = _leaves(total.grad_fn)
        if not leaves:
            break
        outs = lampas.autograd.grad(total, leaves, create_graph=True, allow_unused=True)
    return names


def _nodes(root):
    nodes, seen = [root], set()
    while nodes:
        node = nodes.pop()
        if node is not None and id(node) not in seen:
            seen.add(id(node))
            nodes.extend(node.parents)
            yield node


def _names(root):
    calls = [getattr(node, "call", None) for node in _nodes(root)]
    return {call.record.name for call in calls if call is not None}


def _leaves(root):
    found = [node.variable for node in _nodes(root) if hasattr(node, "variable")]
    return [leaf for leaf in found if leaf is not None]


def test_labels_name_cases():
    assert all(isinstance(case, Case) and callable(case.function) for case in ALL)
