"""Sizes may be given one by one, as a sequence, or by PyTorch's keyword."""

from __future__ import annotations

import numpy as np
import pytest

import lampas
from lampas import ones, zeros

FORMS = {
    "reshape": (lambda **k: zeros(2, 3).reshape(**k), "shape", (3, 2), (3, 2)),
    "reshape_one": (lambda **k: zeros(2, 3).reshape(**k), "shape", -1, (6,)),
    "view": (lambda **k: zeros(2, 3).view(**k), "size", (3, 2), (3, 2)),
    "permute": (lambda **k: zeros(2, 3).permute(**k), "dims", (1, 0), (3, 2)),
    "expand": (lambda **k: zeros(1, 3).expand(**k), "size", (2, -1), (2, 3)),
    "repeat": (lambda **k: zeros(1, 3).repeat(**k), "repeats", (2, 1), (2, 3)),
    "tile": (lambda **k: lampas.tile(zeros(1, 3), **k), "dims", (2, 1), (2, 3)),
}


@pytest.mark.parametrize("name", FORMS)
def test_by_keyword(name):
    call, keyword, value, shape = FORMS[name]
    assert tuple(call(**{keyword: value}).shape) == shape


def test_one_by_one_and_as_a_sequence():
    x = zeros(2, 3)
    for result in (
        x.reshape(3, 2),
        x.reshape((3, 2)),
        x.reshape([3, 2]),
        x.view(3, -1),
    ):
        assert tuple(result.shape) == (3, 2)
    assert ones(1).reshape(()).shape == ()


def test_not_twice():
    with pytest.raises(TypeError, match=r"given twice: \(3, 2\) and \(2, 3\)"):
        zeros(2, 3).reshape(3, 2, shape=(2, 3))


@pytest.mark.parametrize("other", [2.0, np.ones((2, 1)), [[1.0], [2.0]]])
def test_matrix_products_take_tensors(other):
    with pytest.raises(TypeError, match="must be a Tensor|unsupported operand"):
        lampas.matmul(ones(1, 2), other)
    with pytest.raises(TypeError):
        ones(1, 2) @ other
