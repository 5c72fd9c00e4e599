"""Optimizers whose update treats each element of a parameter by itself."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from lampas.backend.native import left_alone
from lampas.dtypes import HALVES
from lampas.engine.tensor import Tensor
from lampas.optim.optimizer import (
    Optimizer,
    changed,
    gradients_of,
    like,
    negated,
    number,
    step_each,
)

__all__ = ["ByElement", "with_decay"]


class ByElement(Optimizer):
    """Counts the steps of each parameter and keeps state tensors in its form.

    A subclass names these tensors (``_moments``), computes once a step what does not
    depend on the element (``_factors``), and changes arrays in place (``_step``).

    Complex parameters count as two real ones, as in PyTorch. Half-precision ones and
    their state are computed in float32 and rounded once a step.
    """

    _kernel: Callable[..., bool] = staticmethod(left_alone)
    """Steps all parameters of a group in one call, or leaves them to ``_step``."""
    _kernel_numbers: tuple[str, ...] = ()
    """The options of a group that the kernel takes as numbers, or pairs of numbers."""
    _kernel_flags: tuple[str, ...] = ("maximize",)
    """The others that it takes."""

    def _moments(self, group: dict[str, Any]) -> tuple[str, ...]:
        """The names of the state tensors that are like the parameter."""
        raise TypeError(f"{type(self).__name__} does not name its state")

    def _begin(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        """The state of a parameter before its first step."""
        return {"step": number(0), **{name: like(p) for name in self._moments(group)}}

    def _factors(self, state: dict[str, Any], t: int, group: dict[str, Any]) -> Any:
        """What step ``t`` of a parameter needs beside its arrays."""
        return t

    def _step(
        self, data: Any, g: Any, moments: list[Any], factors: Any, group: dict[str, Any]
    ) -> None:
        """Change real ``data`` and ``moments`` in place; ``g`` is not to be written."""
        raise TypeError(f"{type(self).__name__} does not say how to update")

    def _update(self, group: dict[str, Any], params: list[Tensor]) -> None:
        names = self._moments(group)
        rows, factors = [], []
        for p, g in zip(params, gradients_of(params), strict=True):
            state = self.state[p]
            if not state:
                state.update(self._begin(p, group))
            count = state["step"]._data
            count += 1
            factors.append(self._factors(state, int(count), group))
            rows.append([p._data, g, *(state[name]._data for name in names)])
        native = functools.partial(self._step_natively, group=group)
        reference = functools.partial(self._step_one, group=group)
        step_each(native, reference, params, rows, factors)
        changed(params)

    def _step_natively(
        self, rows: list[list[Any]], factors: list[Any], group: dict[str, Any]
    ) -> bool:
        """Step all parameters by the kernel; False if it left that to ``_step``.

        A row has a parameter's data, its gradient and its moments.
        """
        options = {name: _plain(group[name]) for name in self._kernel_numbers}
        flags = {name: bool(group[name]) for name in self._kernel_flags}
        return self._kernel(rows, factors, **options, **flags)

    def _step_one(self, arrays: list[Any], factors: Any, group: dict[str, Any]) -> None:
        if group["maximize"]:
            arrays[1] = negated(arrays[1])
        if arrays[0].ndim == 0:
            # Views of one dimension: NumPy gives scalars for arrays of none.
            arrays = [a[None] for a in arrays]
        self._step_parts(arrays, factors, group)

    def _step_parts(self, arrays: list[Any], factors: Any, group: Any) -> None:
        data = arrays[0]
        if data.dtype in HALVES:
            wide = [a.astype(np.float32) for a in arrays]
            self._step(wide[0], wide[1], wide[2:], factors, group)
            for i, array in enumerate(arrays):
                if i != 1:
                    array[...] = wide[i]
        elif data.dtype.kind == "c":
            real, imag = [a.real for a in arrays], [a.imag for a in arrays]
            self._step(real[0], real[1], real[2:], factors, group)
            self._step(imag[0], imag[1], imag[2:], factors, group)
        else:
            self._step(data, arrays[1], arrays[2:], factors, group)


def _plain(option: Any) -> float | tuple[float, ...]:
    """A number or several as Python's floats: options may be tensors or lists."""
    if isinstance(option, (tuple, list)):
        return tuple(map(float, option))
    return float(option)


def with_decay(g: Any, data: Any, weight_decay: Any) -> Any:
    """The gradient with that of ``weight_decay / 2 * sum(data ** 2)`` added."""
    return g + data * float(weight_decay) if weight_decay else g
