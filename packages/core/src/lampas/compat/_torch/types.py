"""``torch.types``: names for annotations."""

from __future__ import annotations

from collections.abc import Sequence

from lampas.backend.device import Device as _Device
from lampas.dtypes import DType
from lampas.engine.size import Size
from lampas.engine.tensor import Tensor

__all__ = ["Device", "Number", "Tensor"]

Number = int | float | bool
Device = _Device | str | int | None
_dtype = DType
_device = _Device
_size = Size | list[int] | tuple[int, ...]
_int, _float, _bool, _complex = int, float, bool, complex
_TensorOrTensors = Tensor | Sequence[Tensor]
