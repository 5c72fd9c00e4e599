"""A case of an op: what to call, with what, and what must come out.

Oracles compute in float64, element by element where they can, from the formula of the
documentation; they never call lampas.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import ml_dtypes
import numpy as np

import lampas

# Relative and absolute error that one operation may have, by dtype.
TOLERANCE = {"float64": 1e-13, "float32": 2e-6, "float16": 1e-3, "bfloat16": 8e-3}
# And how many times that for each class of op.
CLASSES = {"exact": 0, "tight": 1, "usual": 10, "loose": 200}

FLOATS = ("float64", "float32", "float16", "bfloat16")
NUMPY = {
    "float64": np.float64,
    "float32": np.float32,
    "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
}

Inputs = Callable[[np.random.Generator], Sequence[np.ndarray]]


@dataclasses.dataclass(frozen=True)
class Case:
    """One way to call an op.

    Attributes:
        op: path from ``lampas`` to the public function, as ``"nn.functional.relu"``.
        inputs: gives the tensor arguments as arrays; float64 ones are cast to each
            dtype under test, others stay.
        oracle: ``oracle(*arrays, **params)`` gives the float64 result or results.
        params: the other arguments, by keyword.
        tol: a class of tolerance.
        dtypes: the floating dtypes to test.
        grad: whether gradients are tested (of the floating inputs).
        second: whether gradients of gradients are.
        elementwise: whether empty, 0-d and broadcast inputs may be generated.
        listed: the op takes its tensors as one list.
    """

    op: str
    inputs: Inputs
    oracle: Callable[..., Any]
    params: dict[str, Any] = dataclasses.field(default_factory=dict)
    tol: str = "usual"
    dtypes: tuple[str, ...] = FLOATS
    grad: bool = True
    second: bool = True
    elementwise: bool = False
    listed: bool = False

    @property
    def function(self) -> Callable[..., Any]:
        """The public function."""
        found: Any = lampas
        for part in self.op.split("."):
            found = getattr(found, part)
        return found

    def __call__(self, *tensors: Any) -> Any:
        """Call the op."""
        if self.listed:
            return self.function(list(tensors), **self.params)
        return self.function(*tensors, **self.params)

    def arrays(self, dtype: str, seed: int = 0) -> list[np.ndarray]:
        """The inputs of the case in a dtype."""
        made = [np.asarray(a) for a in self.inputs(np.random.default_rng(seed))]
        kind = NUMPY[dtype]
        return [a.astype(kind) if a.dtype == np.float64 else a for a in made]

    def expected(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The float64 results for these inputs."""
        wide = [a.astype(np.float64) if is_float(a) else a for a in arrays]
        if self.listed:
            result = self.oracle(wide, **self.params)
        else:
            result = self.oracle(*wide, **self.params)
        return [np.asarray(r) for r in (result if type(result) is tuple else (result,))]

    def tolerance(self, dtype: str) -> float:
        """The relative and absolute error allowed."""
        return TOLERANCE[dtype] * CLASSES[self.tol]

    def label(self) -> str:
        """The part of a test's id that names the case."""
        shown = [f"{k}={v}" for k, v in self.params.items() if isinstance(v, _PLAIN)]
        return "-".join([self.op, *shown]).replace(" ", "")

    def snippet(self, dtype: str) -> str:
        """Lines that repeat the call by hand."""
        return (
            f"to repeat: case = next(c for c in ALL if c.label() == {self.label()!r}); "
            f"case(*map(lampas.from_numpy, case.arrays({dtype!r})))"
        )


@dataclasses.dataclass(frozen=True)
class Via(Case):
    """A case of an op that does not take its tensors first.

    Attributes:
        call: ``call(op, *tensors, **params)`` calls it.
    """

    call: Callable[..., Any] = lambda op, *tensors, **params: op(*tensors, **params)

    def __call__(self, *tensors: Any) -> Any:
        """Call the op."""
        return self.call(self.function, *tensors, **self.params)


_PLAIN = (bool, int, float, str, tuple, type(None))


def is_float(array: np.ndarray) -> bool:
    """Whether an array holds floating numbers, bfloat16 too."""
    return array.dtype.kind == "f" or array.dtype == ml_dtypes.bfloat16


def results(value: Any) -> list[Any]:
    """The tensors that an op returned, as a list."""
    return list(value) if isinstance(value, (tuple, list)) else [value]


def each(function: Callable[..., float]) -> Callable[..., np.ndarray]:
    """An oracle that applies a function of Python floats to each element."""
    return np.vectorize(function, otypes=[np.float64])


def normal(*shapes: tuple[int, ...]) -> Inputs:
    """Inputs from the normal distribution."""
    return lambda rng: [rng.standard_normal(s) for s in shapes]


def within(low: float, high: float, *shapes: tuple[int, ...]) -> Inputs:
    """Inputs drawn evenly from a range."""
    return lambda rng: [rng.uniform(low, high, s) for s in shapes]


def apart(*shapes: tuple[int, ...]) -> Inputs:
    """Inputs of which no two elements are close, so that order is not in doubt."""

    def make(rng: np.random.Generator) -> list[np.ndarray]:
        made = []
        for i, shape in enumerate(shapes):
            size = int(np.prod(shape))
            values = rng.permutation(size) * 0.25 - size / 8 + 0.0625 * i
            made.append(values.reshape(shape))
        return made

    return make


def integers(low: int, high: int, *shapes: tuple[int, ...]) -> Inputs:
    """int64 inputs from ``low`` up to, without, ``high``."""
    return lambda rng: [rng.integers(low, high, s) for s in shapes]


def given(*values: Any) -> Inputs:
    """These inputs."""
    return lambda rng: [np.array(v) for v in values]
