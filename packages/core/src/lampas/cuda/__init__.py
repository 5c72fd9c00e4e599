"""CUDA cards: PyTorch's ``torch.cuda``, answered truly.

Without CuPy and a card ``is_available()`` is False, nothing is counted, and what needs
a card raises, naming the cause. Seeds and caches may be set and emptied anywhere.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

from lampas.backend import cupy as _cupy
from lampas.backend.device import Device
from lampas.cuda import amp
from lampas.errors import OutOfMemoryError

__all__ = [
    "OutOfMemoryError",
    "amp",
    "current_device",
    "device",
    "device_count",
    "empty_cache",
    "get_device_capability",
    "get_device_name",
    "get_rng_state_all",
    "init",
    "is_available",
    "is_bf16_supported",
    "is_initialized",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "max_memory_reserved",
    "memory_allocated",
    "memory_reserved",
    "reset_peak_memory_stats",
    "seed_all",
    "set_device",
    "set_rng_state_all",
    "synchronize",
]


def is_available() -> bool:
    """Whether tensors can live on a CUDA card.

    >>> import lampas
    >>> lampas.cuda.is_available() == (lampas.cuda.device_count() > 0)
    True
    """
    return _cupy.is_available()


def device_count() -> int:
    """How many cards there are."""
    if not is_available():
        return 0
    return int(_cupy.namespace().cuda.runtime.getDeviceCount())


def is_initialized() -> bool:
    """Whether a card is in use; one that is there always is."""
    return is_available()


def init() -> None:
    """Make sure that there is a card.

    Raises:
        RuntimeError: there is none; the text says why.
    """
    _cupy.namespace()


def _index(device: Any) -> int:
    if device is None:
        return current_device()
    return Device(device).index or 0


def current_device() -> int:
    """The index of the card that ``cuda`` without a number means.

    Raises:
        RuntimeError: there is no card.
    """
    return int(_cupy.namespace().cuda.runtime.getDevice())


def set_device(device: Device | str | int) -> None:
    """Choose the card that ``cuda`` without a number means.

    Raises:
        RuntimeError: there is no such card.
    """
    _cupy.namespace().cuda.Device(_index(device)).use()


class device:
    """Choose a card for a block.

    Args:
        device: a card, its index, or None, which chooses nothing.

    Raises:
        RuntimeError: on entry: there is no such card.
    """

    def __init__(self, device: Any) -> None:
        self.idx = None if device is None else _index(device)
        self._before: int | None = None

    def __enter__(self) -> None:
        if self.idx is not None:
            self._before = current_device()
            set_device(self.idx)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._before is not None:
            set_device(self._before)


def get_device_name(device: Device | str | int | None = None) -> str:
    """What the maker calls a card.

    Raises:
        RuntimeError: there is no such card.
    """
    runtime = _cupy.namespace().cuda.runtime
    return str(runtime.getDeviceProperties(_index(device))["name"].decode())


def get_device_capability(
    device: Device | str | int | None = None,
) -> tuple[int, int]:
    """The compute capability of a card, such as ``(9, 0)``.

    Raises:
        RuntimeError: there is no such card.
    """
    runtime = _cupy.namespace().cuda.runtime
    found = runtime.getDeviceProperties(_index(device))
    return int(found["major"]), int(found["minor"])


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether a card computes with bfloat16: those of capability 8.0 and more do."""
    return is_available() and get_device_capability() >= (8, 0)


def synchronize(device: Device | str | int | None = None) -> None:
    """Wait until a card has done all that was asked of it.

    Raises:
        RuntimeError: there is no such card.
    """
    _cupy.namespace().cuda.Device(_index(device)).synchronize()


def manual_seed(seed: int) -> None:
    """Accepted for PyTorch's sake: one generator serves all devices.

    ``lampas.manual_seed`` is what seeds it.
    """


def manual_seed_all(seed: int) -> None:
    """Accepted for PyTorch's sake: one generator serves all devices."""


def seed_all() -> None:
    """Accepted for PyTorch's sake: one generator serves all devices."""


def get_rng_state_all() -> list[Any]:
    """The states of the cards' own generators, of which there are none."""
    return []


def set_rng_state_all(new_states: Any) -> None:
    """Accepted for PyTorch's sake: cards have no generators of their own."""


def empty_cache() -> None:
    """Give back the card's memory that nothing uses."""
    if is_available():
        _cupy.namespace().get_default_memory_pool().free_all_blocks()


def memory_allocated(device: Device | str | int | None = None) -> int:
    """Bytes of the card's memory in use; 0 without a card."""
    if not is_available():
        return 0
    return int(_cupy.namespace().get_default_memory_pool().used_bytes())


def memory_reserved(device: Device | str | int | None = None) -> int:
    """Bytes of the card's memory taken from the driver; 0 without a card."""
    if not is_available():
        return 0
    return int(_cupy.namespace().get_default_memory_pool().total_bytes())


def max_memory_allocated(device: Device | str | int | None = None) -> int:
    """The most bytes in use; the memory pool knows those of the present only."""
    return memory_allocated(device)


def max_memory_reserved(device: Device | str | int | None = None) -> int:
    """The most bytes taken; the memory pool knows those of the present only."""
    return memory_reserved(device)


def reset_peak_memory_stats(device: Device | str | int | None = None) -> None:
    """Accepted for PyTorch's sake: no peak is kept."""
