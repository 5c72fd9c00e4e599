"""``torch._utils``: lists of tensors as one, which communication is written with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lampas.engine.tensor import Tensor
from lampas.ops.create import zeros
from lampas.ops.with_out import cat


def _flatten_dense_tensors(tensors: Sequence[Tensor]) -> Tensor:
    """The elements of all tensors, one after the other."""
    return cat([t.reshape(-1) for t in tensors]) if tensors else zeros(0)


def _unflatten_dense_tensors(
    flat: Tensor, tensors: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    """Views of ``flat`` with the shapes of ``tensors``, which it was made of."""
    parts = flat.split([t.numel() for t in tensors])
    return tuple(p.view(t.shape) for p, t in zip(parts, tensors, strict=True))


def _take_tensors(tensors: Sequence[Tensor], size_limit: int) -> Iterator[list[Tensor]]:
    """The tensors in groups of one type, each of at most ``size_limit`` bytes."""
    groups: dict[str, list[Tensor]] = {}
    for tensor in tensors:
        group = groups.setdefault(tensor.type(), [])
        size = sum(t.numel() * t.element_size() for t in [*group, tensor])
        if group and size > size_limit:
            yield list(group)
            group.clear()
        group.append(tensor)
    yield from (group for group in groups.values() if group)
