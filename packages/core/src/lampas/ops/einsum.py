"""Einstein summation, as products and sums of axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lampas.dtypes import int64
from lampas.engine.autocast import computes_in
from lampas.engine.infer import Spec
from lampas.engine.record import op
from lampas.engine.tensor import Tensor
from lampas.errors import DTypeError, ShapeError
from lampas.ops.convert import cast
from lampas.ops.matmul import matmul

__all__ = ["einsum", "tensordot"]


def _einsum_spec(specs: Any, *, terms: Any, out: Any) -> Spec:
    sizes = {
        axis: size
        for (shape, _), term in zip(specs, terms, strict=True)
        for axis, size in zip(term, shape, strict=True)
    }
    return Spec(tuple(sizes[axis] for axis in out), specs[0].dtype)


_einsum = op(
    "einsum",
    kind="opaque",
    promote="promote",
    saves="xs xs.shape",
    fresh=True,
    infer=_einsum_spec,
)
"""Products over named axes; ``terms`` are tuples of axis numbers."""


@_einsum.forward
def einsum_forward(xp: Any, *xs: Any, terms: Any, out: Any) -> Any:
    operands = [part for x, term in zip(xs, terms, strict=True) for part in (x, term)]
    return xp.einsum(*operands, out, optimize=len(xs) > 1)


@_einsum.vjp
def einsum_vjp(
    F: Any, g: Any, xs: Any, shapes: Any, *, need: Any, terms: Any, out: Any
) -> Any:
    """Each cotangent is an einsum of ``g`` with the other operands.

    An axis that only this operand has, and that was summed, is spread again; one that
    it has twice (a diagonal) is not taken here: the function removes those before.
    """
    grads: list[Any] = []
    for i, term in enumerate(terms):
        if not need[i]:
            grads.append(None)
            continue
        others = [F.conj(x) for j, x in enumerate(xs) if j != i]
        rest = [t for j, t in enumerate(terms) if j != i]
        known = set(out).union(*rest)
        kept = [axis for axis in term if axis in known]
        product = F.einsum(g, *others, terms=(out, *rest), out=tuple(kept))
        shape = tuple(
            s if axis in known else 1 for s, axis in zip(shapes[i], term, strict=True)
        )
        grads.append(F.expand(F.reshape(product, shape=shape), shape=shapes[i]))
    return tuple(grads)


@_einsum.batch
def einsum_batch(
    F: Any, size: int, batched: Any, /, *xs: Any, terms: Any, out: Any
) -> Any:
    """The examples are one more axis of the batched operands and of the result."""
    axis = 1 + max((a for term in terms for a in term), default=0)
    longer = tuple(
        (axis, *term) if known else term
        for term, known in zip(terms, batched, strict=True)
    )
    return F.einsum(*xs, terms=longer, out=(axis, *out))


def _multiplied(tensors: list[Tensor], **params: Any) -> Tensor:
    return _einsum.call(*tensors, **params)


_contracted = computes_in("half")(_multiplied)


def _contracts(terms: list[tuple[int, ...]], out: tuple[int, ...]) -> bool:
    """Whether an axis of two operands is summed: a matrix product, not a plain one."""
    axes = [axis for term in terms for axis in term if axis not in out]
    return len(axes) > len(set(axes))


def einsum(equation: str, *operands: Any) -> Tensor:
    """Sum products over axes that letters name: ``"ij,jk->ik"`` is a matrix product.

    Args:
        equation: letters for the dimensions of each operand, ``...`` for any number
            of leading ones, and after ``->`` those of the result (by default those
            that occur once, in alphabetical order).
        operands: the tensors, or one list of them.

    Under autocast contractions compute in half precision; products and sums that
    contract nothing keep the type of their operands.

    Raises:
        RuntimeError: the equation does not fit the operands.

    >>> x = lampas.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> lampas.einsum("ij->j", x)
    tensor([4., 6.])
    >>> lampas.einsum("ii", x)
    tensor(5.)
    """
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    terms, out = _parsed(equation, operands)
    tensors, plain = [], []
    for x, term in zip(operands, terms, strict=True):
        x, term = _without_repeats(x, term)
        tensors.append(x)
        plain.append(term)
    _check_sizes(equation, tensors, plain)
    tensors = _broadcast_ones(_summed_wide(tensors, plain, out), plain)
    call = _contracted if _contracts(plain, out) else _multiplied
    return call(tensors, terms=tuple(plain), out=out)


def _parsed(
    equation: str, operands: Sequence[Tensor]
) -> tuple[list[tuple[int, ...]], tuple[int, ...]]:
    """The equation as tuples of axis numbers; ``...`` becomes negative letters."""
    text = equation.replace(" ", "")
    left, arrow, right = text.partition("->")
    parts = left.split(",")
    if len(parts) != len(operands):
        raise ShapeError(
            f"einsum: {equation!r} names {len(parts)} operands, got {len(operands)}"
        )
    spread = 0
    for part, x in zip(parts, operands, strict=True):
        letters = part.replace("...", "")
        bad = [c for c in letters if not c.isalpha()]
        if bad:
            raise ShapeError(
                f"einsum: {equation!r} has the invalid subscript {bad[0]!r}"
            )
        extra = x._data.ndim - len(letters)
        if extra < 0 or (extra and "..." not in part):
            raise ShapeError(
                f"einsum: {part!r} has {len(letters)} letters for an operand of "
                f"{x._data.ndim} dimensions"
            )
        spread = max(spread, extra if "..." in part else 0)
    names = sorted({c for c in left.replace("...", "") if c.isalpha()})
    number = {c: spread + i for i, c in enumerate(names)}
    terms = [
        _term(part, x._data.ndim, number, spread)
        for part, x in zip(parts, operands, strict=True)
    ]
    if not arrow:
        once = [c for c in names if left.count(c) == 1]
        return terms, (*range(spread), *(number[c] for c in once))
    letters = right.replace("...", "")
    unknown = [c for c in letters if c not in number]
    if unknown or len(set(letters)) != len(letters):
        raise ShapeError(
            f"einsum: the result {right!r} of {equation!r} must name letters of the "
            "operands, each once"
        )
    if "..." not in right:
        return terms, tuple(number[c] for c in letters)
    before, _, after = right.partition("...")
    out = [number[c] for c in before], range(spread), [number[c] for c in after]
    return terms, tuple(axis for part in out for axis in part)


def _term(part: str, ndim: int, number: dict[str, int], spread: int) -> tuple[int, ...]:
    before, dots, after = part.partition("...")
    extra = ndim - len(before) - len(after) if dots else 0
    middle = range(spread - extra, spread)
    return (
        *(number[c] for c in before),
        *middle,
        *(number[c] for c in after),
    )


def _without_repeats(
    x: Tensor, term: tuple[int, ...]
) -> tuple[Tensor, tuple[int, ...]]:
    """Take diagonals until every axis of a term occurs once."""
    for axis in term:
        while term.count(axis) > 1:
            first = term.index(axis)
            second = term.index(axis, first + 1)
            if x._data.shape[first] != x._data.shape[second]:
                raise ShapeError(
                    "einsum: a repeated subscript needs equal sizes, got "
                    f"{x._data.shape[first]} and {x._data.shape[second]}"
                )
            x = x.diagonal(0, first, second)
            rest = [a for i, a in enumerate(term) if i not in (first, second)]
            term = (*rest, axis)
    return x, term


def _check_sizes(
    equation: str, tensors: list[Tensor], terms: list[tuple[int, ...]]
) -> None:
    sizes: dict[int, int] = {}
    for x, term in zip(tensors, terms, strict=True):
        for size, axis in zip(x._data.shape, term, strict=True):
            if sizes.setdefault(axis, size) not in (size, 1) and size != 1:
                raise ShapeError(
                    f"einsum: sizes {sizes[axis]} and {size} of one subscript in "
                    f"{equation!r} don't match; the operands have shapes "
                    f"{', '.join(str(tuple(x.shape)) for x in tensors)}"
                )
            sizes[axis] = max(sizes[axis], size)


def _summed_wide(
    tensors: list[Tensor], terms: list[tuple[int, ...]], out: tuple[int, ...]
) -> list[Tensor]:
    """Bool and integers as int64 where an operand is summed by itself, as ``sum``."""
    result = []
    for i, (x, term) in enumerate(zip(tensors, terms, strict=True)):
        others = set(out).union(*(t for j, t in enumerate(terms) if j != i))
        alone = x.dtype.category < 2 and not others.issuperset(term)
        result.append(cast(x, int64) if alone else x)
    return result


def _broadcast_ones(
    tensors: list[Tensor], terms: list[tuple[int, ...]]
) -> list[Tensor]:
    """Expand dimensions of size 1 to the size that their letter has elsewhere."""
    sizes: dict[int, int] = {}
    for x, term in zip(tensors, terms, strict=True):
        for size, axis in zip(x._data.shape, term, strict=True):
            sizes[axis] = size if sizes.get(axis, 1) == 1 else sizes[axis]
    wide = [tuple(sizes[a] for a in term) for term in terms]
    return [
        x if x._data.shape == shape else x.expand(*shape)
        for x, shape in zip(tensors, wide, strict=True)
    ]


def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Sum products over several dimensions of two tensors.

    Args:
        a, b: the tensors.
        dims: how many last dimensions of ``a`` meet first ones of ``b``; or two lists
            of dimensions.

    Raises:
        RuntimeError: sizes or dtypes differ, or the lists have different lengths.

    >>> lampas.tensordot(lampas.ones(2, 3), lampas.ones(3, 2), dims=1)
    tensor([[3., 3.],
            [3., 3.]])
    """
    if a.dtype != b.dtype:
        raise DTypeError(
            f"tensordot: a and b must have one dtype, got {a.dtype} and {b.dtype}"
        )
    n, m = a._data.ndim, b._data.ndim
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0 or dims > min(n, m):
            raise ShapeError(f"tensordot: dims must be in [0, {min(n, m)}], got {dims}")
        left, right = list(range(n - dims, n)), list(range(dims))
    else:
        left, right = (
            [d % x for d in part] for part, x in zip(dims, (n, m), strict=True)
        )
    for i, j in zip(left, right, strict=False):
        # A size of 1 meets any other, as in PyTorch: the sum is taken beforehand.
        if a._data.shape[i] == 1 != b._data.shape[j]:
            b = b.sum(j, keepdim=True, dtype=b.dtype)
        elif b._data.shape[j] == 1 != a._data.shape[i]:
            a = a.sum(i, keepdim=True, dtype=a.dtype)
    if len(left) != len(right) or any(
        a._data.shape[i] != b._data.shape[j] for i, j in zip(left, right, strict=False)
    ):
        raise ShapeError(
            f"tensordot: dimensions {left} of {a._data.shape} don't match {right} of "
            f"{b._data.shape}"
        )
    free_a = [d for d in range(n) if d not in left]
    free_b = [d for d in range(m) if d not in right]
    inner = int(np.prod([a._data.shape[d] for d in left], dtype=np.int64))
    rows = a.permute(*free_a, *left).reshape(-1, inner) if n else a.reshape(1, 1)
    columns = b.permute(*right, *free_b).reshape(inner, -1) if m else b.reshape(1, 1)
    shape = [a._data.shape[d] for d in free_a] + [b._data.shape[d] for d in free_b]
    return matmul(rows, columns).reshape(shape)
