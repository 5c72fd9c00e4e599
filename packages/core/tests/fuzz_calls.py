"""Calls of native kernels: those of the cases of all ops, and of some programs."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from case import Case, results
from cases import ALL

import lampas
import lampas.ops
from lampas import kernels, nn
from lampas.engine.record import RECORDS

KEPT = 4  # calls of one kernel


@dataclasses.dataclass(frozen=True)
class Call:
    """Operands (arrays, numbers or None) and parameters of one call of a kernel."""

    operands: tuple[Any, ...]
    params: dict[str, Any]

    @property
    def key(self) -> str:
        """What two calls of the same form have in common."""
        return str((changed(form_of, self.operands), changed(form_of, self.params)))


def changed(change: Callable[[np.ndarray], Any], value: Any) -> Any:
    """``value`` with ``change`` of each array in it."""
    if isinstance(value, np.ndarray):
        return change(value)
    if isinstance(value, (tuple, list)):
        made = [changed(change, v) for v in value]
        return type(value)(*made) if hasattr(value, "_fields") else type(value)(made)
    if isinstance(value, dict):
        return {k: changed(change, v) for k, v in value.items()}
    return value


def arrays_in(value: Any) -> list[np.ndarray]:
    """The arrays in operands or parameters."""
    found: list[np.ndarray] = []
    changed(found.append, value)
    return found


def form_of(array: np.ndarray) -> str:
    """The part of an array that is no value."""
    return f"{array.dtype}{array.shape}"


def _attention(heads: int, queries: int, keys: int, width: int) -> lampas.Tensor:
    q, k, v = (
        lampas.randn(1, heads, n, width).requires_grad_() for n in (queries, keys, keys)
    )
    return nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)


def _recurrent(kind: str, steps: int, batch: int, size: int, **more: Any) -> Any:
    layer = getattr(nn, kind)(size, size, **more)
    return layer(lampas.randn(steps, batch, size, requires_grad=True))[0]


def _embedding(rows: int, width: int) -> lampas.Tensor:
    table = lampas.randn(rows, width, requires_grad=True)
    return nn.functional.embedding(lampas.randint(0, rows, (2, 9)), table)


def _listed(rows: int, width: int) -> lampas.Tensor:
    table = lampas.randn(rows, width, requires_grad=True)
    index = lampas.randint(0, rows, (2, 9))
    found = nn.functional.embedding(index, table, sparse=True)
    (found * lampas.randn(2, 9, width)).sum().backward()
    return table.grad.coalesce()  # type: ignore[union-attr]


def _dropped(*shape: int) -> lampas.Tensor:
    return nn.functional.dropout(lampas.randn(*shape, requires_grad=True), 0.5)


def _between(*shape: int) -> lampas.Tensor:
    x, low, high = (lampas.randn(*shape, requires_grad=True) for _ in range(3))
    return x.clamp(low, high)


def _copied(*shape: int) -> list[lampas.Tensor]:
    x = lampas.randn(*shape)
    return [x.clone(), x.mT.contiguous(), x.mT.reshape(-1)]


def _convolved(inside: int, outside: int, *sides: int) -> lampas.Tensor:
    x = lampas.randn(2, inside, *sides, requires_grad=True)
    return nn.Conv2d(inside, outside, 3, padding=1)(x)


def _sampled(*sides: int) -> lampas.Tensor:
    """The slope by the points, whose gradients are sums of their own."""
    x = lampas.randn(2, 3, *sides, requires_grad=True)
    points = lampas.rand(2, 4, 5, 2, requires_grad=True)
    y = nn.functional.grid_sample(x, points, align_corners=False)
    return lampas.autograd.grad(y.square().sum(), points, create_graph=True)[0]


SEEDS: list[Callable[[], Any]] = [
    functools.partial(_copied, 3, 200, 330),
    *[functools.partial(_attention, *s) for s in ((1, 5, 5, 4), (9, 3, 40, 8))],
    functools.partial(_recurrent, "LSTM", 3, 2, 5),
    functools.partial(_recurrent, "LSTM", 2, 9, 8, proj_size=3),
    functools.partial(_recurrent, "GRU", 3, 4, 17),
    functools.partial(_recurrent, "RNN", 3, 4, 9),
    functools.partial(_embedding, 30, 7),
    functools.partial(_listed, 7, 5),
    functools.partial(_dropped, 5, 7),
    functools.partial(_between, 3, 9),
    functools.partial(_sampled, 6, 7),
    *[functools.partial(_convolved, *s) for s in ((3, 1, 9, 8), (8, 8, 6, 5))],
]
"""Programs that call kernels as no case does: of fused sizes, or large ones."""


def _differentiate(outs: list[Any], leaves: list[Any], twice: bool) -> None:
    outs = [o for o in outs if lampas.is_tensor(o) and o.requires_grad]
    if not outs:
        return
    slopes = [lampas.randn(o.shape, dtype=o.dtype) for o in outs]
    how = {"allow_unused": True, "create_graph": twice}
    found = lampas.autograd.grad(outs, leaves, slopes, **how)
    if twice:
        _differentiate(list(found), leaves, False)


def _run(case: Case, twice: bool) -> None:
    made = [lampas.from_numpy(a) for a in case.arrays("float32")]
    if case.grad:
        made = [x.requires_grad_() if x.is_floating_point() else x for x in made]
    leaves = [x for x in made if x.requires_grad]
    _differentiate(results(case(*made)), leaves, twice)


def _run_all(found: dict[str, list[Call]]) -> None:
    for seed in SEEDS:
        for out in results(seed()):
            if out.requires_grad:
                out.sum().backward()
    for case in ALL:
        _run(case, twice=False)
    # Some are called by gradients of gradients only.
    for case in ALL:
        if case.second and not all(found.values()):
            _run(case, twice=True)


def _watched(name: str, host: Callable[..., Any], found: dict[str, list[Call]]) -> Any:
    known = {call.key for call in found[name]}

    def watched(*operands: Any, **params: Any) -> Any:
        if len(known) < KEPT:
            call = Call(operands, params)
            if call.key not in known:
                known.add(call.key)
                kept = changed(np.copy, operands), changed(np.copy, params)
                found[name].append(Call(*kept))
        return host(*operands, **params)

    return watched


@functools.cache
def helpers() -> dict[str, Callable[..., Any]]:
    """The kernels of functions of ``lampas.ops`` that are no records."""
    for module in pkgutil.iter_modules(lampas.ops.__path__):
        importlib.import_module(f"lampas.ops.{module.name}")
    kind, found = type(RECORDS["exp"].on_host), {}
    for name, module in list(sys.modules.items()):
        if name.startswith("lampas.ops."):
            found |= {v.__name__: v for v in vars(module).values() if type(v) is kind}
    return {name: v for name, v in found.items() if name not in RECORDS}


def host_of(name: str) -> Callable[..., Any]:
    """What calls the kernel."""
    return RECORDS[name].on_host if name in RECORDS else helpers()[name]


@contextlib.contextmanager
def watching(found: dict[str, list[Call]]) -> Iterator[None]:
    """Note in ``found`` the calls of its kernels inside the block."""
    records = [RECORDS[name] for name in found if name in RECORDS]
    for record in records:
        host = _watched(record.name, record.on_host, found)
        record._on_host = lambda host=host: host  # type: ignore[method-assign]
        record._publish()
    swaps = {id(helpers()[n]): _watched(n, helpers()[n], found) for n in helpers()}
    places = [
        (module, key, value)
        for name, module in list(sys.modules.items())
        if name.startswith("lampas.")
        for key, value in list(vars(module).items())
        if id(value) in swaps
    ]
    for module, key, value in places:
        setattr(module, key, swaps[id(value)])
    try:
        yield
    finally:
        for module, key, value in places:
            setattr(module, key, value)
        for record in records:
            del record._on_host
            record._publish()


@functools.cache
def calls() -> dict[str, list[Call]]:
    """Calls of each kernel, with different shapes or parameters."""
    helpers()
    found: dict[str, list[Call]] = {
        name: [] for name in kernels.report() if name in RECORDS or name in helpers()
    }
    with watching(found):
        lampas.manual_seed(0)
        _run_all(found)
    return found
