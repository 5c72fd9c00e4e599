"""Random numbers from a counter: Philox4x64-10, as NumPy has built in.

A generator is a 128-bit key and an offset. Block ``i`` of its stream is Philox of
counter ``i`` under the key: four 64-bit words, whose 32-bit halves are taken low
half first. Every draw takes whole blocks, so what it returns depends on key, offset,
shape and dtype alone: not on threads, chunks, or on what was drawn elsewhere. Kernels
give the same numbers, normal ones but for their last places.
This module knows arrays only; tensors are wrapped around it by the layers above.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import operator
import os
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np

from lampas.backend.native import bind
from lampas.errors import ArgumentError, ArgumentTypeError

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "Generator",
    "default_generator",
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "seed",
    "set_rng_state",
]

_WORD = 1 << 64
_DEFAULT_SEED = 67280421310721  # the seed of a fresh torch.Generator
_STATE = struct.Struct("<QQQ")  # key, key, offset in blocks
# Words drawn at once by methods that work in passes: small enough for the L2 cache.
_CHUNK = 1 << 14
# Random bits of a uniform number: as many as the significand holds.
_UNIFORM_BITS = {
    np.dtype(np.float64): 53,
    np.dtype(np.float32): 24,
    np.dtype(np.float16): 11,
    np.dtype(ml_dtypes.bfloat16): 8,
}

Shape = int | Sequence[int]


def _identity(value: Any) -> Any:
    return value


# How states travel. The tensor layer replaces both, to give and take tensors.
_wrap_state: list[Callable[[Any], Any]] = [_identity]
_unwrap_state: list[Callable[[Any], Any]] = [_identity]


def _as_seed(seed: object) -> int:
    try:
        value = operator.index(seed)  # type: ignore[arg-type]
    except TypeError:
        raise ArgumentTypeError(f"seed must be an integer, got {seed!r}") from None
    if not -(_WORD // 2) <= value < _WORD:
        raise ArgumentError(f"seed must lie in [-2**63, 2**64), got {value}")
    return value % _WORD


def _as_shape(shape: Shape) -> tuple[int, ...]:
    if isinstance(shape, (int, np.integer)):
        shape = (int(shape),)
    sizes = tuple(operator.index(size) for size in shape)
    if any(size < 0 for size in sizes):
        raise ArgumentError(f"shape must not have negative sizes, got {sizes}")
    return sizes


def _float_dtype(dtype: npt.DTypeLike) -> np.dtype:
    found = np.dtype(dtype)
    if found not in _UNIFORM_BITS:
        names = ", ".join(str(d) for d in _UNIFORM_BITS)
        raise ArgumentTypeError(f"dtype must be one of {names}, got {found}")
    return found


def _halves(words: np.ndarray) -> np.ndarray:
    """The 32-bit halves of 64-bit words, low half first on every machine."""
    return words.astype("<u8", copy=False).view("<u4")


def _multiply_high(words: np.ndarray, span: int) -> np.ndarray:
    """``floor(words * span / 2**64)`` exactly, in 64-bit arithmetic."""
    mask, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    high, low = words >> half, words & mask
    span_low = np.uint64(span & 0xFFFFFFFF)
    carry = low * span_low >> half
    if span < 1 << 32:
        return (high * span_low + carry) >> half
    span_high = np.uint64(span >> 32)
    middle = high * span_low + carry
    cross = low * span_high + (middle & mask)
    return high * span_high + (middle >> half) + (cross >> half)


def _open_unit(words: np.ndarray, wide: bool) -> np.ndarray:
    """Uniform float64 in the open interval (0, 1), from 53 or from 32 bits."""
    if wide:
        unit = (words >> np.uint64(11)).astype(np.float64)
        unit += 0.5
        unit *= 2.0**-53
        # 2**53 - 0.5 rounds up: keep the result under one.
        return np.minimum(unit, 1.0 - 2.0**-53, out=unit)
    unit = _halves(words).astype(np.float64)
    unit += 0.5
    unit *= 2.0**-32
    return unit


Place = tuple[int, int, int]
"""Both words of a key, and the number of a block of its stream."""


class _Cipher(threading.local):
    """NumPy's generator, one for each thread, and where it stands."""

    philox: np.random.Philox | None = None
    at: Place | None = None

    def words(self, place: Place, count: int) -> np.ndarray:
        if self.philox is None:
            self.philox = np.random.Philox(key=0)
        if self.at != place:
            _seek(self.philox, place)
        blocks = (count + 3) // 4
        self.at = (*place[:2], (place[2] + blocks) % _WORD)
        return self.philox.random_raw(4 * blocks)[:count]


_cipher = _Cipher()


