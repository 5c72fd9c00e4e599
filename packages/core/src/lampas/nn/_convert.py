"""Moving, casting and switching all of a module at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self

from lampas import dtypes
from lampas.engine.tensor import Tensor, wrap
from lampas.errors import ArgumentError, ArgumentTypeError
from lampas.nn.parameter import is_lazy, stored
from lampas.ops.create import empty

__all__ = ["Conversions"]


class Conversions:
    """What Module can do to all of its parameters, buffers and children."""

    training: bool
    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    modules: Callable[[], Iterator[Any]]
    children: Callable[[], Iterator[Any]]
    parameters: Callable[[], Iterator[Tensor]]

    def apply(self, fn: Callable[[Any], None]) -> Self:
        """Call ``fn`` on every child, recursively, and then on this module."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Replace the values of all parameters, their gradients and all buffers."""
        for module in self.modules() if recurse else (self,):
            for param in module._parameters.values():
                if param is not None:
                    param._data = fn(wrap(stored(param)))._data
                    if param.grad is not None:
                        param.grad = fn(param.grad.data)
            for name, buffer in module._buffers.items():
                if is_lazy(buffer):
                    buffer._data = fn(wrap(stored(buffer)))._data
                elif buffer is not None:
                    new = fn(buffer)
                    new._extra = new._extra or buffer._extra
                    module._buffers[name] = new
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move parameters and buffers to a device, or cast the floating ones.

        Args:
            args, kwargs: as for ``Tensor.to``: a device, a dtype, both or a tensor.

        Raises:
            TypeError: the dtype is not floating or complex.
        """
        given = [*args, *kwargs.values()]
        dtype = next((a for a in given if isinstance(a, dtypes.DType)), None)
        like = next((a for a in given if isinstance(a, Tensor)), None)
        dtype = like.dtype if like is not None else dtype
        if dtype is not None and dtype.category < 2:
            raise ArgumentTypeError(
                "nn.Module.to only accepts floating point or complex dtypes, "
                f"got {dtype}"
            )
        device = next((a for a in args if _is_device(a)), kwargs.get("device"))
        device = like.device if like is not None else device

        def move(x: Tensor) -> Tensor:
            if device is not None:
                x = x.to(device)
            if dtype is not None and x.dtype.category >= 2:
                x = x.to(dtype)
            return x

        return self._apply(move)

    def _cast_floating(self, dtype: dtypes.DType) -> Self:
        return self._apply(lambda x: x.to(dtype) if x.is_floating_point() else x)

    def type(self, dst_type: Any) -> Self:
        """Cast all parameters and buffers."""
        dtype = dtypes.as_dtype(dst_type)
        return self._apply(lambda x: x.to(dtype))

    def float(self) -> Self:
        """Cast floating parameters and buffers to float32."""
        return self._cast_floating(dtypes.float32)

    def double(self) -> Self:
        """Cast floating parameters and buffers to float64."""
        return self._cast_floating(dtypes.float64)

    def half(self) -> Self:
        """Cast floating parameters and buffers to float16."""
        return self._cast_floating(dtypes.float16)

    def bfloat16(self) -> Self:
        """Cast floating parameters and buffers to bfloat16."""
        return self._cast_floating(dtypes.bfloat16)

    def cpu(self) -> Self:
        """Move everything to host memory."""
        return self.to("cpu")

    def cuda(self, device: Any = None) -> Self:
        """Move everything to a CUDA card (the first by default)."""
        if isinstance(device, int):
            device = f"cuda:{device}"
        return self.to("cuda" if device is None else device)

    def train(self, mode: bool = True) -> Self:
        """Set training mode here and in all children.

        Raises:
            ValueError: ``mode`` is not a bool.
        """
        if not isinstance(mode, bool):
            raise ArgumentError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Self:
        """Set evaluation mode here and in all children."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Train all parameters, or freeze them."""
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or fill them with zeros."""
        for param in self.parameters():
            if param.grad is not None:
                param.grad = None if set_to_none else _zeros(param.grad)

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Move to a device without the values: parameters and buffers have any.

        Args:
            device: where to.
            recurse: False leaves out the children.

        >>> import lampas
        >>> lampas.nn.Linear(2, 1).to_empty(device="sim").weight.device.type
        'sim'
        """
        return self._apply(
            lambda x: empty(x.shape, dtype=x.dtype, device=device), recurse
        )

    def share_memory(self) -> Self:
        """Move parameters and buffers to memory that other processes share."""
        return self._apply(_shared)


def _shared(x: Tensor) -> Tensor:
    """A copy in memory that other processes see and change as their own."""
    return x.detach().share_memory_() if x.device.type == "cpu" else x


def _is_device(value: Any) -> bool:
    return (
        isinstance(value, (str, int))
        and not isinstance(value, bool)
        or (hasattr(value, "type") and not isinstance(value, (Tensor, dtypes.DType)))
    )


def _zeros(grad: Tensor) -> Tensor:
    """Zeros in the form of a gradient; a sparse one lists no places."""
    if grad.is_sparse:
        return grad.detach().zero_()
    return wrap(grad._data * 0)
