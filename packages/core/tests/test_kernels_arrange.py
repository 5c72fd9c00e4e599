"""The native copies in another arrangement: joined, rolled, reversed, repeated."""

from __future__ import annotations

import itertools

import ml_dtypes
import numpy as np
import pytest
from test_kernels_elementwise import PATHS, draws, kernel, reference, same, setting

import lampas

DTYPES = (np.float32, np.float64, np.int16, np.bool_, np.uint8, ml_dtypes.bfloat16)
SHAPES = ((7,), (40_000,), (5, 9), (300, 130), (3, 1, 8), (6, 50, 40), (2, 3, 4, 5))


def numbered(shape, dtype, start=0):
    """Numbers none of which equals its neighbour."""
    size = int(np.prod(shape))
    return ((np.arange(size) + start) * 37 % 251 % 2**7).astype(dtype).reshape(shape)


@pytest.mark.parametrize("threads", [1, 3])
def test_arrays_are_joined(threads):
    with setting(threads=threads):
        for dtype, shape in itertools.product((*DTYPES, np.complex128), SHAPES):
            for dim in range(len(shape)):
                parts = []
                for i, size in enumerate((64, 0, 1, 33)):
                    sizes = (*shape[:dim], size, *shape[dim + 1 :])
                    parts.append(numbered(sizes, dtype, i))
                total = sum(p.nbytes for p in parts)
                rows = int(np.prod(shape[:dim]))
                taken = rows == 1 or total // rows >= 32 * len(parts)
                y = kernel("cat", *parts, dim=dim, accepted=taken)
                same(y, np.concatenate(parts, dim))
            for dim in range(len(shape) + 1):
                parts = [numbered(shape, dtype, i) for i in range(3)]
                inside = int(np.prod(shape[dim:])) * parts[0].itemsize
                taken = inside >= 32 or int(np.prod(shape[:dim])) == 1
                y = kernel("stack", *parts, dim=dim, accepted=taken)
                same(y, np.stack(parts, dim))


def test_what_is_joined_lies_in_order_and_is_of_one_type():
    x = draws((64, 65))
    for parts in ((x, x.T.copy().T), (x, x.astype(np.float64)), (x[:0], x[:0])):
        same(kernel("cat", *parts, dim=0, accepted=False), np.concatenate(parts))
    with pytest.raises(ValueError, match="must match"):
        kernel("cat", x, x[:, :3], dim=0, accepted=False)


@pytest.mark.parametrize("threads", [1, 3])
def test_rows_and_parts_of_rows_are_rolled(threads):
    with setting(threads=threads):
        for dtype, shape in itertools.product((*DTYPES, np.complex128), SHAPES):
            x = numbered(shape, dtype)
            for count in range(1, len(shape) + 1):
                for dims in itertools.combinations(range(len(shape)), count):
                    for shifts in ((0,), (1, 2), (-1, 3), (1001, -998)):
                        by = (shifts * 4)[:count]
                        y = kernel("roll", x, shifts=by, dims=dims)
                        same(y, np.roll(x, by, dims))
    # The same dimension twice is moved by both.
    x = numbered((5, 6), np.int64)
    y = kernel("roll", x, shifts=(1, 2), dims=(1, 1))
    same(y, x[:, [3, 4, 5, 0, 1, 2]])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("threads", [1, 3])
def test_entries_are_reversed_and_repeated(path, threads):
    with setting(path, threads):
        for dtype, shape in itertools.product(DTYPES, SHAPES):
            x = numbered(shape, dtype)
            for y in (x, x[::2], x[..., ::-1], np.asfortranarray(x)):
                ndim = y.ndim
                for count in range(ndim + 1):
                    for dims in itertools.combinations(range(ndim), count):
                        same(kernel("flip", y, dims=dims), np.flip(y, dims).copy())
                for dim, times in itertools.product(range(ndim), (1, 2, 3)):
                    made = kernel("repeat_interleave", y, times=times, dim=dim)
                    same(made, np.repeat(y, times, dim))
                for times in ((1,) * ndim, (2,) * ndim, (2, 1) + (3,) * (ndim - 1)):
                    same(kernel("repeat", y, times=times), np.tile(y, times))


def test_nothing_of_sixteen_bytes_or_of_no_elements_is_taken():
    for x in (np.arange(6) * 1j, np.ones((0, 3), np.float32)):
        same(kernel("repeat", x, times=(2,) * x.ndim, accepted=False), np.tile(x, 2))
        dims = (x.ndim - 1,)
        same(kernel("flip", x, dims=dims, accepted=False), np.flip(x, dims))
    x = np.ones(3, np.float32)
    assert kernel("repeat", x, times=(0,), accepted=False).shape == (0,)


def test_copies_of_what_is_repeated():
    row = draws(900)
    for x in (
        np.broadcast_to(row, (7, 900)),
        np.broadcast_to(row[:, None], (900, 7)),
        np.broadcast_to(row.reshape(30, 1, 30), (30, 9, 30)),
        np.broadcast_to(np.float32(3), (70, 80)),
        row.reshape(90, 10)[:, ::-1].repeat(9, 0)[:, :],
    ):
        same(kernel("clone", x, order="C"), x.copy())
    # No order of its own is kept: the first dimension is the outermost.
    wide = np.broadcast_to(row, (7, 900))
    for y in (kernel("clone", wide), reference("clone", wide)):
        assert y.flags.c_contiguous
        same(y, wide.copy())
    assert lampas.ones(3).expand(2, 3).clone().is_contiguous()


def test_gradients_of_repeated_entries_are_added_up():
    x = lampas.tensor([[1.0, 2.0], [3.0, 4.0]]).requires_grad_()
    g = lampas.arange(8.0)
    x.repeat_interleave(2, 1).backward(g.reshape(2, 4))
    assert x.grad.tolist() == [[1.0, 5.0], [9.0, 13.0]]
    x.grad = None
    x.repeat(2, 1, 1).backward(g.reshape(2, 2, 2))
    assert x.grad.tolist() == [[4.0, 6.0], [8.0, 10.0]]
