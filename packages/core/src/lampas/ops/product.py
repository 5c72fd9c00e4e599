"""Products composed of others: inner, outer sums, Kronecker, cross."""

from __future__ import annotations

from lampas.engine.autocast import computes_in
from lampas.engine.infer import broadcast_shapes
from lampas.engine.tensor import Tensor, method
from lampas.errors import DTypeError, ShapeError
from lampas.ops._arguments import normalize_dim
from lampas.ops.arrange import roll
from lampas.ops.einsum import tensordot
from lampas.ops.matmul import combined, dot, mm, mv, need_ndim, outer
from lampas.ops.shape import permute, reshape

__all__ = ["addbmm", "addmv", "addr", "cross", "ger", "inner", "kron", "vdot"]


@method()
@computes_in("half:cuda")
def vdot(input: Tensor, other: Tensor) -> Tensor:
    """Inner product of two vectors, the first conjugated.

    Args:
        input, other: (n,).

    Raises:
        RuntimeError: not vectors, or sizes differ.

    >>> lampas.vdot(lampas.tensor([1.0, 2.0]), lampas.tensor([3.0, 4.0]))
    tensor(11.)
    """
    return dot(input.conj() if input.is_complex() else input, other)


@method()
def inner(input: Tensor, other: Tensor) -> Tensor:
    """Sum products over the last dimensions of both; with a 0-d tensor, multiply.

    Args:
        input: (..., n). other: (..., n).

    Raises:
        RuntimeError: the last sizes differ.

    >>> lampas.inner(lampas.ones(2, 3), lampas.ones(3))
    tensor([3., 3.])
    """
    a, b = input._data, other._data
    if a.ndim == 0 or b.ndim == 0:
        return input * other
    if a.shape[-1] != b.shape[-1]:
        raise ShapeError(
            f"inner: the last sizes must be equal, got shapes {a.shape} and {b.shape}"
        )
    return tensordot(input, other, ([a.ndim - 1], [b.ndim - 1]))


ger = method("ger")(outer)


@method(inplace=True)
@computes_in("half:cuda")
def addmv(
    input: Tensor, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """``y = beta * input + alpha * mat @ vec``.

    Args:
        input: broadcasts to (n,). mat: (n, k). vec: (k,).
        beta, alpha: factors; with ``beta=0``, ``input`` is not looked at.

    >>> lampas.addmv(lampas.ones(1), lampas.ones(1, 2), lampas.ones(2))
    tensor([3.])
    """
    return combined("addmv", input, mv(mat, vec), beta, alpha)


@method(inplace=True)
@computes_in("half:cuda")
def addr(
    input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """``y = beta * input + alpha * outer(vec1, vec2)``.

    Args:
        input: broadcasts to (n, m). vec1: (n,). vec2: (m,).
        beta, alpha: factors; with ``beta=0``, ``input`` is not looked at.

    >>> lampas.addr(lampas.ones(1), lampas.ones(1), lampas.ones(2))
    tensor([[2., 2.]])
    """
    if input.dtype.category == vec1.dtype.category == vec2.dtype.category == 0:
        # Sums and products of bools are "or" and "and", factors bools too.
        product = outer(vec1, vec2) & bool(alpha)
        return product | input if beta else product
    return combined("addr", input, outer(vec1, vec2), beta, alpha)


@method(inplace=True)
@computes_in("half")
def addbmm(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    *,
    beta: float = 1,
    alpha: float = 1,
) -> Tensor:
    """``y = beta * input + alpha * sum_b batch1[b] @ batch2[b]``.

    Args:
        input: broadcasts to (n, m). batch1: (b, n, k). batch2: (b, k, m).
        beta, alpha: factors; with ``beta=0``, ``input`` is not looked at.

    >>> x = lampas.ones(2, 1, 2)
    >>> lampas.addbmm(lampas.ones(1), x, x.transpose(1, 2))
    tensor([[5.]])
    """
    need_ndim("addbmm", "batch1", batch1, 3)
    need_ndim("addbmm", "batch2", batch2, 3)
    b, n, k = batch1._data.shape
    if batch2._data.shape[:2] != (b, k):
        raise ShapeError(
            f"addbmm: batch1 of shape {batch1._data.shape} and batch2 of shape "
            f"{batch2._data.shape} don't fit: expected (b, n, k) and (b, k, m)"
        )
    # The sum over the batch is part of one product.
    rows = reshape(permute(batch1, 1, 0, 2), n, b * k)
    product = mm(rows, reshape(batch2, b * k, batch2._data.shape[2]))
    return combined("addbmm", input, product, beta, alpha)


@method()
def kron(input: Tensor, other: Tensor) -> Tensor:
    """Kronecker product: each element of ``input`` times the whole of ``other``.

    >>> lampas.kron(lampas.tensor([1, 10]), lampas.tensor([1, 2]))
    tensor([ 1,  2, 10, 20])
    """
    ndim = max(input._data.ndim, other._data.ndim)
    a = (1,) * (ndim - input._data.ndim) + input._data.shape
    b = (1,) * (ndim - other._data.ndim) + other._data.shape
    left = reshape(input, [s for size in a for s in (size, 1)])
    right = reshape(other, [s for size in b for s in (1, size)])
    return reshape(left * right, [x * y for x, y in zip(a, b, strict=True)])


@method()
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """Vector product in three dimensions.

    Args:
        input, other: of shapes that broadcast, with size 3 at ``dim``.
        dim: the dimension; by default the first of size 3.

    Raises:
        RuntimeError: that size is not 3, or the numbers of dimensions differ.

    >>> x = lampas.eye(3)
    >>> lampas.cross(x[0], x[1])
    tensor([0., 0., 1.])
    """
    a, b = input._data.shape, other._data.shape
    if len(a) != len(b):
        raise ShapeError(
            f"cross: inputs must have equally many dimensions, got {a} and {b}"
        )
    if input.dtype.category == 0:
        raise DTypeError("cross is not defined for bool tensors")
    shape = broadcast_shapes(a, b)
    if dim is None:
        dim = next((d for d, size in enumerate(shape) if size == 3), -1)
    dim = normalize_dim(dim, len(a))
    if not shape or a[dim] != 3 or b[dim] != 3:
        raise ShapeError(
            f"cross: dimension {dim} must have size 3 in both, got {a} and {b}"
        )
    x, y = input.expand(*shape), other.expand(*shape)
    return roll(x, -1, dim) * roll(y, -2, dim) - roll(x, -2, dim) * roll(y, -1, dim)
