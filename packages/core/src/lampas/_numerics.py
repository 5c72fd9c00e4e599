"""Settings of PyTorch about how exactly, and how repeatably, numbers are computed.

lampas multiplies float32 in full on the CPU, and the same program gives the same bits
again there: the settings are kept, and truly told, and change nothing.
"""

from __future__ import annotations

from typing import Any

from lampas.dtypes import as_dtype, set_default_dtype
from lampas.errors import ArgumentError, ArgumentTypeError, DTypeError

__all__ = [
    "are_deterministic_algorithms_enabled",
    "get_deterministic_debug_mode",
    "get_float32_matmul_precision",
    "is_deterministic_algorithms_warn_only_enabled",
    "set_default_tensor_type",
    "set_deterministic_debug_mode",
    "set_float32_matmul_precision",
    "set_flush_denormal",
    "use_deterministic_algorithms",
]

_PRECISIONS = ("highest", "high", "medium")
_MODES = ("default", "warn", "error")
_precision = ["highest"]
_mode = [0]


def get_float32_matmul_precision() -> str:
    """What :func:`lampas.set_float32_matmul_precision` was told.

    >>> import lampas
    >>> lampas.get_float32_matmul_precision()
    'highest'
    """
    return _precision[0]


def set_float32_matmul_precision(precision: str) -> None:
    """Allow float32 matrices to be multiplied less exactly; lampas never does.

    Args:
        precision: ``"highest"``, ``"high"`` or ``"medium"``.

    Raises:
        ValueError: it is none of them.

    >>> import lampas
    >>> lampas.set_float32_matmul_precision("highest")
    """
    if precision not in _PRECISIONS:
        raise ArgumentError(
            f"precision must be one of {', '.join(_PRECISIONS)}, got {precision!r}"
        )
    _precision[0] = precision


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask that each op gives the same bits again; on the CPU every one does anyway.

    Args:
        mode: whether it is asked for.
        warn_only: warn, rather than fail, where an op does not.

    Raises:
        TypeError: ``mode`` is no bool.

    >>> import lampas
    >>> lampas.use_deterministic_algorithms(False)
    """
    if not isinstance(mode, bool):
        raise ArgumentTypeError(f"mode must be a bool, got {type(mode).__name__}")
    _mode[0] = (1 if warn_only else 2) if mode else 0


def are_deterministic_algorithms_enabled() -> bool:
    """Whether :func:`lampas.use_deterministic_algorithms` was asked for.

    >>> import lampas
    >>> lampas.are_deterministic_algorithms_enabled()
    False
    """
    return _mode[0] > 0


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether it was asked for with ``warn_only``.

    >>> import lampas
    >>> lampas.is_deterministic_algorithms_warn_only_enabled()
    False
    """
    return _mode[0] == 1


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """The same setting as a number or word: 0 default, 1 warn, 2 error.

    Raises:
        RuntimeError: it is none of them.
        TypeError: it is neither a number nor a text.

    >>> import lampas
    >>> lampas.set_deterministic_debug_mode("default")
    """
    if not isinstance(debug_mode, (int, str)):
        raise ArgumentTypeError(
            f"debug_mode must be an int or a str, got {type(debug_mode).__name__}"
        )
    names: dict[Any, int] = {name: i for i, name in enumerate(_MODES)}
    number = names.get(debug_mode, debug_mode)
    if number not in (0, 1, 2):
        raise DTypeError(
            f"debug_mode must be 0, 1, 2 or one of {', '.join(_MODES)}, got "
            f"{debug_mode!r}"
        )
    _mode[0] = int(number)


def get_deterministic_debug_mode() -> int:
    """The setting as a number: 0 default, 1 warn, 2 error.

    >>> import lampas
    >>> lampas.get_deterministic_debug_mode()
    0
    """
    return _mode[0]


def set_flush_denormal(mode: bool) -> bool:
    """Whether tiny numbers now become zero: they do not, NumPy keeps them.

    Returns:
        False: the processor's setting was not changed.

    >>> import lampas
    >>> lampas.set_flush_denormal(True)
    False
    """
    return False


_TYPES = {
    "HalfTensor": "float16",
    "BFloat16Tensor": "bfloat16",
    "FloatTensor": "float32",
    "DoubleTensor": "float64",
}


def set_default_tensor_type(t: Any, /) -> None:
    """Set the default dtype by a name from the time before dtypes.

    Args:
        t: such as ``"torch.DoubleTensor"``, or a class of such a name.

    Raises:
        TypeError: it is not the name of a floating-point type.

    >>> import lampas
    >>> lampas.set_default_tensor_type("torch.FloatTensor")
    """
    name = t if isinstance(t, str) else getattr(t, "__name__", repr(t))
    last = name.rpartition(".")[2]
    if last not in _TYPES or "cuda" in f"{getattr(t, '__module__', '')}.{name}":
        raise ArgumentTypeError(
            f"t must be one of {', '.join(_TYPES)}, in host memory, got {name}; "
            "set_default_device chooses a device"
        )
    set_default_dtype(as_dtype(_TYPES[last]))
