"""The op record: all that is known of one operation, and the table of all records.

A record is made by :func:`op` and filled by its decorators (``forward``, ``vjp``,
``jvp``, ``batch``, ``onnx``, ``kernel``). Interpreters read its slots: the call path,
the tape and, above this layer, transforms and exporters.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from lampas.backend import sim
from lampas.backend.native import bind

__all__ = [
    "ALONG_AXIS",
    "BILINEAR",
    "DECLINE",
    "ELEMENTWISE",
    "LINEAR",
    "OPAQUE",
    "RECORDS",
    "REDUCTION",
    "SHAPE",
    "Call",
    "Record",
    "op",
    "raw_namespace",
    "taped",
]

ELEMENTWISE = "elementwise"
LINEAR = "linear"
BILINEAR = "bilinear"
REDUCTION = "reduction"
ALONG_AXIS = "along_axis"
SHAPE = "shape"
OPAQUE = "opaque"

RECORDS: dict[str, Record] = {}

DECLINE = object()
"""What a kernel returns when it leaves the work to the next one or the reference."""

taped = types.SimpleNamespace()
"""Namespace F of rules whose operands are Tensors; filled as records are made."""

_raw: dict[Any, types.SimpleNamespace] = {np: types.SimpleNamespace()}


def raw_namespace(xp: Any) -> types.SimpleNamespace:
    """Namespace F of rules whose operands are arrays of module ``xp``."""
    found = _raw.get(xp)
    if found is None:
        found = _raw[xp] = types.SimpleNamespace()
        for record in RECORDS.values():
            setattr(found, record.name, record.runner(xp))
    return found


class Call:
    """What is the same for many nodes of one op: its rule and how it was called.

    Attributes:
        record: the op.
        need: which inputs need a gradient.
        params: the keyword parameters.
        half: the half-precision dtype in which the op was called, or None.
    """

    __slots__ = ("fresh", "half", "need", "params", "record", "vjp")

    def __init__(
        self,
        record: Record,
        need: tuple[bool, ...],
        params: dict[str, Any],
        half: Any = None,
    ) -> None:
        self.record = record
        self.need = need
        self.params = params
        self.half = half
        self.vjp = record.vjp_rule
        self.fresh = record.fresh


class Record:
    """One operation: its reference, gradient, shape rule and other slots.

    Attributes:
        name: the unique name, also that of the rule-language function ``F.name``.
        kind: how outputs depend on inputs; other rules are derived from it.
        inputs: names of the array inputs; a final ``*xs`` takes any number.
        outputs: 1, or the number of outputs, or None for a tuple of any length.
        saves: tokens of what the gradient needs: ``x`` an input, ``y`` the output,
            ``y0`` one of several, ``x.shape``; ``x?1`` only if input 1 has a gradient.
        promote: ``"promote"`` brings the inputs to one dtype, ``"float"`` also makes
            integers floating, None leaves dtypes alone.
        widen: compute half precision in float32 and round once.
        view: the output may share the input's memory.
        fresh: no gradient that ``vjp`` returns shares memory with anything else.
        infer: ``infer(specs, **params)`` gives output shapes and dtypes.
        autocast: what :mod:`engine.autocast` casts the inputs to: ``"half"``,
            ``"float"`` or, as outside of it, ``"promote"``; ``"float:cuda"`` is for
            one device only.
    """

    def __init__(self, name: str, kind: str, **slots: Any) -> None:
        self.name = name
        self.kind = kind
        self.ufunc: str | None = slots.pop("ufunc")
        self.saves: tuple[str, ...] = tuple(slots.pop("saves").split())
        self.outputs: int | None = slots.pop("outputs")
        self.promote: str | None = slots.pop("promote")
        self.widen: bool = slots.pop("widen")
        self.view: bool = slots.pop("view")
        self.fresh: bool = slots.pop("fresh")
        self.infer: Callable[..., Any] | None = slots.pop("infer")
        self.expr: str | None = slots.pop("expr")
        self.autocast: str = slots.pop("autocast")
        self.inputs: tuple[str, ...] = ()
        self.variadic = False
        self.parametric = False
        # Whether the forward of a ufunc says more than that: of complex numbers, say.
        self.refined = False
        self.kernels: list[Callable[..., Any]] = []
        self.on_host: Callable[..., Any] = self._unfinished
        self.forward_rule: Callable[..., Any] | None = None
        self.vjp_rule: Callable[..., Any] | None = None
        self.jvp_rule: Callable[..., Any] | None = None
        self.batch_rule: Callable[..., Any] | None = None
        self.onnx_rule: Callable[..., Any] | str | None = None
        self.call: Callable[..., Any] = self._unfinished
        self.plan: Any = None
        self.calls: dict[tuple[bool, ...], Call] = {}

    def _unfinished(self, *args: Any, **params: Any) -> Any:
        raise TypeError(f"op {self.name!r} has no forward")

    def __call__(self, *args: Any, **params: Any) -> Any:
        return self.call(*args, **params)

    def __repr__(self) -> str:
        return f"<op {self.name} ({', '.join(self.inputs)})>"

    def call_for(
        self, need: tuple[bool, ...], params: dict[str, Any], half: Any = None
    ) -> Call:
        """The Call of these settings; shared where there are no parameters."""
        if params or half is not None:
            return Call(self, need, params, half)
        found = self.calls.get(need)
        if found is None:
            found = self.calls[need] = Call(self, need, params)
        return found

    def forward(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Register the reference ``forward(xp, *arrays, **params)``."""
        # Read from the code object: inspect.signature on every op slows the import.
        code = rule.__code__
        self.variadic = bool(code.co_flags & inspect.CO_VARARGS)
        names = code.co_varnames
        self.inputs = names[1 : code.co_argcount]
        if self.variadic:
            self.inputs += (names[code.co_argcount + code.co_kwonlyargcount],)
        self.parametric = code.co_kwonlyargcount > 0
        self.refined = self.ufunc is not None and self.forward_rule is not None
        self.forward_rule = rule
        self._publish()
        return rule

    def _publish(self) -> None:
        self.calls.clear()
        RECORDS[self.name] = self
        self.on_host = self._on_host()
        self.call = CALL_PATH[0](self)
        setattr(taped, self.name, self.call)
        for xp, space in _raw.items():
            setattr(space, self.name, self.runner(xp))
        for notice in PUBLISHED:
            notice(self)

    def runner(self, xp: Any) -> Callable[..., Any]:
        """The op on arrays of ``xp``, as directly as its kernels allow."""
        if self.kernels:
            return partial(self.run, xp)
        if xp is not np:
            return partial(self.forward_rule, xp)  # type: ignore[arg-type]
        return self.on_host

    def _on_host(self) -> Callable[..., Any]:
        """The op on NumPy's arrays: its native kernel, the ufunc, or the reference."""
        if self.ufunc:
            return bind(self.name, getattr(np, self.ufunc))
        return bind(self.name, partial(self.forward_rule, np))  # type: ignore[arg-type]

    def run(self, xp: Any, *arrays: Any, **params: Any) -> Any:
        """Compute on arrays, by the first kernel that takes it or the reference."""
        for kernel in self.kernels:
            if (result := kernel(xp, *arrays, **params)) is not DECLINE:
                return result
        if xp is np and not self.refined:
            return self.on_host(*arrays, **params)
        return self.forward_rule(xp, *arrays, **params)  # type: ignore[misc]

    def vjp(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Register ``vjp(F, g, *saved, need, **params)``."""
        self.vjp_rule = rule
        if self.forward_rule is not None:
            self._publish()
        return rule

    def jvp(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Register a forward-mode rule."""
        self.jvp_rule = rule
        return rule

    def batch(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Register a batching rule."""
        self.batch_rule = rule
        return rule

    def onnx(self, rule: Callable[..., Any] | str) -> Callable[..., Any] | str:
        """Register the ONNX lowering, or the reason why there is none."""
        self.onnx_rule = rule
        return rule

    def kernel(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Register a native override ``kernel(xp, *arrays, **params)``."""
        self.kernels.insert(0, rule)
        self._publish()
        return rule


# The call path stands above this module and puts its maker here.
CALL_PATH: list[Callable[[Record], Callable[..., Any]]] = []
# Told of each record whose call path was made anew: engine.intercept listens.
PUBLISHED: list[Callable[[Record], None]] = []


def op(
    name: str,
    *,
    kind: str = OPAQUE,
    ufunc: str | None = None,
    saves: str = "",
    outputs: int | None = 1,
    promote: str | None = None,
    widen: bool | None = None,
    view: bool = False,
    fresh: bool = False,
    infer: Callable[..., Any] | None = None,
    expr: str | None = None,
    autocast: str = "promote",
) -> Record:
    """Make the record of an op; see :class:`Record` for the arguments.

    ``ufunc`` names a NumPy ufunc that is the whole forward: it then needs no
    ``forward`` block, runs without a Python frame and serves in-place calls.
    """
    if name in RECORDS:
        raise ValueError(f"op {name!r} is registered twice")
    if promote is None and kind == ELEMENTWISE:
        promote = "promote"
    if widen is None:
        widen = kind not in (SHAPE,) and not view
    record = Record(
        name,
        kind,
        ufunc=ufunc,
        saves=saves,
        outputs=outputs,
        promote=promote,
        widen=widen,
        view=view,
        fresh=fresh,
        infer=infer,
        expr=expr,
        autocast=autocast,
    )
    RECORDS[name] = record
    if ufunc is not None:
        record.forward(_ufunc_forward(ufunc))
    return record


def _ufunc_forward(name: str) -> Callable[..., Any]:
    if getattr(np, name).nin == 1:

        def forward(xp: Any, x: Any) -> Any:
            return getattr(xp, name)(x)
    else:

        def forward(xp: Any, x: Any, other: Any) -> Any:
            return getattr(xp, name)(x, other)

    return forward


raw_namespace(sim.namespace)
