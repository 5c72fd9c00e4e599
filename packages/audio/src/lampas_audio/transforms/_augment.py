"""Changes of training data that do not change what is said."""

from __future__ import annotations

import numpy as np

import lampas
from lampas import Generator, Tensor, nn
from lampas.errors import ArgumentError
from lampas_audio import functional as F

__all__ = ["FrequencyMasking", "TimeMasking", "TimeShift"]


class _Masking(nn.Module):
    axis = -1

    def __init__(
        self,
        mask_param: int,
        iid_masks: bool = False,
        p: float = 1.0,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        self.mask_param, self.iid_masks, self.p = mask_param, iid_masks, p
        self.generator = generator

    def forward(self, specgram: Tensor, mask_value: float = 0.0) -> Tensor:
        """Map ``(..., freq, time)`` to the same shape."""
        mask = F.mask_along_axis_iid if self.iid_masks else F.mask_along_axis
        return mask(
            specgram, self.mask_param, mask_value, self.axis, self.p, self.generator
        )


class FrequencyMasking(_Masking):
    """Mask a band of frequencies.

    Args:
        freq_mask_param: the widest band.
        iid_masks: another band in each channel.
        generator: the default generator if None.
    """

    axis = -2

    def __init__(
        self,
        freq_mask_param: int,
        iid_masks: bool = False,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(freq_mask_param, iid_masks, 1.0, generator)


class TimeMasking(_Masking):
    """Mask a stretch of time.

    Args:
        time_mask_param: the longest stretch.
        iid_masks: another stretch in each channel.
        p: the largest part of the time that may be masked.
        generator: the default generator if None.
    """

    def __init__(
        self,
        time_mask_param: int,
        iid_masks: bool = False,
        p: float = 1.0,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(time_mask_param, iid_masks, p, generator)


class TimeShift(nn.Module):
    """Move along the last dimension by a random number of places, filling the gap.

    Args:
        most: the furthest move, to either side.
        fill: what stands in the gap.
        generator: the default generator if None.

    Raises:
        ValueError: ``most`` is negative.
    """

    def __init__(
        self, most: int, fill: float = 0.0, generator: Generator | None = None
    ) -> None:
        super().__init__()
        if most < 0:
            raise ArgumentError(f"TimeShift: most must not be negative, got {most}")
        self.most, self.fill, self.generator = most, fill, generator

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(..., time)`` to the same shape."""
        source = lampas.default_generator if self.generator is None else self.generator
        by = int(source.integers(-self.most, self.most + 1, 1)[0])
        values = x.detach().cpu().numpy()
        moved = np.full_like(values, self.fill)
        if by >= 0:
            moved[..., by:] = values[..., : values.shape[-1] - by]
        else:
            moved[..., :by] = values[..., -by:]
        return lampas.from_numpy(moved)
