"""Matrix products: of matrices, vectors and batches, and the affine map of a layer."""

from __future__ import annotations

import math
from typing import Any

from lampas.engine.autocast import computes_in
from lampas.engine.batching import aligned, all_batched, moved, pointwise
from lampas.engine.infer import Spec, broadcast_shapes
from lampas.engine.record import BILINEAR, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import ArgumentTypeError, ShapeError

__all__ = ["addmm", "baddbmm", "bmm", "dot", "matmul", "mm", "mv", "outer"]


def _matmul_spec(specs: Any) -> Spec:
    (x, dtype), (other, _) = specs
    batch = broadcast_shapes(x[:-2], other[:-2])
    return Spec((*batch, x[-2], other[-1]), dtype)


_matmul = op(
    "matmul",
    kind=BILINEAR,
    ufunc="matmul",
    promote="promote",
    saves="x?1 other?0 x.shape other.shape",
    infer=_matmul_spec,
    autocast="half",
)
"""Product of (batches of) matrices; both operands have two dimensions or more."""


@_matmul.vjp
def matmul_vjp(
    F: Any, g: Any, x: Any, other: Any, shape: Any, other_shape: Any, *, need: Any
) -> Any:
    dx = dother = None
    if need[0]:
        dx = F.sum_to(F.matmul(g, F.conj(F.matrix_transpose(other))), shape=shape)
    if need[1]:
        dother = F.matmul(F.conj(F.matrix_transpose(x)), g)
        dother = F.sum_to(dother, shape=other_shape)
    return dx, dother


pointwise(_matmul)


def _transposed_spec(specs: Any) -> Spec:
    shape, dtype = specs[0]
    return Spec((*shape[:-2], shape[-1], shape[-2]), dtype)


_matrix_transpose = op(
    "matrix_transpose", kind="shape", view=True, infer=_transposed_spec
)


@_matrix_transpose.forward
def matrix_transpose_forward(xp: Any, x: Any) -> Any:
    return x.swapaxes(-1, -2)


@_matrix_transpose.vjp
def matrix_transpose_vjp(F: Any, g: Any, *, need: Any) -> Any:
    return (F.matrix_transpose(g),)


moved(_matrix_transpose)


def _product(name: str, x: Tensor, other: Tensor) -> Tensor:
    a, b = x._data.shape, other._data.shape
    if a[-1] != b[-2]:
        hint = ""
        if a[-1] == b[-1]:
            hint = ". Did you mean other.T?"
        raise ShapeError(
            f"{name}: input is {a} and other is {b}; input's last dimension must "
            f"equal other's last but one ({a[-1]} != {b[-2]}){hint}"
        )
    return _matmul.call(x, other)


@method("matmul", "__matmul__")
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """Matrix product: ``y[..., i, j] = sum_k input[..., i, k] * other[..., k, j]``.

    Vectors count as a row on the left and a column on the right, and that dimension is
    dropped again; leading dimensions broadcast.

    Args:
        input: of shape (..., n, k) or (k,).
        other: of shape (..., k, m) or (k,).

    Raises:
        RuntimeError: the inner sizes differ, or an operand is 0-d.

    >>> lampas.matmul(lampas.tensor([[1.0, 2.0]]), lampas.tensor([3.0, 4.0]))
    tensor([11.])
    """
    if not isinstance(other, Tensor):
        raise ArgumentTypeError(
            f"matmul: other must be a Tensor, got {type(other).__name__}"
        )
    n, m = input._data.ndim, other._data.ndim
    if n >= 2 and m >= 2:
        return _product("matmul", input, other)
    if n == 0 or m == 0:
        raise ShapeError(
            "matmul: both operands need at least one dimension, got "
            f"{input._data.shape} and {other._data.shape}; use * for a scalar"
        )
    left = input.reshape(1, -1) if n == 1 else input
    right = other.reshape(-1, 1) if m == 1 else other
    if left._data.shape[-1] != right._data.shape[-2]:
        raise ShapeError(
            f"matmul: input is {input._data.shape} and other is {other._data.shape}; "
            f"inner sizes must be equal "
            f"({left._data.shape[-1]} != {right._data.shape[-2]})"
        )
    result = _matmul.call(left, right)
    shape = result._data.shape
    if n == 1 and m == 1:
        return result.reshape(())
    return result.reshape(shape[:-2] + shape[-1:] if n == 1 else shape[:-1])