def _words_of(k0: int, k1: int, block: int, count: int) -> np.ndarray:
    return _cipher.words((k0, k1, block), count).view(np.int64)


_words = bind("philox_words", _words_of)


def _pieces_of(place: Place, words: int) -> Iterator[tuple[int, np.ndarray]]:
    """The words from a place on, piece by piece, each with its first one's number."""
    k0, k1, block = place
    for start in range(0, words, _CHUNK):
        at = (block + start // 4) % _WORD
        yield start, _words(k0, k1, at, min(_CHUNK, words - start)).view(np.uint64)


def _uniform_of(k0: int, k1: int, block: int, count: int, bits: int) -> np.ndarray:
    scale = 2.0**-bits
    if bits == 53:
        wide = np.empty(count, np.float64)
        for start, words in _pieces_of((k0, k1, block), count):
            words >>= np.uint64(11)
            np.multiply(words, scale, out=wide[start : start + words.size])
        return wide
    # Through int32: its conversion to float32 has an instruction, and is exact.
    result = np.empty(count, np.float32)
    for start, words in _pieces_of((k0, k1, block), (count + 1) // 2):
        halves = _halves(words)
        halves >>= np.uint32(32 - bits)
        piece = result[2 * start : 2 * (start + words.size)]
        exact = halves[: piece.size].view("<i4").astype(np.float32)
        np.multiply(exact, np.float32(scale), out=piece)
    return result


def _normal_of(k0: int, k1: int, block: int, count: int, wide: bool) -> np.ndarray:
    result = np.empty(count, np.float64 if wide else np.float32)
    each = 1 if wide else 2
    for start, words in _pieces_of((k0, k1, block), count // each):
        unit = _open_unit(words, wide).reshape(-1, 2)
        radius = np.log(unit[:, 0])
        radius *= -2.0
        np.sqrt(radius, out=radius)
        angle = unit[:, 1] * (2.0 * math.pi)
        piece = result[each * start : each * (start + words.size)].reshape(-1, 2)
        piece[:, 0] = radius * np.cos(angle)
        piece[:, 1] = radius * np.sin(angle)
    return result


def _below_of(k0: int, k1: int, block: int, count: int, limit: int) -> np.ndarray:
    result = np.empty(count, np.bool_)
    for start, words in _pieces_of((k0, k1, block), (count + 1) // 2):
        piece = result[2 * start : 2 * (start + words.size)]
        # A limit of 2**32 has no half; all are below it.
        if limit >= 1 << 32:
            piece[...] = True
        else:
            np.less(_halves(words)[: piece.size], np.uint32(limit), out=piece)
    return result


def _integers_of(
    k0: int, k1: int, block: int, count: int, low: int, span: int
) -> np.ndarray:
    words = _words(k0, k1, block, count).view(np.uint64)
    if span:
        words = _multiply_high(words, span)
    words += np.uint64(low)  # wraps around as two's complement does
    return words.view(np.int64)


_uniform = bind("philox_uniform", _uniform_of)
_normal = bind("philox_normal", _normal_of)
_below = bind("philox_below", _below_of)
_integers = bind("philox_integers", _integers_of)


class Generator:
    """A stream of random numbers that can be placed, saved, folded and repeated.

    Args:
        device: where the numbers are wanted. The stream is the same everywhere.

    >>> from lampas.random import Generator
    >>> generator = Generator().manual_seed(0)
    >>> first = generator.bits(1)
    >>> bool(Generator().manual_seed(0).bits(1) == first)
    True
    """

    __slots__ = ("__weakref__", "_key", "_lock", "_offset", "device")

    def __init__(self, device: Any = "cpu") -> None:
        self.device = device
        self._key = (_DEFAULT_SEED, 0)
        self._offset = 0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<lampas.Generator device={self.device} seed={self.initial_seed()}>"

    def __reduce__(self) -> tuple[object, tuple[object, bytes]]:
        return _rebuild, (self.device, self._state_array().tobytes())

    # Seeds and states

    def manual_seed(self, seed: int) -> Generator:
        """Go to the start of the stream of ``seed`` and return self.

        Args:
            seed: an integer in [-2**63, 2**64); negative ones wrap around.

        Raises:
            ValueError: ``seed`` is out of range.
            TypeError: ``seed`` is not an integer.
        """
        self._place((_as_seed(seed), 0), 0)
        return self

    def seed(self) -> int:
        """Seed from the operating system's entropy and return the seed."""
        value = int.from_bytes(os.urandom(8), "little")
        self.manual_seed(value)
        return value

    def initial_seed(self) -> int:
        """The seed of the stream (of a folded generator, half of its key)."""
        return self._key[0]

    def get_state(self) -> Any:
        """The state as 24 bytes: key and offset, little-endian."""
        return _wrap_state[0](self._state_array())

    def set_state(self, new_state: Any) -> Generator:
        """Continue from what :meth:`get_state` returned.

        Raises:
            ValueError: the state does not have 24 bytes.
        """
        return self._set_state_array(_unwrap_state[0](new_state))

    def clone_state(self) -> Generator:
        """A new generator that stands where this one stands."""
        return Generator(self.device)._set_state_array(self._state_array())

    def fold(self, *words: int) -> Generator:
        """Derive an independent generator from this one's key and some integers.

        The new key is BLAKE2b of the old key and the integers, each as 64 bits; the
        position in this stream does not matter and does not move.

        Args:
            words: for example epoch and sample number; taken modulo 2**64.

        >>> from lampas.random import Generator
        >>> root = Generator().manual_seed(7)
        >>> bool(root.fold(1, 2).bits(1) == root.fold(2, 1).bits(1))
        False
        """
        child = Generator(self.device)
        child._key = _folded_key(self._key, words)
        return child

    def _place(self, key: tuple[int, int], offset: int) -> None:
        with self._lock:
            self._key, self._offset = key, offset

    def _state_array(self) -> np.ndarray:
        with self._lock:
            packed = _STATE.pack(*self._key, self._offset)
        return np.frombuffer(packed, np.uint8).copy()

    def _set_state_array(self, state: npt.ArrayLike) -> Generator:
        array = np.asarray(state)
        if array.dtype != np.uint8 or array.shape != (_STATE.size,):
            raise ArgumentError(
                f"state must be {_STATE.size} uint8 values, as get_state() returns; "
                f"got {array.dtype} of shape {array.shape}"
            )
        first, second, offset = _STATE.unpack(array.tobytes())
        self._place((first, second), offset)
        return self

    # Drawing

    def _reserve(self, words: int) -> tuple[int, int, int]:
        """Take the blocks that ``words`` need.

        Returns:
            Both key words, and the number of the first block.
        """
        with self._lock:
            start = self._offset
            self._offset = (start + (words + 3) // 4) % _WORD
            return (*self._key, start)

    def bits(self, n: int) -> np.ndarray:
        """Draw ``n`` 64-bit words as uint64."""
        return _words(*self._reserve(n), n).view(np.uint64)

    def uniform(self, shape: Shape, dtype: npt.DTypeLike = np.float32) -> np.ndarray:
        """Draw from [0, 1): multiples of 2**-53, 2**-24, 2**-11 or 2**-8.

        Args:
            shape: shape of the result.
            dtype: float64 takes one word each; float32, float16 and bfloat16 half one.
        """
        sizes, dtype = _as_shape(shape), _float_dtype(dtype)
        total, bits = math.prod(sizes), _UNIFORM_BITS[dtype]
        place = self._reserve(total if bits == 53 else (total + 1) // 2)
        result = _uniform(*place, total, bits)
        return result.astype(dtype, copy=False).reshape(sizes)

    def normal(self, shape: Shape, dtype: npt.DTypeLike = np.float32) -> np.ndarray:
        """Draw from the normal distribution with mean 0 and deviation 1.

        Box-Muller in float64, rounded (to half precision through float32): numbers
        ``2i`` and ``2i + 1`` are ``r cos(t)`` and ``r sin(t)`` with
        ``r = sqrt(-2 log u)``, ``t = 2 pi v`` and ``u, v`` from a pair of 32-bit halves
        (float64: of 64-bit words).

        Args:
            shape: shape of the result.
            dtype: float64, float32, float16 or bfloat16.
        """
        sizes, dtype = _as_shape(shape), _float_dtype(dtype)
        total, wide = math.prod(sizes), dtype == np.float64
        even = total + total % 2
        place = self._reserve(even if wide else even // 2)
        result = _normal(*place, even, wide)[:total]
        return result.astype(dtype, copy=False).reshape(sizes)

    def exponential(
        self, shape: Shape, dtype: npt.DTypeLike = np.float32
    ) -> np.ndarray:
        """Draw from the exponential distribution with rate 1: ``-log u``."""
        sizes, dtype = _as_shape(shape), _float_dtype(dtype)
        total, wide = math.prod(sizes), dtype == np.float64
        result = np.empty(total, dtype)
        each = 1 if wide else 2
        for start, words in self._pieces(-(-total // each)):
            piece = result[each * start : each * (start + words.size)]
            piece[...] = -np.log(_open_unit(words, wide)[: piece.size])
        return result.reshape(sizes)

    def integers(
        self, low: int, high: int, shape: Shape, dtype: npt.DTypeLike = np.int64
    ) -> np.ndarray:
        """Draw integers from ``low`` (included) to ``high`` (excluded).

        ``low + floor(word * (high - low) / 2**64)``: a value's probability is off by
        less than 2**-64.

        Raises:
            ValueError: the range is empty or wider than 64 bits.
        """
        sizes = _as_shape(shape)
        low, high = operator.index(low), operator.index(high)
        if not 0 < high - low <= _WORD:
            raise ArgumentError(
                f"high must be greater than low by at most 2**64, got {low} to {high}"
            )
        total = math.prod(sizes)
        span = (high - low) % _WORD
        drawn = _integers(*self._reserve(total), total, low % _WORD, span)
        return drawn.astype(dtype, copy=False).reshape(sizes)

    def permutation(self, n: int) -> np.ndarray:
        """Draw an order of ``0 .. n-1`` (int64): a stable sort of 64-bit keys."""
        if n < 0:
            raise ArgumentError(f"n must not be negative, got {n}")
        return np.argsort(self.bits(n), kind="stable").astype(np.int64, copy=False)

    def bernoulli_mask(self, p: npt.ArrayLike, shape: Shape) -> np.ndarray:
        """Draw bools that are true with probability ``p``: ``half < p * 2**32``.

        Args:
            p: one probability, or an array that broadcasts to ``shape``.
            shape: shape of the result.

        Raises:
            ValueError: ``p`` is outside [0, 1].
        """
        sizes = _as_shape(shape)
        chance = p if isinstance(p, float) else np.asarray(p, np.float64)
        if not np.all((chance >= 0) & (chance <= 1)):
            raise ArgumentError(f"p must lie in [0, 1], got {p!r}")
        total = math.prod(sizes)
        if np.ndim(chance) == 0:
            place = self._reserve((total + 1) // 2)
            return _below(*place, total, round(float(chance) * 2.0**32)).reshape(sizes)
        limits = np.round(chance * 2.0**32).astype(np.uint64)
        result = np.empty(total, np.bool_)
        limits = np.broadcast_to(limits, sizes).reshape(-1)
        for start, words in self._pieces((total + 1) // 2):
            piece = result[2 * start : 2 * (start + words.size)]
            limit = limits[2 * start : 2 * start + piece.size]
            np.less(_halves(words)[: piece.size], limit, out=piece)
        return result.reshape(sizes)

    def _pieces(self, words: int) -> Iterator[tuple[int, np.ndarray]]:
        """Draw ``words`` 64-bit words piece by piece, as one draw."""
        return _pieces_of(self._reserve(words), words)


def _seek(philox: np.random.Philox, place: Place) -> None:
    # NumPy raises the counter before it computes a block, so start one below.
    *key, offset = place
    before = (offset - 1) % _WORD
    rest = 0 if offset else _WORD - 1
    philox.state = {
        "bit_generator": "Philox",
        "state": {
            "counter": np.array([before, rest, rest, rest], np.uint64),
            "key": np.array(key, np.uint64),
        },
        "buffer": np.zeros(4, np.uint64),
        "buffer_pos": 4,
        "has_uint32": 0,
        "uinteger": 0,
    }


def _folded_key(key: tuple[int, int], words: Sequence[int]) -> tuple[int, int]:
    packed = struct.pack(f"<{2 + len(words)}Q", *key, *(int(w) % _WORD for w in words))
    digest = hashlib.blake2b(packed, digest_size=16, person=b"lampas.fold").digest()
    return struct.unpack("<QQ", digest)


def _rebuild(device: object, state: bytes) -> Generator:
    return Generator(device)._set_state_array(np.frombuffer(state, np.uint8))


default_generator = Generator()
default_generator.seed()


def _renew_lock() -> None:
    # Another thread may have held it when the process was forked.
    default_generator._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def manual_seed(seed: int) -> Generator:
    """Seed the default generator and return it.

    >>> import lampas
    >>> lampas.manual_seed(0).initial_seed()
    0
    """
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Seed the default generator from the system's entropy; return the seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed of the default generator."""
    return default_generator.initial_seed()


def get_rng_state() -> Any:
    """The state of the default generator: 24 bytes."""
    return default_generator.get_state()


def set_rng_state(new_state: Any) -> None:
    """Continue the default generator from what :func:`get_rng_state` returned."""
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(devices: Any = None, enabled: bool = True) -> Iterator[None]:
    """Put the default generator back, after the block, to where it stands now.

    Args:
        devices: accepted as PyTorch accepts it; one stream serves all devices.
        enabled: False makes the block an ordinary one.

    >>> import lampas
    >>> _ = lampas.manual_seed(1)
    >>> with lampas.random.fork_rng():
    ...     _ = lampas.manual_seed(2)
    >>> lampas.initial_seed()
    1
    """
    state = default_generator._state_array()
    try:
        yield
    finally:
        if enabled:
            default_generator._set_state_array(state)
