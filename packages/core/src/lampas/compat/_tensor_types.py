"""``torch.FloatTensor`` and its kin, from the time before dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas import dtypes
from lampas.backend import cupy as _cupy
from lampas.backend.device import Device
from lampas.dtypes import DType
from lampas.engine.size import Size
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentTypeError
from lampas.ops.create import empty, tensor

__all__ = ["CUDA_TENSOR_TYPES", "TENSOR_TYPES", "TensorType"]


class TensorType(type):
    """The class of these names: each makes tensors of one dtype, on one device."""

    dtype: np.dtype  # NumPy looks here, and so lampas takes the name for its dtype
    kind: DType
    device: str

    def __call__(cls, *args: Any, device: Any = None) -> Tensor:
        if cls.device == "cuda" and not _cupy.is_available():
            raise ArgumentTypeError(
                f"type torch.cuda.{cls.__name__} not available: {_cupy.reason()}"
            )
        place = Device(cls.device if device is None else device)
        if args and all(isinstance(arg, int) for arg in args):
            return empty(*args, dtype=cls.kind, device=place)
        if len(args) > 1:
            raise ArgumentTypeError(
                f"{cls.__name__} takes sizes, or one sequence, tensor or array; got "
                f"{len(args)} arguments"
            )
        if not args:
            return empty(0, dtype=cls.kind, device=place)
        if isinstance(args[0], Size):
            return empty(args[0], dtype=cls.kind, device=place)
        if isinstance(args[0], Tensor):
            return args[0].detach().to(place, cls.kind)
        return tensor(args[0], dtype=cls.kind, device=place)

    def __instancecheck__(cls, value: object) -> bool:
        return (
            isinstance(value, Tensor)
            and value.device.type == cls.device
            and value.dtype is cls.kind
        )


_NAMES = {
    "BFloat16Tensor": dtypes.bfloat16,
    "BoolTensor": dtypes.bool_,
    "ByteTensor": dtypes.uint8,
    "CharTensor": dtypes.int8,
    "DoubleTensor": dtypes.float64,
    "FloatTensor": dtypes.float32,
    "HalfTensor": dtypes.float16,
    "IntTensor": dtypes.int32,
    "LongTensor": dtypes.int64,
    "ShortTensor": dtypes.int16,
}


def _types(module: str, device: str) -> dict[str, TensorType]:
    def one(name: str, dtype: DType) -> TensorType:
        inside = {"dtype": dtype.numpy, "kind": dtype, "device": device}
        return TensorType(name, (), {"__module__": module, **inside})

    return {name: one(name, dtype) for name, dtype in _NAMES.items()}


TENSOR_TYPES = _types("torch", "cpu")
CUDA_TENSOR_TYPES = _types("torch.cuda", "cuda")