def need_ndim(name: str, argument: str, x: Tensor, ndim: int) -> None:
    if x._data.ndim != ndim:
        raise ShapeError(
            f"{name}: {argument} must have {ndim} dimensions, got shape "
            f"{tuple(x.shape)}"
        )


@method()
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """Product of two matrices, without broadcasting.

    Args:
        input: (n, k). mat2: (k, m).

    Raises:
        RuntimeError: not matrices, or the inner sizes differ.

    >>> lampas.mm(lampas.ones(2, 3), lampas.ones(3, 1))
    tensor([[3.],
            [3.]])
    """
    need_ndim("mm", "input", input, 2)
    need_ndim("mm", "mat2", mat2, 2)
    return _product("mm", input, mat2)


@method()
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """Products of two equally long batches of matrices.

    Args:
        input: (b, n, k). mat2: (b, k, m).

    Raises:
        RuntimeError: not 3-D, or sizes differ.

    >>> lampas.bmm(lampas.ones(2, 1, 3), lampas.ones(2, 3, 1)).shape
    lampas.Size([2, 1, 1])
    """
    need_ndim("bmm", "input", input, 3)
    need_ndim("bmm", "mat2", mat2, 3)
    if input._data.shape[0] != mat2._data.shape[0]:
        raise ShapeError(
            f"bmm: input has {input._data.shape[0]} matrices and mat2 "
            f"{mat2._data.shape[0]}; they must be equally many"
        )
    return _product("bmm", input, mat2)


@method()
@computes_in("half:cuda")
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """Product of a matrix and a vector.

    Args:
        input: (n, k). vec: (k,).

    Raises:
        RuntimeError: wrong numbers of dimensions, or sizes differ.

    >>> lampas.mv(lampas.ones(2, 2), lampas.tensor([1.0, 2.0]))
    tensor([3., 3.])
    """
    need_ndim("mv", "input", input, 2)
    need_ndim("mv", "vec", vec, 1)
    return matmul(input, vec)


@method()
@computes_in("half:cuda")
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """Inner product of two vectors: ``sum_i input[i] * tensor[i]``.

    Args:
        input, tensor: (n,).

    Raises:
        RuntimeError: not vectors, or sizes differ.

    >>> lampas.dot(lampas.tensor([1.0, 2.0]), lampas.tensor([3.0, 4.0]))
    tensor(11.)
    """
    need_ndim("dot", "input", input, 1)
    need_ndim("dot", "tensor", tensor, 1)
    return matmul(input, tensor)


