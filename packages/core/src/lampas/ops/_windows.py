"""Windows of a pooling on arrays: one shifted view for each place in the kernel."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

__all__ = ["Windows", "taps", "uncover"]


class Windows(NamedTuple):
    """Sizes of a pooling over the last dimensions of an array."""

    size: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    out: tuple[int, ...]

    @property
    def ends(self) -> tuple[int, ...]:
        """Padding behind each dimension, as far as windows reach."""
        return tuple(
            max(0, (o - 1) * s + d * (k - 1) + 1 - n - p)
            for o, s, d, k, n, p in zip(
                self.out,
                self.stride,
                self.dilation,
                self.kernel,
                self.size,
                self.padding,
                strict=True,
            )
        )

    @property
    def reach(self) -> tuple[int, ...]:
        """From the first to the last element of a window, along each dimension."""
        return tuple(
            d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel, strict=True)
        )

    def cover(self, xp: Any, x: Any, fill: Any) -> Any:
        """``x`` with ``fill`` around, so that every window lies inside."""
        ends = self.ends
        if not any(self.padding) and not any(ends):
            return x
        lead = x.ndim - len(self.size)
        pads = ((0, 0),) * lead + tuple(zip(self.padding, ends, strict=True))
        return xp.pad(x, pads, constant_values=fill)

    def covered_shape(self, lead: tuple[int, ...]) -> tuple[int, ...]:
        """The shape that :meth:`cover` gives."""
        return lead + tuple(
            p + n + e
            for p, n, e in zip(self.padding, self.size, self.ends, strict=True)
        )

    @property
    def count(self) -> int:
        """Number of places in the kernel."""
        return math.prod(self.kernel)


def taps(windows: Windows) -> Iterator[tuple[Any, ...]]:
    """For each place in the kernel, the index of its elements in all windows."""
    for place in itertools.product(*map(range, windows.kernel)):
        yield (
            ...,
            *(
                slice(i * d, i * d + (o - 1) * s + 1, s)
                for i, d, o, s in zip(
                    place, windows.dilation, windows.out, windows.stride, strict=True
                )
            ),
        )


def uncover(image: Any, windows: Windows) -> Any:
    """The inside of what :meth:`Windows.cover` gave."""
    inside = tuple(
        slice(p, p + n) for p, n in zip(windows.padding, windows.size, strict=True)
    )
    return image[(..., *inside)]
