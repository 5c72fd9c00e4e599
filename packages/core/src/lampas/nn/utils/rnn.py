"""Sequences of different lengths in one tensor: padded, or packed step by step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from lampas.backend.device import to_host
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, ArgumentTypeError, LampasError
from lampas.ops.create import full, tensor
from lampas.ops.join import cat

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class _LengthError(LampasError, RuntimeError, ValueError):
    """Lengths that do not fit the sequences."""


class _Fields(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Fields):
    """Sequences sorted by length, all their first steps, then all second ones, ...

    Made by :func:`pack_padded_sequence` and :func:`pack_sequence`; recurrent layers
    take and return it.

    Attributes:
        data: (total steps, ...).
        batch_sizes: how many sequences have a first, second, ... step (int64, host).
        sorted_indices: which sequence of the caller's stands where; None if they were
            sorted already.
        unsorted_indices: where each of the caller's sequences stands.

    >>> import lampas
    >>> from lampas.nn.utils.rnn import pack_sequence
    >>> p = pack_sequence([lampas.tensor([1, 2, 3]), lampas.tensor([4, 5])])
    >>> p.data.tolist(), p.batch_sizes.tolist()
    ([1, 4, 2, 5, 3], [2, 2, 1])
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        if batch_sizes is None:
            data, batch_sizes = data
        if batch_sizes.device.type != "cpu":
            raise ArgumentError(
                f"batch_sizes must be on the CPU, got it on {batch_sizes.device}"
            )
        if unsorted_indices is None and sorted_indices is not None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    @property
    def is_cuda(self) -> bool:
        """Whether the data live on a CUDA card."""
        return self.data.is_cuda

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Move or cast the data, as ``Tensor.to``; the indices follow the device."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        order = (self.sorted_indices, self.unsorted_indices)
        moved = (None if x is None else x.to(data.device) for x in order)
        return type(self)(data, self.batch_sizes, *moved)

    def cpu(self) -> PackedSequence:
        """Move to host memory."""
        return self.to("cpu")

    def cuda(self, device: Any = None) -> PackedSequence:
        """Move to a CUDA card."""
        return self.to("cuda" if device is None else device)

    def float(self) -> PackedSequence:
        """Cast the data to float32."""
        return self._with(self.data.float())

    def double(self) -> PackedSequence:
        """Cast the data to float64."""
        return self._with(self.data.double())

    def half(self) -> PackedSequence:
        """Cast the data to float16."""
        return self._with(self.data.half())

    def long(self) -> PackedSequence:
        """Cast the data to int64."""
        return self._with(self.data.long())

    def int(self) -> PackedSequence:
        """Cast the data to int32."""
        return self._with(self.data.int())

    def _with(self, data: Tensor) -> PackedSequence:
        return type(self)(data, *self[1:])

    def _lengths(self) -> np.ndarray:
        """The lengths in the order in which the sequences are packed, falling."""
        sizes = to_host(self.batch_sizes._data)
        return (sizes[:, None] > np.arange(sizes[0] if sizes.size else 0)).sum(0)


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The order that undoes an order; None stays None.

    >>> import lampas
    >>> invert_permutation(lampas.tensor([2, 0, 1])).tolist()
    [1, 2, 0]
    """
    if permutation is None:
        return None
    order = np.argsort(to_host(permutation._data), kind="stable")
    return tensor(order, device=permutation.device)


def _checked_lengths(lengths: Any, batch: int, steps: int) -> np.ndarray:
    if isinstance(lengths, Tensor) and lengths.device.type != "cpu":
        raise ArgumentError(
            f"lengths must be on the CPU, got a tensor on {lengths.device}"
        )
    values = np.asarray(lengths, np.int64)
    if values.shape != (batch,):
        raise _LengthError(
            f"lengths must have one entry for each of the {batch} sequences, got shape "
            f"{values.shape}"
        )
    if values.size and values.min() <= 0:
        raise _LengthError(
            f"length of all samples has to be greater than 0, got {values.tolist()}"
        )
    if values.size and values.max() > steps:
        raise _LengthError(
            f"lengths must be at most the {steps} steps of the input, got "
            f"{values.tolist()}"
        )
    return values


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack padded sequences.

    Args:
        input: (T, B, ...), or (B, T, ...) with ``batch_first``.
        lengths: B lengths from 1 to T: a list or a tensor on the CPU.
        batch_first: which form ``input`` has.
        enforce_sorted: demand falling lengths; otherwise the sequences are sorted.

    Raises:
        RuntimeError: lengths are not falling, not positive, or do not fit.

    >>> import lampas
    >>> x = lampas.tensor([[1, 2, 3], [4, 0, 0]])
    >>> pack_padded_sequence(x, [3, 1], batch_first=True).data.tolist()
    [1, 4, 2, 3]
    """
    if input.dim() < 2:
        raise _LengthError(
            f"input must have 2 or more dimensions, got shape {tuple(input.shape)}"
        )
    batch, steps = input.shape[:2] if batch_first else input.shape[1::-1]
    values = _checked_lengths(lengths, batch, steps)
    order = np.arange(batch)
    if not enforce_sorted:
        order = np.argsort(-values, kind="stable")
    elif (np.diff(values) > 0).any():
        raise _LengthError(
            "`lengths` must be sorted in decreasing order when enforce_sorted is True, "
            f"got {values.tolist()}; enforce_sorted=False sorts them"
        )
    falling = values[order]
    present = np.arange(falling[0] if batch else 0)[:, None] < falling
    step, place = np.nonzero(present)
    column = order[place]
    row = column * steps + step if batch_first else step * batch + column
    flat = input.reshape(batch * steps, *input.shape[2:])
    on = input.device
    data = flat.index_select(0, tensor(row, device=on))
    sizes = tensor(present.sum(1).astype(np.int64))
    return PackedSequence(
        data, sizes, None if enforce_sorted else tensor(order, device=on)
    )


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Unpack into a padded tensor, in the caller's order.

    Args:
        sequence: packed sequences.
        batch_first: give (B, T, ...) instead of (T, B, ...).
        padding_value: what stands behind the end of a sequence.
        total_length: T, if not the longest length.

    Returns:
        The padded tensor, and the lengths (int64, on the CPU).

    Raises:
        ValueError: ``total_length`` is below the longest length.

    >>> import lampas
    >>> p = pack_sequence([lampas.tensor([1, 2]), lampas.tensor([3])])
    >>> x, lengths = pad_packed_sequence(p, batch_first=True, padding_value=-1)
    >>> x.tolist(), lengths.tolist()
    ([[1, 2], [3, -1]], [2, 1])
    """
    lengths = sequence._lengths()
    longest = int(lengths[0]) if lengths.size else 0
    steps = longest if total_length is None else total_length
    if steps < longest:
        raise ArgumentError(
            "expected total_length to be at least the length of the longest sequence "
            f"({longest}), got {total_length}"
        )
    present = np.arange(steps)[:, None] < lengths
    # Where nothing is present: the row of padding behind the data.
    row = np.full(present.shape, sequence.data.shape[0])
    row[present] = np.arange(sequence.data.shape[0])
    if sequence.unsorted_indices is not None:
        order = to_host(sequence.unsorted_indices._data)
        row, lengths = row[:, order], lengths[order]
    row = row.T if batch_first else row
    data = sequence.data
    kind: dict[str, Any] = {"dtype": data.dtype, "device": data.device}
    padding = full((1, *data.shape[1:]), padding_value, **kind)
    index = tensor(row.reshape(-1), device=data.device)
    flat = cat([data, padding]).index_select(0, index)
    return flat.reshape(*row.shape, *data.shape[1:]), tensor(lengths.astype(np.int64))


def _listed(sequences: Iterable[Tensor] | Tensor, name: str) -> list[Tensor]:
    if not isinstance(sequences, Iterable):
        raise ArgumentTypeError(
            f"{name}: sequences must be iterable, got {type(sequences).__name__}"
        )
    return list(sequences)


def pad_sequence(
    sequences: Sequence[Tensor] | Tensor,
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Stack sequences of different lengths, padded to the longest.

    Args:
        sequences: B tensors (length, ...).
        batch_first: give (B, T, ...) instead of (T, B, ...).
        padding_value: what fills the rest.
        padding_side: ``"right"`` or ``"left"``.

    >>> import lampas
    >>> x = [lampas.tensor([1, 2]), lampas.tensor([3])]
    >>> pad_sequence(x, batch_first=True).tolist()
    [[1, 2], [3, 0]]
    """
    given = _listed(sequences, "pad_sequence")
    if padding_side not in ("left", "right"):
        raise ArgumentError(
            f"padding_side must be 'left' or 'right', got {padding_side!r}"
        )
    if not given:
        raise ArgumentError("pad_sequence: received an empty list of sequences")
    lengths = np.array([x.shape[0] for x in given])
    longest, total = int(lengths.max()), int(lengths.sum())
    steps = np.arange(longest)
    present = steps < lengths[:, None]
    if padding_side == "left":
        present = present[:, ::-1]
    row = np.full(present.shape, total)
    row[present] = np.arange(total)
    row = row if batch_first else row.T
    first = given[0]
    kind: dict[str, Any] = {"dtype": first.dtype, "device": first.device}
    padding = full((1, *first.shape[1:]), padding_value, **kind)
    index = tensor(row.reshape(-1), device=first.device)
    flat = cat([*given, padding]).index_select(0, index)
    return flat.reshape(*row.shape, *first.shape[1:])


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False
) -> list[Tensor]:
    """The sequences of a padded tensor, each cut to its length.

    >>> import lampas
    >>> x = lampas.tensor([[1, 2], [3, 0]])
    >>> [s.tolist() for s in unpad_sequence(x, lampas.tensor([2, 1]), True)]
    [[1, 2], [3]]
    """
    x = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [x[i, : int(n)] for i, n in enumerate(lengths)]


def pack_sequence(
    sequences: Sequence[Tensor], enforce_sorted: bool = True
) -> PackedSequence:
    """Pack sequences (length, ...); see :func:`pack_padded_sequence`.

    >>> import lampas
    >>> pack_sequence([lampas.tensor([1, 2]), lampas.tensor([3])]).data.tolist()
    [1, 3, 2]
    """
    given = _listed(sequences, "pack_sequence")
    lengths = [x.shape[0] for x in given]
    return pack_padded_sequence(pad_sequence(given), lengths, False, enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences of a packed one, in the caller's order.

    >>> import lampas
    >>> p = pack_sequence([lampas.tensor([1, 2]), lampas.tensor([3])])
    >>> [s.tolist() for s in unpack_sequence(p)]
    [[1, 2], [3]]
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
