"""What is said about mistakes that everybody makes, word for word.

Each text names the operation or the module, what was expected, and what arrived.
"""

from __future__ import annotations

import pytest

import lampas
from lampas import nn, ones, tensor, zeros
from lampas.nn import functional as F

MISTAKES = [
    (
        lambda: zeros(3, 4) @ zeros(5, 4),
        "matmul: input is (3, 4) and other is (5, 4); input's last dimension must "
        "equal other's last but one (4 != 5). Did you mean other.T?",
    ),
    (
        lambda: zeros(3, 4) @ zeros(5, 6),
        "matmul: input is (3, 4) and other is (5, 6); input's last dimension must "
        "equal other's last but one (4 != 5)",
    ),
    (
        lambda: zeros(3) @ zeros(4),
        "matmul: input is (3,) and other is (4,); inner sizes must be equal (3 != 4)",
    ),
    (
        lambda: lampas.mm(zeros(2, 3, 4), zeros(4, 2)),
        "mm: input must have 2 dimensions, got shape (2, 3, 4)",
    ),
    (
        lambda: lampas.bmm(zeros(2, 3, 4), zeros(3, 4, 5)),
        "bmm: input has 2 matrices and mat2 3; they must be equally many",
    ),
    (
        lambda: F.linear(zeros(2, 3), zeros(5, 4)),
        "linear: input is (2, 3) and weight is (5, 4); input's last dimension must be "
        "weight's in_features (3 != 4)",
    ),
    (
        lambda: zeros(2, 3) + zeros(2, 4),
        "add: input is (2, 3), other is (2, 4); the shapes can't be broadcast: sizes "
        "must match or be 1",
    ),
    (
        lambda: zeros(2, 3).reshape(4, 2),
        "reshape: shape (4, 2) is invalid for input of size 6 (shape (2, 3))",
    ),
    (
        lambda: zeros(2, 3).view(-1, 4),
        "view: shape (-1, 4) is invalid for input of size 6 (shape (2, 3))",
    ),
    (
        lambda: zeros(2, 3).T.view(6),
        "view: a tensor of shape (3, 2) and strides (1, 3) can't be seen as (6,) "
        "without a copy; use reshape",
    ),
    (
        lambda: zeros(2, 3).permute(0, 0),
        "permute: dims must name each of the 2 dimensions of shape (2, 3) once, "
        "got (0, 0)",
    ),
    (
        lambda: zeros(2, 3).expand(3, 3),
        "expand: can't expand shape (2, 3) to (3, 3): sizes must match or be 1 "
        "(dimension 0)",
    ),
    (
        lambda: lampas.cat([zeros(2, 3), zeros(2, 4)]),
        "cat: sizes must match except in dimension 0; tensors[0] has shape (2, 3), "
        "tensors[1] has (2, 4)",
    ),
    (
        lambda: lampas.stack([zeros(2, 3), zeros(3, 2)]),
        "stack: all tensors must have one shape; tensors[0] has (2, 3), tensors[1] has "
        "(3, 2)",
    ),
    (
        lambda: zeros(5).split([2, 2]),
        "split: sections must be non-negative and add up to 5, got [2, 2]",
    ),
    (
        lambda: lampas.einsum("ij,jk->ik", zeros(2, 3), zeros(4, 5)),
        "einsum: sizes 3 and 4 of one subscript in 'ij,jk->ik' don't match; the "
        "operands have shapes (2, 3), (4, 5)",
    ),
    (
        lambda: zeros(2, 3).sum(2),
        "dimension out of range: dim must be in [-2, 1], got 2",
    ),
    (
        lambda: zeros(2, 3)[2],
        "index 2 is out of bounds for dimension 0 with size 2",
    ),
    (
        lambda: zeros(4).gather(0, tensor([4])),
        "gather: index 4 is out of bounds; it must be in [0, 3]",
    ),
    (
        lambda: zeros(4, 2).index_select(0, tensor([-1])),
        "index_select: index -1 is out of bounds; it must be in [0, 3]",
    ),
    (
        lambda: zeros(3).topk(4),
        "topk: k must be in [0, 3], got 4",
    ),
    (
        lambda: ones(3).masked_fill(tensor([1, 0, 1]), 0.0),
        "masked_fill: mask must be a bool tensor, got lampas.int64",
    ),
    (
        lambda: zeros(2, dtype=lampas.int64).mean(),
        "mean: input must be floating or complex, got lampas.int64; convert it, for "
        "example with .float()",
    ),
    (
        lambda: ones(2, requires_grad=True).numpy(),
        "can't call numpy() on a tensor that requires grad; use "
        "tensor.detach().numpy()",
    ),
    (
        lambda: nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(6, 2))(zeros(1, 4)),
        "in 2 (Linear): linear: input is (1, 5) and weight is (2, 6); input's last "
        "dimension must be weight's in_features (5 != 6)",
    ),
    (
        lambda: nn.Sequential(nn.Embedding(4, 5))(tensor([7])),
        "in 0 (Embedding): embedding: index 7 is out of range: weight has 4 rows, so "
        "it must be in [0, 3]",
    ),
    (
        lambda: F.cross_entropy(zeros(2, 3), tensor([0, 3])),
        "cross_entropy: target 3 is out of bounds: input has 3 classes, so it must be "
        "in [0, 2]",
    ),
]


@pytest.mark.parametrize(
    ("mistake", "text"), MISTAKES, ids=[t[:40] for _, t in MISTAKES]
)
def test_message(mistake, text):
    with pytest.raises((RuntimeError, IndexError)) as caught:
        mistake()
    assert str(caught.value) == text
