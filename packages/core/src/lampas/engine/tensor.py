"""The tensor: an array, the node that made it, and what views and in-place need.

Ops attach their methods with :func:`method`; this module only has what every tensor
has without any op.
"""

from __future__ import annotations

import copy
import functools
import weakref
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np

from lampas.backend.device import CPU, Device, backend_of, to_host
from lampas.dtypes import DType, from_numpy_dtype
from lampas.engine.size import Size
from lampas.engine.tape import Hooks, Leaf, Node
from lampas.errors import ArgumentTypeError, DTypeError, GradientError

__all__ = ["METHODS", "Size", "Tensor", "View", "method", "wrap"]

F = TypeVar("F", bound=Callable[..., Any])
METHODS: dict[str, Callable[..., Any]] = {}
"""Every method that ops have attached, by name."""


class View:
    """How a view comes from its base: the base and the steps (record, params)."""

    __slots__ = ("base", "steps")

    def __init__(self, base: Tensor, steps: tuple[Any, ...]) -> None:
        self.base = base
        self.steps = steps


class Tensor:
    """A multi-dimensional array of one data type that can record how it was made.

    Tensors are made by functions such as :func:`lampas.tensor` and
    :func:`lampas.zeros`; the class itself takes data or sizes as PyTorch's does.

    >>> import lampas
    >>> x = lampas.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    # _data: the array. _node: what made it, a Leaf if it gathers gradients, or None.
    # _cell: [version, live views], shared by all views of one memory, or None.
    # _view: a View, or None. _extra: rarely used marks (see _mark), or None.
    __slots__ = (
        "__dict__",
        "__weakref__",
        "_cell",
        "_data",
        "_extra",
        "_node",
        "_view",
    )

    # NumPy's binary operators leave the work to ours.
    __array_priority__ = 1000

    def __init__(self, *data: Any, device: Any = None) -> None:
        if len(data) == 1 and isinstance(data[0], (list, np.ndarray, Tensor)):
            array = np.array(_plain(data[0]), dtype=np.float32)
        elif len(data) == 1 and isinstance(data[0], tuple):
            array = np.zeros(data[0], np.float32)
        else:
            array = np.zeros(data if data else (0,), np.float32)
        self._data = array
        self._node = self._cell = self._view = self._extra = None

    # ---- what it is

    @property
    def shape(self) -> Size:
        """The sizes of the dimensions."""
        return Size(self._data.shape)

    @property
    def dtype(self) -> DType:
        """The data type of the elements."""
        return from_numpy_dtype(self._data.dtype)

    @property
    def device(self) -> Device:
        """The device on which the elements live."""
        data = self._data
        return CPU if type(data) is np.ndarray else backend_of(data)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._data.ndim

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self._data.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self._data.nbytes

    @property
    def layout(self) -> str:
        """Always strided: lampas has dense tensors."""
        return "lampas.strided"

    is_sparse = False
    is_sparse_csr = False
    is_meta = False

    @property
    def is_cuda(self) -> bool:
        """Whether the elements live on a CUDA card."""
        return self.device.type == "cuda"

    @property
    def is_cpu(self) -> bool:
        """Whether the elements live in host memory."""
        return self.device.type == "cpu"

    def dim(self) -> int:
        """The number of dimensions."""
        return self._data.ndim

    ndimension = dim

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension.

        Raises:
            IndexError: ``dim`` is out of range.
        """
        shape = self._data.shape
        if dim is None:
            return Size(shape)
        if not -len(shape) <= dim < len(shape):
            raise IndexError(
                f"dim must be in [{-len(shape)}, {len(shape) - 1}], got {dim}"
            )
        return shape[dim]

    def stride(self, dim: int | None = None) -> Any:
        """Steps in elements between neighbours, along all dimensions or one."""
        strides = tuple(s // self._data.itemsize for s in self._data.strides)
        return strides if dim is None else strides[dim]

    def numel(self) -> int:
        """The number of elements."""
        return self._data.size

    nelement = numel

    def element_size(self) -> int:
        """Bytes of one element."""
        return self._data.itemsize

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """Whether the elements lie in memory in row-major order without gaps."""
        return self._data.flags.c_contiguous

    def is_floating_point(self) -> bool:
        """Whether the elements are real floating-point numbers."""
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        """Whether the elements are complex numbers."""
        return self.dtype.is_complex

    def is_signed(self) -> bool:
        """Whether elements can be negative."""
        return self.dtype.is_signed

    def data_ptr(self) -> int:
        """Address of the first element."""
        return int(self._data.__array_interface__["data"][0])

    def storage_offset(self) -> int:
        """Elements between the start of the base's memory and this view's."""
        base = self._data.base
        if not isinstance(base, np.ndarray) or self._data.size == 0:
            return 0
        start = base.__array_interface__["data"][0]
        return (self.data_ptr() - start) // self._data.itemsize

    # ---- values for Python and NumPy

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """The elements as a NumPy array that shares memory where it can.

        Args:
            force: detach and copy from a device first where that is needed.

        Raises:
            RuntimeError: the tensor requires a gradient (call ``detach()`` first).
            TypeError: the tensor lives on a device (call ``cpu()`` first).
        """
        if self._node is not None and not force:
            raise GradientError(
                "can't call numpy() on a tensor that requires grad; "
                "use tensor.detach().numpy()"
            )
        if not force and self.device.type != "cpu":
            raise ArgumentTypeError(
                f"can't convert a tensor on {self.device} to NumPy; "
                "use tensor.cpu() to copy it to host memory first"
            )
        return to_host(self._data)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    def __dlpack__(self, **options: Any) -> Any:
        if self._node is not None:
            raise GradientError("can't export a tensor that requires grad; detach it")
        return self._data.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._data.__dlpack_device__()

    def item(self) -> Any:
        """The value of a tensor of one element, as a Python number.

        Raises:
            RuntimeError: it has another number of elements.
        """
        if self._data.size != 1:
            raise GradientError(
                f"a tensor with {self._data.size} elements cannot be converted to "
                "a Python number; item() needs exactly one element"
            )
        value = to_host(self._data).reshape(()).item()
        return float(value) if self.dtype.is_floating_point else value

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers."""
        array = to_host(self._data)
        if self.dtype.name == "bfloat16":
            array = array.astype(np.float32)
        return array.tolist()

    def __float__(self) -> float:
        return float(self._real_item())

    def __int__(self) -> int:
        return int(self._real_item())

    def _real_item(self) -> Any:
        """The value; of a complex number without imaginary part the real part."""
        value = self.item()
        if isinstance(value, complex) and value.imag == 0:
            return value.real
        return value

    def __complex__(self) -> complex:
        return complex(self.item())

    def __index__(self) -> int:
        if self.dtype.category > 1 or self._data.size != 1:
            raise ArgumentTypeError(
                "only integer tensors of a single element can be converted to an index"
            )
        return int(self.item())

    def __bool__(self) -> bool:
        if self._data.size != 1:
            raise GradientError(
                "the truth value of a tensor with other than one element is "
                f"ambiguous (it has {self._data.size}); use .any() or .all()"
            )
        return bool(self.item())

    def __len__(self) -> int:
        if self._data.ndim == 0:
            raise ArgumentTypeError("len() of a 0-d tensor")
        return self._data.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if self._data.ndim == 0:
            raise ArgumentTypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return id(self)

    def __format__(self, spec: str) -> str:
        if self._data.ndim == 0:
            return format(self.item(), spec)
        return object.__format__(self, spec) if spec else str(self)

    def __repr__(self) -> str:
        return PRINTER[0](self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if self._node is not None and not isinstance(self._node, Leaf):
            raise GradientError(
                "only tensors created by the user (leaves) can be deep-copied; "
                "detach() this one first"
            )
        result = wrap(self._data.copy())
        result.__class__ = self.__class__
        if self._extra is not None:
            result._extra = {k: v for k, v in self._extra.items() if k != "grad"}
        if self._node is not None:
            result._node = Leaf(result)
        result.__dict__.update(self.__dict__)
        memo[id(self)] = result
        g = self.grad
        if g is not None:
            result.grad = copy.deepcopy(g) if g.is_sparse else wrap(g._data.copy())
        return result

    def __reduce_ex__(self, protocol: Any) -> Any:
        if self._node is not None and not isinstance(self._node, Leaf):
            raise GradientError(
                "can't serialize a tensor that is the result of an operation; "
                "detach() it first"
            )
        state = (to_host(self._data), self.requires_grad, self.is_parameter)
        return _rebuild, (type(self), *state)

    # ---- gradients

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded."""
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Start or stop recording operations on this tensor; returns it.

        Raises:
            RuntimeError: it is not floating or complex, or not a leaf.
        """
        node = self._node
        if requires_grad and node is None:
            if self.dtype.category < 2:
                raise DTypeError(
                    "only tensors of floating point and complex dtype can require "
                    f"gradients, got {self.dtype}"
                )
            self._node = Leaf(self)
            if self._extra is not None and "grad" in self._extra:
                self._node.grad = self._extra.pop("grad")
        elif not requires_grad and node is not None:
            if type(node) is not Leaf:
                raise GradientError(
                    "you can only change requires_grad of leaf tensors; "
                    "use detach() for a tensor that does not require grad"
                )
            if node.grad is not None:
                self._mark("grad", node.grad)
            self._node = None
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this tensor."""
        return self._node is None or type(self._node) is Leaf

    @property
    def grad(self) -> Tensor | None:
        """The gradient that ``backward`` has gathered, or None."""
        node = self._node
        if type(node) is Leaf:
            return node.grad
        return None if self._extra is None else self._extra.get("grad")

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise ArgumentTypeError(f"grad must be a Tensor or None, got {value!r}")
            if value._data.shape != self._data.shape:
                raise GradientError(
                    f"grad must have the tensor's shape {tuple(self.shape)}, "
                    f"got {tuple(value.shape)}"
                )
        if type(self._node) is Leaf:
            self._node.grad = value
        else:
            self._mark("grad", value)

    @grad.deleter
    def grad(self) -> None:
        self.grad = None

    @property
    def grad_fn(self) -> Node | None:
        """The recorded operation that made this tensor, or None for a leaf."""
        return None if self.is_leaf else self._node

    def retain_grad(self) -> None:
        """Keep the gradient of this non-leaf tensor in ``grad``."""
        if self._node is None:
            raise GradientError("can't retain_grad on a tensor that requires no grad")
        if type(self._node) is Leaf or (self._extra and "retains" in self._extra):
            return
        self._mark("retains", True)
        self._retain()

    def _retain(self) -> None:
        """Have the present node keep the gradient here, after all hooks have run."""
        owner = weakref.ref(self)

        def keep(grad: Tensor) -> None:
            tensor = owner()
            if tensor is not None:
                before = tensor.grad
                tensor._mark("grad", grad if before is None else before + grad)

        if self._node.hooks is None:
            self._node.hooks = Hooks()
        self._node.hooks.keep = keep

    def _renode(self, node: Any) -> None:
        """Take another history; a gradient that is kept is then that of the new one."""
        old, self._node = self._node, node
        if self._extra is not None and "retains" in self._extra:
            if old is not None and old.hooks is not None:
                old.hooks.keep = None
            if node is not None:
                self._retain()

    @property
    def retains_grad(self) -> bool:
        """Whether this non-leaf tensor keeps its gradient."""
        return bool(self._extra and "retains" in self._extra)

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Any:
        """Call ``hook(grad)`` when this tensor's gradient is computed.

        A result other than None replaces the gradient. Returns a handle with
        ``remove()``.

        >>> import lampas
        >>> x = lampas.tensor(1.0, requires_grad=True)
        >>> handle = x.register_hook(lambda g: g * 10)
        >>> (x * 2).backward()
        >>> x.grad
        tensor(20.)
        """
        if self._node is None:
            raise GradientError(
                "cannot register a hook on a tensor that doesn't require gradient"
            )
        return self._node.add_hook(hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> Any:
        """Call ``hook(tensor)`` each time ``backward`` has added to its gradient."""
        if type(self._node) is not Leaf:
            raise GradientError(
                "post accumulate grad hooks can only be registered on leaf tensors "
                "that require grad"
            )
        if self._node.after is None:
            self._node.after = Hooks()
        return self._node.after.add(hook)

    def detach(self) -> Tensor:
        """This tensor's values, sharing memory, cut off from what made it."""
        result = wrap(self._data)
        result._cell = shared_cell(self)
        return result

    def detach_(self) -> Tensor:
        """Cut this tensor off from what made it; returns it."""
        self._node = None
        return self

    @property
    def data(self) -> Tensor:
        """The values as a tensor of their own history; assign to swap them."""
        return wrap(self._data)

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise ArgumentTypeError(
                f"data must be a Tensor, got {type(value).__name__}"
            )
        self._data = value._data

    @property
    def _version(self) -> int:
        """How many times this memory was changed in place."""
        return 0 if self._cell is None else self._cell[0]

    @property
    def _base(self) -> Tensor | None:
        """The tensor of which this is a view, or None."""
        return None if self._view is None else self._view.base

    def _is_view(self) -> bool:
        return self._view is not None

    @property
    def is_parameter(self) -> bool:
        """Whether this tensor is an ``nn.Parameter``."""
        return bool(self._extra and "parameter" in self._extra)

    def is_inference(self) -> bool:
        """Whether the tensor was made in inference mode; lampas keeps no such mark."""
        return False

    def _mark(self, name: str, value: Any) -> None:
        """Set one of the rare marks: grad, retains, parameter, persistent."""
        if self._extra is None:
            self._extra = {}
        self._extra[name] = value


def wrap(data: Any, node: Node | None = None) -> Tensor:
    """Return a tensor around an array, without a copy."""
    tensor = _new(Tensor)
    tensor._data = data
    tensor._node = node
    tensor._cell = tensor._view = tensor._extra = None
    return tensor


_new = object.__new__


def shared_cell(tensor: Tensor) -> list[Any]:
    """The cell of a tensor's memory; made when first needed."""
    cell = tensor._cell
    if cell is None:
        cell = tensor._cell = [0, None]
    return cell


def _rebuild(cls: type, array: np.ndarray, requires_grad: bool, mark: bool) -> Tensor:
    tensor = wrap(array)
    tensor.__class__ = cls
    if mark:
        tensor._mark("parameter", True)
    return tensor.requires_grad_(requires_grad)


def _plain(data: Any) -> Any:
    return data._data if isinstance(data, Tensor) else data


def _unprinted(tensor: Tensor) -> str:
    return f"<tensor of shape {tuple(tensor.shape)}>"


PRINTER: list[Callable[[Tensor], str]] = [_unprinted]
"""Holds the function behind ``repr``; printing stands above the ops that it uses."""


def method(*names: str, inplace: bool = False) -> Callable[[F], F]:
    """Attach a function to Tensor as a method.

    Args:
        names: the method's names; the function's own if none is given.
        inplace: also attach ``name_``, which stores the result in the tensor.
    """

    def attach(function: F) -> F:
        for name in names or (function.__name__,):
            METHODS[name] = function
            setattr(Tensor, name, function)
            if inplace and not name.startswith("__"):
                METHODS[name + "_"] = variant = _inplace(function, name)
                setattr(Tensor, name + "_", variant)
        return function

    return attach


def _inplace(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def variant(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return ASSIGN[0](self, function, args, kwargs)

    variant.__name__ = variant.__qualname__ = name + "_"
    variant.__doc__ = f"In-place version of :func:`lampas.{name}`."
    return variant


# engine.inplace puts its function here: it needs the call path, which needs Tensor.
ASSIGN: list[Callable[..., Tensor]] = []
