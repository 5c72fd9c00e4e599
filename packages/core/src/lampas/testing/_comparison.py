"""``assert_close``: two tensors, numbers or containers of them are nearly equal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lampas.backend.device import to_host
from lampas.dtypes import as_dtype, promote_types
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, ArgumentTypeError
from lampas.ops.create import as_tensor
from lampas.testing._differences import array_report, number_report

__all__ = ["assert_close"]

# rtol and atol by dtype, as PyTorch has them; every other dtype must match exactly.
_TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}
_NUMBERS = (int, float, complex, np.number)
_BOOLS = (bool, np.bool_)


class _Mismatch(Exception):
    """Two values differ; the text says how, ``place`` where in the containers."""

    def __init__(self, text: str, place: tuple[Any, ...]) -> None:
        super().__init__(text)
        self.place = place

    def __str__(self) -> str:
        where = "".join(f"[{key!r}]" for key in self.place)
        tail = f"\n\nThe failure occurred for item {where}" if where else ""
        return super().__str__() + tail


@dataclass(frozen=True)
class _Rules:
    allow_subclasses: bool
    rtol: float | None
    atol: float | None
    equal_nan: bool
    check_device: bool
    check_dtype: bool
    check_layout: bool
    check_stride: bool

    def tolerances(self, *dtypes: Any) -> tuple[float, float]:
        """The ones given, else the widest of the default ones of the dtypes."""
        if self.rtol is not None and self.atol is not None:
            return self.rtol, self.atol
        pairs = [_TOLERANCES.get(as_dtype(d).name, (0.0, 0.0)) for d in dtypes]
        return max(r for r, _ in pairs), max(a for _, a in pairs)


Pair = tuple[Any, Any, tuple[Any, ...]]


def _is_container(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _pairs(actual: Any, expected: Any, place: tuple[Any, ...]) -> Iterator[Pair]:
    """The pairs of values that two equal structures of containers hold."""
    if _is_container(actual) and _is_container(expected):
        if len(actual) != len(expected):
            lengths = f"{len(actual)} != {len(expected)}"
            raise _Mismatch(f"The length of the sequences mismatch: {lengths}", place)
        for i in range(len(actual)):
            yield from _pairs(actual[i], expected[i], (*place, i))
    elif isinstance(actual, Mapping) and isinstance(expected, Mapping):
        _check_keys(actual, expected, place)
        for key in actual:
            yield from _pairs(actual[key], expected[key], (*place, key))
    else:
        yield actual, expected, place


def _check_keys(
    actual: Mapping[Any, Any], expected: Mapping[Any, Any], place: tuple[Any, ...]
) -> None:
    missing = sorted(set(expected) - set(actual), key=str)
    extra = sorted(set(actual) - set(expected), key=str)
    if missing or extra:
        text = "The keys of the mappings do not match:"
        if missing:
            text += f"\nMissing keys in the actual mapping: {missing}"
        if extra:
            text += f"\nAdditional keys in the actual mapping: {extra}"
        raise _Mismatch(text, place)


def _unsupported(actual: Any, expected: Any) -> ArgumentTypeError:
    return ArgumentTypeError(
        "assert_close compares tensors, arrays, numbers, None and containers of them, "
        f"both of one kind; got {type(actual)} and {type(expected)}"
    )


def _compare(actual: Any, expected: Any, rules: _Rules) -> str | None:
    """The text about one pair of values; None if they are close."""
    if actual is None or expected is None:
        if actual is expected:
            return None
        return f"None mismatch: {actual} is not {expected}"
    if isinstance(actual, _BOOLS) and isinstance(expected, _BOOLS):
        if actual == expected:
            return None
        return f"Booleans mismatch: {actual} is not {expected}"
    if isinstance(actual, _BOOLS) or isinstance(expected, _BOOLS):
        raise _unsupported(actual, expected)
    if isinstance(actual, _NUMBERS) and isinstance(expected, _NUMBERS):
        return _compare_numbers(actual, expected, rules)
    return _compare_tensors(*_as_tensors(actual, expected, rules), rules)


def _compare_numbers(actual: Any, expected: Any, rules: _Rules) -> str | None:
    first, second = (
        v.item() if isinstance(v, np.number) else v for v in (actual, expected)
    )
    kinds = type(first), type(second)
    if rules.check_dtype and kinds[0] is not kinds[1]:
        return f"The (d)types do not match: {kinds[0]} != {kinds[1]}."
    # Python's floats are doubles, whatever the default dtype is.
    wide = [{float: np.float64, complex: np.complex128}.get(k, k) for k in kinds]
    return number_report(first, second, *rules.tolerances(*wide), rules.equal_nan)


def _as_tensors(actual: Any, expected: Any, rules: _Rules) -> tuple[Tensor, Tensor]:
    kinds = type(actual), type(expected)
    related = isinstance(actual, kinds[1]) or isinstance(expected, kinds[0])
    if not related or (kinds[0] is not kinds[1] and not rules.allow_subclasses):
        raise _unsupported(actual, expected)
    if isinstance(actual, (str, set)):
        raise _unsupported(actual, expected)
    return as_tensor(actual), as_tensor(expected)


def _compare_tensors(actual: Tensor, expected: Tensor, rules: _Rules) -> str | None:
    checked = {
        "shape": (actual.shape, expected.shape),
        "layout": (actual.layout, expected.layout),
        "device": (actual.device, expected.device),
        "dtype": (actual.dtype, expected.dtype),
        "stride()": (actual.stride(), expected.stride()),
    }
    wanted = {
        "shape": True,
        "layout": rules.check_layout,
        "device": rules.check_device,
        "dtype": rules.check_dtype,
        "stride()": rules.check_stride,
    }
    for name, (first, second) in checked.items():
        if wanted[name] and first != second:
            return (
                f"The values for attribute '{name}' do not match: {first} != {second}."
            )
    common = promote_types(actual.dtype, expected.dtype).numpy
    arrays = [to_host(x._data).astype(common) for x in (actual, expected)]
    tolerances = rules.tolerances(actual.dtype, expected.dtype)
    return array_report(arrays[0], arrays[1], *tolerances, rules.equal_nan)


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Assert ``|actual - expected| <= atol + rtol |expected|`` for every element.

    Without tolerances they follow from the dtype: 1e-3 and 1e-5 for float16, 1.6e-2
    and 1e-5 for bfloat16, 1.3e-6 and 1e-5 for float32 and complex64, 1e-7 twice for
    float64 and complex128, 0 for whole numbers; of two dtypes the wider ones.

    Args:
        actual, expected: tensors, arrays, Python numbers, None, or sequences and
            mappings of them; both of one structure.
        allow_subclasses: compare a tensor with one of a derived class.
        rtol, atol: relative and absolute tolerance; both or neither.
        equal_nan: not-a-number equals itself.
        check_device, check_dtype, check_layout: they must be the same; for numbers
            ``check_dtype`` asks for one Python type.
        check_stride: so must the strides.
        msg: the text of the failure, or a function that makes it of the usual one.

    Raises:
        AssertionError: they differ; the text counts the elements that do and gives
            the greatest differences with their places.
        ValueError: only one of ``rtol`` and ``atol`` is given, or one is negative.
        TypeError: the values are of kinds that can't be compared.

    >>> import lampas
    >>> assert_close(lampas.tensor([1.0, 2.0]), lampas.tensor([1.0, 2.000001]))
    >>> assert_close({"a": [1.0]}, {"a": [1.5]})
    Traceback (most recent call last):
    AssertionError: Scalars are not close!
    ...
    """
    if (rtol is None) is not (atol is None):
        missing = "rtol" if rtol is None else "atol"
        raise ArgumentError(f"give both rtol and atol or neither; {missing} is missing")
    if (rtol or 0) < 0 or (atol or 0) < 0:
        raise ArgumentError(f"rtol and atol must be >= 0, got {rtol} and {atol}")
    rules = _Rules(
        allow_subclasses,
        rtol,
        atol,
        equal_nan,
        check_device,
        check_dtype,
        check_layout,
        check_stride,
    )
    text = _first_report(actual, expected, rules)
    if text is not None:
        text = msg(text) if callable(msg) else msg if msg is not None else text
        raise AssertionError(text)


def _first_report(actual: Any, expected: Any, rules: _Rules) -> str | None:
    try:
        for first, second, place in [*_pairs(actual, expected, ())]:
            found = _compare(first, second, rules)
            if found is not None:
                return str(_Mismatch(found, place))
    except _Mismatch as mismatch:
        return str(mismatch)
    return None