@method()
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """Outer product of two vectors: ``y[i, j] = input[i] * vec2[j]``.

    Args:
        input: (n,). vec2: (m,).

    Raises:
        RuntimeError: not vectors.

    >>> lampas.outer(lampas.tensor([1.0, 2.0]), lampas.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    need_ndim("outer", "input", input, 1)
    need_ndim("outer", "vec2", vec2, 1)
    return input.reshape(-1, 1) * vec2


@method(inplace=True)
@computes_in("half")
def addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """Matrix product added to a matrix: ``y = beta * input + alpha * mat1 @ mat2``.

    Args:
        input: broadcasts to (n, m). mat1: (n, k). mat2: (k, m).
        beta, alpha: factors; with ``beta=0``, ``input`` is not looked at.

    >>> lampas.addmm(lampas.ones(1), lampas.ones(1, 2), lampas.ones(2, 1))
    tensor([[3.]])
    """
    return combined("addmm", input, mm(mat1, mat2), beta, alpha)


@method(inplace=True)
@computes_in("half")
def baddbmm(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    *,
    beta: float = 1,
    alpha: float = 1,
) -> Tensor:
    """Batched :func:`addmm`: ``y = beta * input + alpha * batch1 @ batch2``.

    Args:
        input: broadcasts to (b, n, m). batch1: (b, n, k). batch2: (b, k, m).
        beta, alpha: factors; with ``beta=0``, ``input`` is not looked at.

    >>> x = lampas.ones(1, 1, 2)
    >>> lampas.baddbmm(lampas.ones(1), x, x.transpose(1, 2))
    tensor([[[3.]]])
    """
    return combined("baddbmm", input, bmm(batch1, batch2), beta, alpha)


def combined(
    name: str, input: Tensor, product: Tensor, beta: float, alpha: float
) -> Tensor:
    """``beta * input + alpha * product``; NaN in input does not matter if beta is 0."""
    wanted, shape = product._data.shape, input._data.shape
    short = len(wanted) - len(shape)
    if short < 0 or any(
        size not in (1, wanted[short + i]) for i, size in enumerate(shape)
    ):
        raise ShapeError(
            f"{name}: input of shape {shape} can't be broadcast to the product's "
            f"shape {wanted}"
        )
    if product.dtype.category < 2:
        # PyTorch cuts the factors of integers off after the point.
        beta, alpha = int(beta), int(alpha)
    if alpha != 1:
        product = product * alpha
    if beta == 0:
        return product
    return product + (input if beta == 1 else input * beta)


def _linear_spec(specs: Any) -> Spec:
    (x, dtype), (weight, _) = specs[:2]
    return Spec((*x[:-1], weight[0]), dtype)


_linear = op(
    "linear",
    kind=BILINEAR,
    promote="promote",
    saves="x?1 weight?0",
    fresh=True,
    infer=_linear_spec,
    autocast="half",
)
_linear_bias = op(
    "linear_bias",
    kind="opaque",
    promote="promote",
    saves="x?1 weight?0",
    fresh=True,
    infer=_linear_spec,
    autocast="half",
)


def _linear_input_spec(specs: Any) -> Spec:
    (x, dtype), (weight, _) = specs
    return Spec((*x[:-1], weight[1]), dtype)


def _linear_weight_spec(specs: Any) -> Spec:
    (g, dtype), (x, _) = specs
    return Spec((g[-1], x[-1]), dtype)


def _linear_sum_spec(specs: Any) -> Spec:
    return Spec(specs[0].shape[-1:], specs[0].dtype)


_linear_input = op(
    "linear_input",
    kind=BILINEAR,
    saves="x?1 weight?0",
    fresh=True,
    infer=_linear_input_spec,
)
"""Gradient of linear by its input: ``g @ weight``."""
_linear_weight = op(
    "linear_weight",
    kind=BILINEAR,
    saves="g?1 x?0",
    fresh=True,
    infer=_linear_weight_spec,
)
"""Gradient of linear by its weight: ``g^T @ x`` over all leading dimensions."""
_linear_sum = op(
    "linear_sum", kind="linear", saves="x.shape", fresh=True, infer=_linear_sum_spec
)
"""Gradient of linear by its bias: the sum over all leading dimensions."""


def _rows(x: Any) -> Any:
    return x if x.ndim == 2 else x.reshape(-1, x.shape[-1])


@_linear.forward
def linear_forward(xp: Any, x: Any, weight: Any) -> Any:
    if x.ndim == 2:
        return x @ weight.T
    return (_rows(x) @ weight.T).reshape(*x.shape[:-1], weight.shape[0])


@_linear.vjp
def linear_vjp(F: Any, g: Any, x: Any, weight: Any, *, need: Any) -> Any:
    return (
        F.linear_input(g, F.conj(weight)) if need[0] else None,
        F.linear_weight(g, F.conj(x)) if need[1] else None,
    )


@_linear.batch
def linear_batch(F: Any, size: int, batched: Any, x: Any, weight: Any) -> Any:
    if not batched[1]:
        return F.linear(x, weight)
    return F.matmul(*aligned(F, batched, (x, F.matrix_transpose(weight))))


@_linear_bias.forward
def linear_bias_forward(xp: Any, x: Any, weight: Any, bias: Any) -> Any:
    y = linear_forward(xp, x, weight)
    y += bias
    return y


@_linear_bias.vjp
def linear_bias_vjp(F: Any, g: Any, x: Any, weight: Any, *, need: Any) -> Any:
    return (
        F.linear_input(g, F.conj(weight)) if need[0] else None,
        F.linear_weight(g, F.conj(x)) if need[1] else None,
        F.linear_sum(g) if need[2] else None,
    )


@_linear_bias.batch
def linear_bias_batch(
    F: Any, size: int, batched: Any, x: Any, weight: Any, bias: Any
) -> Any:
    if not batched[1] and not batched[2]:
        return F.linear_bias(x, weight, bias)
    y = linear_batch(F, size, batched[:2], x, weight) if any(batched[:2]) else None
    if y is None:
        y = F.linear(x, weight)
    return F.add(*aligned(F, (any(batched[:2]), batched[2]), (y, bias)))


@_linear_input.forward
def linear_input_forward(xp: Any, x: Any, weight: Any) -> Any:
    if x.ndim == 2:
        return x @ weight
    return (_rows(x) @ weight).reshape(*x.shape[:-1], weight.shape[1])


@_linear_input.vjp
def linear_input_vjp(F: Any, h: Any, x: Any, weight: Any, *, need: Any) -> Any:
    return (
        F.linear(h, F.conj(weight)) if need[0] else None,
        F.linear_weight(F.conj(x), h) if need[1] else None,
    )


@_linear_input.batch
def linear_input_batch(F: Any, size: int, batched: Any, x: Any, weight: Any) -> Any:
    if not batched[1]:
        return F.linear_input(x, weight)
    return F.matmul(*aligned(F, batched, (x, weight)))


@_linear_weight.forward
def linear_weight_forward(xp: Any, g: Any, x: Any) -> Any:
    return _rows(g).T @ _rows(x)


@_linear_weight.vjp
def linear_weight_vjp(F: Any, h: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (
        F.linear(F.conj(x), h) if need[0] else None,
        F.linear_input(F.conj(g), h) if need[1] else None,
    )


@_linear_weight.batch
def linear_weight_batch(F: Any, size: int, batched: Any, g: Any, x: Any) -> Any:
    g, x = (
        F.reshape(v, shape=(size, math.prod(v.shape[1:-1]), v.shape[-1]))
        for v in all_batched(F, size, batched, (g, x))
    )
    return F.matmul(F.matrix_transpose(g), x)


@_linear_sum.forward
def linear_sum_forward(xp: Any, x: Any) -> Any:
    return _rows(x).sum(axis=0)


@_linear_sum.vjp
def linear_sum_vjp(F: Any, h: Any, x_shape: Any, *, need: Any) -> Any:
    return (F.expand(h, shape=x_shape),)


@_linear_sum.batch
def linear_sum_batch(F: Any, size: int, batched: Any, x: Any) -> Any:
    return F.sum(x, dim=tuple(range(1, x.ndim - 1)), keepdim=False)


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Affine map of the last dimension: ``y = input @ weight^T + bias``.

    Args:
        input: (..., in_features).
        weight: (out_features, in_features), or (in_features,) for one output.
        bias: (out_features,), or () with a vector weight.

    Returns:
        (..., out_features); without that dimension if the weight is a vector.

    Raises:
        RuntimeError: the input's last size is not ``in_features``.

    >>> lampas.nn.functional.linear(lampas.ones(1, 2), lampas.ones(3, 2))
    tensor([[2., 2., 2.]])
    """
    x, w = input._data, weight._data
    if w.ndim != 2 or x.ndim == 0:
        product = matmul(input, weight.t() if w.ndim == 2 else weight)
        return product if bias is None else product + bias
    if x.shape[-1] != w.shape[1]:
        raise ShapeError(
            f"linear: input is {x.shape} and weight is {w.shape}; input's last "
            f"dimension must be weight's in_features ({x.shape[-1]} != {w.shape[1]})"
        )
    if x.ndim == 1:
        return linear(input.reshape(1, -1), weight, bias).reshape(w.shape[0])
    if bias is None:
        return _linear.call(input, weight)
    if bias._data.shape != w.shape[:1]:
        return _linear.call(input, weight) + bias
    return _linear_bias.call(input, weight, bias)
