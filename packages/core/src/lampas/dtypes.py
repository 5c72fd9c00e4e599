"""Data types: the objects ``lampas.float32`` and so on, and how they combine.

A :class:`DType` stands for one NumPy dtype. Types combine by PyTorch's rules, not
NumPy's: bool < integer < floating < complex, and within a category the wider wins.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from lampas.errors import ArgumentTypeError

__all__ = [
    "DType",
    "Finfo",
    "Iinfo",
    "bfloat16",
    "bool_",
    "can_cast",
    "complex64",
    "complex128",
    "finfo",
    "float16",
    "float32",
    "float64",
    "get_default_dtype",
    "iinfo",
    "int8",
    "int16",
    "int32",
    "int64",
    "promote_types",
    "set_default_dtype",
    "uint8",
]

_BY_NUMPY: dict[np.dtype, DType] = {}

# What types and sizes print before their name; a program run by `lampas.compat` reads
# "torch".
NAMESPACE = ["lampas"]


class DType:
    """A data type of tensor elements.

    Attributes:
        name: as PyTorch spells it, for example ``"float32"``.
        numpy: the NumPy dtype whose layout the elements have.
        category: 0 bool, 1 integer, 2 floating, 3 complex.
        itemsize: bytes of one element.

    >>> import lampas
    >>> lampas.float32.itemsize, lampas.float32.is_floating_point
    (4, True)
    """

    __slots__ = ("category", "itemsize", "name", "numpy", "_rank")

    def __init__(self, name: str, numpy: Any, category: int, rank: int) -> None:
        self.name = name
        self.numpy = np.dtype(numpy)
        self.category = category
        self.itemsize = self.numpy.itemsize
        self._rank = rank
        _BY_NUMPY[self.numpy] = self

    @property
    def dtype(self) -> np.dtype:
        """The NumPy dtype: NumPy looks here, and so takes this type for its own."""
        return self.numpy

    @property
    def is_floating_point(self) -> bool:
        """Whether elements are real floating-point numbers."""
        return self.category == 2

    @property
    def is_complex(self) -> bool:
        """Whether elements are complex numbers."""
        return self.category == 3

    @property
    def is_signed(self) -> bool:
        """Whether elements can be negative."""
        return self.name not in ("uint8", "bool")

    def to_real(self) -> DType:
        """The type of one part of a complex type; other types as they are."""
        return {"complex64": float32, "complex128": float64}.get(self.name, self)

    def to_complex(self) -> DType:
        """The complex type whose parts have this type."""
        return complex128 if self in (float64, complex128) else complex64

    def __repr__(self) -> str:
        return f"{NAMESPACE[0]}.{self.name}"

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return _dtype_named, (self.name,)


bool_ = DType("bool", np.bool_, 0, 0)
uint8 = DType("uint8", np.uint8, 1, 1)
int8 = DType("int8", np.int8, 1, 2)
int16 = DType("int16", np.int16, 1, 3)
int32 = DType("int32", np.int32, 1, 4)
int64 = DType("int64", np.int64, 1, 5)
float16 = DType("float16", np.float16, 2, 6)
bfloat16 = DType("bfloat16", ml_dtypes.bfloat16, 2, 7)
float32 = DType("float32", np.float32, 2, 8)
float64 = DType("float64", np.float64, 2, 9)
complex64 = DType("complex64", np.complex64, 3, 10)
complex128 = DType("complex128", np.complex128, 3, 11)

# The NumPy dtypes that arithmetic widens to float32 and rounds once after.
HALVES = (float16.numpy, bfloat16.numpy)

_default = [float32]


def _dtype_named(name: str) -> DType:
    return next(d for d in _BY_NUMPY.values() if d.name == name)


def from_numpy_dtype(dtype: np.dtype) -> DType:
    """The lampas type of a NumPy dtype.

    Raises:
        TypeError: lampas has no such type (strings, objects, unsigned 64-bit, ...).
    """
    found = _BY_NUMPY.get(dtype) or _BY_NUMPY.get(dtype.newbyteorder("="))
    if found is None:
        names = ", ".join(d.name for d in _BY_NUMPY.values())
        raise ArgumentTypeError(
            f"can't convert an array of dtype {dtype}; the supported types are {names}"
        )
    return found


def as_dtype(dtype: object) -> DType:
    """Return ``dtype`` as a :class:`DType`; takes Python's and NumPy's types too."""
    if dtype.__class__ is DType:
        return dtype
    python = {bool: bool_, int: int64, float: _default[0]}.get(dtype)  # type: ignore
    if python is not None:
        return python
    if dtype is complex:
        return _default[0].to_complex()
    try:
        return from_numpy_dtype(np.dtype(dtype))  # type: ignore[call-overload]
    except TypeError as error:
        raise ArgumentTypeError(
            f"dtype must be a {NAMESPACE[0]}.dtype such as {float32}, got {dtype!r}"
        ) from error


def promote_types(type1: DType, type2: DType) -> DType:
    """The smallest type that holds the values of both, by PyTorch's table.

    >>> import lampas
    >>> lampas.promote_types(lampas.int64, lampas.float16)
    lampas.float16
    >>> lampas.promote_types(lampas.uint8, lampas.int8)
    lampas.int16
    """
    if type1 is type2:
        return type1
    low, high = sorted((type1, type2), key=lambda d: d._rank)
    if high.category == 1 and low is uint8:
        return int16 if high is int8 else high
    if low is float16 and high is bfloat16:
        return float32
    if high is complex64 and low is float64:
        return complex128
    return high


def can_cast(from_: DType, to: DType) -> bool:
    """Whether PyTorch lets a result of type ``from_`` be stored in type ``to``.

    >>> import lampas
    >>> lampas.can_cast(lampas.float32, lampas.int64)
    False
    """
    return from_.category <= to.category


def get_default_dtype() -> DType:
    """The floating type that Python floats become.

    >>> import lampas
    >>> lampas.get_default_dtype()
    lampas.float32
    """
    return _default[0]


def set_default_dtype(d: DType) -> None:
    """Set the floating type that Python floats become.

    Raises:
        TypeError: ``d`` is not a floating-point type.
    """
    if d.__class__ is not DType or not d.is_floating_point:
        raise ArgumentTypeError(f"d must be a floating-point dtype, got {d!r}")
    _default[0] = d


class Finfo:
    """Limits of a floating type: ``bits eps max min tiny smallest_normal dtype``."""

    def __init__(self, dtype: DType) -> None:
        info = ml_dtypes.finfo(dtype.to_real().numpy)
        self.bits = info.bits
        self.eps, self.max, self.min = float(info.eps), float(info.max), float(info.min)
        self.tiny = self.smallest_normal = float(info.smallest_normal)
        self.resolution = float(info.resolution)
        self.dtype = dtype.name

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, "
            f"max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, "
            f"dtype={self.dtype})"
        )


class Iinfo:
    """Limits of an integer type: ``bits max min dtype``."""

    def __init__(self, dtype: DType) -> None:
        info = np.iinfo(dtype.numpy)
        self.bits, self.max, self.min = info.bits, int(info.max), int(info.min)
        self.dtype = dtype.name

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"


def finfo(type: DType | None = None) -> Finfo:
    """Limits of a floating (or complex) type.

    Raises:
        TypeError: ``type`` is not floating or complex.

    >>> import lampas
    >>> lampas.finfo(lampas.float32).eps
    1.1920928955078125e-07
    """
    dtype = as_dtype(type or _default[0])
    if dtype.category < 2:
        raise ArgumentTypeError(f"finfo needs a floating-point type, got {dtype}")
    return Finfo(dtype)


def iinfo(type: DType) -> Iinfo:
    """Limits of an integer type.

    Raises:
        TypeError: ``type`` is not an integer type.

    >>> import lampas
    >>> lampas.iinfo(lampas.int8).max
    127
    """
    dtype = as_dtype(type)
    if dtype.category != 1:
        raise ArgumentTypeError(f"iinfo needs an integer type, got {dtype}")
    return Iinfo(dtype)
