"""Autocast: ops that gain by it compute in half precision, those that lose in float.

Which op does what is written in its record; ``lampas.engine.autocast`` does the casts.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import warnings
from collections.abc import Callable
from typing import Any

from lampas.dtypes import DType, bfloat16, float16
from lampas.engine.autocast import Casting, enter, leave
from lampas.engine.modes import mode
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentTypeError, DeviceError

__all__ = [
    "autocast",
    "clear_autocast_cache",
    "custom_bwd",
    "custom_fwd",
    "get_autocast_cpu_dtype",
    "get_autocast_dtype",
    "get_autocast_gpu_dtype",
    "is_autocast_available",
    "is_autocast_cache_enabled",
    "is_autocast_cpu_enabled",
    "is_autocast_enabled",
    "set_autocast_cache_enabled",
    "set_autocast_dtype",
    "set_autocast_enabled",
]

_DEFAULTS = {"cpu": bfloat16, "cuda": float16, "sim": float16}


class _Settings(threading.local):
    """What this thread has set: types, whether casts are kept, and how deep it is."""

    cache = True
    depth = 0

    def __init__(self) -> None:
        self.dtypes = dict(_DEFAULTS)


_settings = _Settings()


def _known(device_type: Any) -> str:
    if not isinstance(device_type, str):
        raise ArgumentTypeError(
            f"device_type must be a string such as 'cpu', got {device_type!r}"
        )
    if device_type not in _DEFAULTS:
        raise DeviceError(
            f"device_type must be one of {', '.join(_DEFAULTS)}, got {device_type!r}"
        )
    return device_type


def is_autocast_available(device_type: str) -> bool:
    """Whether :class:`autocast` knows this kind of device.

    >>> is_autocast_available("cpu"), is_autocast_available("xpu")
    (True, False)
    """
    if not isinstance(device_type, str):
        _known(device_type)
    return device_type in _DEFAULTS


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether ops of this thread on this kind of device are cast.

    >>> with autocast("cpu"):
    ...     is_autocast_enabled("cpu"), is_autocast_enabled("cuda")
    (True, False)
    """
    return mode.autocast is not None and _known(device_type) in mode.autocast.half


def is_autocast_cpu_enabled() -> bool:
    """PyTorch's older name of ``is_autocast_enabled("cpu")``.

    >>> is_autocast_cpu_enabled()
    False
    """
    return is_autocast_enabled("cpu")


def get_autocast_dtype(device_type: str) -> DType:
    """The type in which this thread's ops compute where autocast is on.

    >>> get_autocast_dtype("cpu")
    lampas.bfloat16
    """
    return _settings.dtypes[_known(device_type)]


def get_autocast_cpu_dtype() -> DType:
    """PyTorch's older name of ``get_autocast_dtype("cpu")``.

    >>> get_autocast_cpu_dtype()
    lampas.bfloat16
    """
    return get_autocast_dtype("cpu")


def get_autocast_gpu_dtype() -> DType:
    """PyTorch's older name of ``get_autocast_dtype("cuda")``.

    >>> get_autocast_gpu_dtype()
    lampas.float16
    """
    return get_autocast_dtype("cuda")


def is_autocast_cache_enabled() -> bool:
    """Whether casts of weights are kept until the region ends.

    >>> is_autocast_cache_enabled()
    True
    """
    return _settings.cache


def clear_autocast_cache() -> None:
    """Forget the casts of weights that this region has kept.

    >>> clear_autocast_cache()
    """
    if mode.autocast is not None and mode.autocast.cache is not None:
        mode.autocast.cache.clear()


def set_autocast_dtype(device_type: str, dtype: DType) -> None:
    """Set the type for this thread, for now and for regions that name none.

    >>> set_autocast_dtype("cpu", lampas.bfloat16)
    """
    _settings.dtypes[_known(device_type)] = dtype
    if is_autocast_enabled(device_type):
        _replace(device_type, True)


def set_autocast_enabled(device_type: str | bool, enabled: bool | None = None) -> None:
    """Switch autocast on or off for this thread, until it is switched again.

    Args:
        device_type: the kind of device; may be left out for ``"cuda"``.
        enabled: on or off.

    >>> set_autocast_enabled("cpu", True)
    >>> lampas.mm(lampas.ones(1, 1), lampas.ones(1, 1)).dtype
    lampas.bfloat16
    >>> set_autocast_enabled("cpu", False)
    """
    if enabled is None:
        device_type, enabled = "cuda", bool(device_type)
    _replace(_known(device_type), enabled)


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Set whether casts of weights are kept, for this thread.

    >>> set_autocast_cache_enabled(True)
    """
    _settings.cache = bool(enabled)
    if mode.autocast is not None:
        mode.autocast = Casting(mode.autocast.half, {} if enabled else None)


def _changed(device_type: str, enabled: bool) -> Casting | None:
    """The present precision with one device changed."""
    now = mode.autocast
    half = {} if now is None else dict(now.half)
    half.pop(device_type, None)
    if enabled:
        half[device_type] = _settings.dtypes[device_type].numpy
    kept: Any = {} if now is None or now.cache is None else now.cache
    return Casting(half, kept if _settings.cache else None) if half else None


def _replace(device_type: str, enabled: bool) -> None:
    """Change the thread's precision without a region that would end."""
    changed = _changed(device_type, enabled)
    leave(None)
    enter(changed)


