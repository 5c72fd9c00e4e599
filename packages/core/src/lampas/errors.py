"""The exceptions of lampas, drawn as one tree.

Each class also derives from the exception that PyTorch raises in the same place,
so ``except RuntimeError`` in a ported script goes on catching what it caught::

    LampasError
    ├── ShapeError, DeviceError, VersionError, GradientError   (RuntimeError)
    ├── DTypeError, LinAlgError                                (RuntimeError)
    ├── ArgumentError                                          (ValueError)
    ├── ArgumentTypeError                                      (TypeError)
    ├── DimensionError, BoundsError                            (IndexError)
    ├── OutOfMemoryError                        (RuntimeError, MemoryError)
    ├── FileFormatError                                        (RuntimeError)
    ├── UnsafeFileError                                        (UnpicklingError)
    ├── NonFiniteError                                         (FloatingPointError)
    ├── MissingExtraError                                      (ImportError)
    └── WorkerError                                            (RuntimeError)
"""

from __future__ import annotations

import pickle

__all__ = [
    "ArgumentError",
    "ArgumentTypeError",
    "BoundsError",
    "DTypeError",
    "DeviceError",
    "DimensionError",
    "FileFormatError",
    "GradientError",
    "LampasError",
    "LinAlgError",
    "MissingExtraError",
    "NonFiniteError",
    "OutOfMemoryError",
    "ShapeError",
    "UnsafeFileError",
    "VersionError",
    "WorkerError",
]


class LampasError(Exception):
    """Base of every error that lampas raises on purpose."""


class ShapeError(LampasError, RuntimeError):
    """Shapes of the operands do not fit together."""


class DeviceError(LampasError, RuntimeError):
    """Operands live on different devices, or a device is not there."""


class DTypeError(LampasError, RuntimeError):
    """An operation does not take, or cannot give, this data type."""


class LinAlgError(LampasError, RuntimeError):
    """A matrix has no such decomposition or solution, or none was found."""


class OutOfMemoryError(LampasError, RuntimeError, MemoryError):
    """There is no memory for a result; the text lists the largest live tensors."""


class VersionError(LampasError, RuntimeError):
    """A value needed for a gradient was changed in place before it was used."""


class GradientError(LampasError, RuntimeError):
    """A gradient was asked for that does not exist (any more)."""


class ArgumentError(LampasError, ValueError):
    """An argument has the right type and a value that makes no sense."""


class ArgumentTypeError(LampasError, TypeError):
    """An argument has a type that the function does not take."""


class DimensionError(LampasError, IndexError):
    """A dimension is outside the range that the tensor has."""


class BoundsError(LampasError, IndexError):
    """An index points outside of what it indexes."""


class FileFormatError(LampasError, RuntimeError):
    """A file is damaged, cut short, or of another kind than expected."""


class UnsafeFileError(LampasError, pickle.UnpicklingError):
    """A file asks for something that loading never does, such as running code."""


class NonFiniteError(LampasError, FloatingPointError):
    """Training met a value that is not finite.

    Attributes:
        module: path of the first bad module in the model, where one was found.
    """

    module: str | None = None


class MissingExtraError(LampasError, ImportError):
    """An optional dependency is not installed; the text names the extra."""


class WorkerError(LampasError, RuntimeError):
    """A worker process of a data loader died, hung or raised."""