class autocast(contextlib.ContextDecorator):
    """Context manager and decorator: choose the precision of each op.

    Matrix products, convolutions, attention and recurrent layers compute in ``dtype``;
    losses, some decompositions and, on cards, exponentials and sums compute in float32;
    the others take what they are given. Only float16, bfloat16 and float32 tensors on
    the device are cast. Casts are recorded: gradients reach parameters in their own
    type. Run the backward pass outside of the region.

    Args:
        device_type: ``"cpu"``, ``"cuda"`` or ``"sim"``.
        dtype: float16 or bfloat16; by default :func:`lampas.get_autocast_dtype`.
        enabled: False switches autocast off for the device inside.
        cache_enabled: cast each weight once in the region; True by default.

    Raises:
        RuntimeError: no such kind of device.

    >>> x, w = lampas.ones(2, 2), lampas.ones(2, 2, requires_grad=True)
    >>> with autocast("cpu"):
    ...     y = x @ w
    >>> y.dtype
    lampas.bfloat16
    >>> y.float().sum().backward()
    >>> w.grad.dtype
    lampas.float32
    """

    def __init__(
        self,
        device_type: str,
        dtype: DType | None = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        self.device = _known(device_type)
        self.fast_dtype = get_autocast_dtype(device_type) if dtype is None else dtype
        self._cache = _settings.cache if cache_enabled is None else bool(cache_enabled)
        if enabled and self.fast_dtype not in (float16, bfloat16):
            warnings.warn(
                f"autocast: dtype must be float16 or bfloat16, got {self.fast_dtype}; "
                "autocast is off",
                stacklevel=2,
            )
            enabled = False
        self._enabled = bool(enabled)
        self._before: list[tuple[Any, ...]] = []

    def __enter__(self) -> autocast:
        saved = _settings.dtypes[self.device], _settings.cache
        _settings.dtypes[self.device] = self.fast_dtype
        _settings.cache = self._cache
        _settings.depth += 1
        before = enter(_changed(self.device, self._enabled))
        self._before.append((before, *saved))
        return self

    def __exit__(self, *exc: object) -> None:
        before, dtype, cache = self._before.pop()
        _settings.depth -= 1
        if _settings.depth == 0:
            clear_autocast_cache()
        leave(before)
        _settings.dtypes[self.device], _settings.cache = dtype, cache


def _cast_all(value: Any, device_type: str, dtype: DType) -> Any:
    """Floating tensors of a device, also those in containers, in another type."""
    if isinstance(value, Tensor):
        x: Any = value
        castable = x.is_floating_point() and x.device.type == device_type
        return x.to(dtype) if castable and x.dtype.name != "float64" else x
    if isinstance(value, dict):
        return {k: _cast_all(v, device_type, dtype) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_cast_all(v, device_type, dtype) for v in value)
    return value


def custom_fwd(
    fwd: Callable[..., Any] | None = None,
    *,
    device_type: str,
    cast_inputs: DType | None = None,
) -> Callable[..., Any]:
    """Decorate the ``forward`` of an ``autograd.Function`` that autocast may meet.

    Args:
        fwd: the method.
        device_type: the kind of device.
        cast_inputs: if given, floating inputs are cast to it and autocast is off
            inside; by default ``forward`` runs in the precision of the region.

    >>> class Double(lampas.autograd.Function):
    ...     @staticmethod
    ...     @custom_fwd(device_type="cpu", cast_inputs=lampas.float32)
    ...     def forward(ctx, x):
    ...         return x + x
    ...     @staticmethod
    ...     @custom_bwd(device_type="cpu")
    ...     def backward(ctx, g):
    ...         return g + g
    >>> with autocast("cpu"):
    ...     Double.apply(lampas.ones(1, dtype=lampas.bfloat16)).dtype
    lampas.float32
    """
    _known(device_type)
    if fwd is None:
        return functools.partial(
            custom_fwd, device_type=device_type, cast_inputs=cast_inputs
        )

    @functools.wraps(fwd)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        used = is_autocast_enabled(device_type)
        args[0]._dtype = get_autocast_dtype(device_type)
        if cast_inputs is None or not used:
            args[0]._fwd_used_autocast = used
            return fwd(*args, **kwargs)
        args[0]._fwd_used_autocast = False
        with autocast(device_type, enabled=False):
            return fwd(
                *_cast_all(args, device_type, cast_inputs),
                **_cast_all(kwargs, device_type, cast_inputs),
            )

    return decorated


def custom_bwd(
    bwd: Callable[..., Any] | None = None, *, device_type: str
) -> Callable[..., Any]:
    """Decorate the ``backward`` that belongs to a :func:`custom_fwd`.

    It runs in the precision in which ``forward`` ran.

    Args:
        bwd: the method.
        device_type: the kind of device.

    >>> custom_bwd(lambda ctx, g: g, device_type="cpu").__name__
    '<lambda>'
    """
    _known(device_type)
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def decorated(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        used, dtype = ctx._fwd_used_autocast, ctx._dtype
        with autocast(device_type, dtype=dtype, enabled=used):
            return bwd(ctx, *args, **kwargs)

    return decorated
