"""Sparse tensors as text, copied, pickled, and in files."""

from __future__ import annotations

import copy
import io
import pickle

import pytest

import lampas
from lampas.serialization.pickling import Call, TensorParts, pickle_plain
from lampas.serialization.torchzip import write_archive

PLACES = [[0, 1, 1, 0], [1, 0, 2, 1]]


def _made(**how):
    return lampas.sparse_coo_tensor(PLACES, [1.0, 2.0, 3.0, 4.0], (3, 3), **how)


def _hybrid():
    return lampas.sparse_coo_tensor([[0, 2]], [[1.0, 2.0], [3.0, 4.0]], (3, 2))


TEXTS = {
    "plain": (
        _made,
        """\
tensor(indices=tensor([[0, 1, 1, 0],
                       [1, 0, 2, 1]]),
       values=tensor([1., 2., 3., 4.]),
       size=(3, 3), nnz=4, layout=lampas.sparse_coo)""",
    ),
    "hybrid": (
        _hybrid,
        """\
tensor(indices=tensor([[0, 2]]),
       values=tensor([[1., 2.],
                      [3., 4.]]),
       size=(3, 2), nnz=2, layout=lampas.sparse_coo)""",
    ),
    "leaf": (
        lambda: _made(requires_grad=True, dtype=lampas.float64),
        """\
tensor(indices=tensor([[0, 1, 1, 0],
                       [1, 0, 2, 1]]),
       values=tensor([1., 2., 3., 4.]),
       size=(3, 3), nnz=4, dtype=lampas.float64, layout=lampas.sparse_coo,
       requires_grad=True)""",
    ),
    "empty": (
        lambda: lampas.sparse_coo_tensor(size=(2, 3)),
        """\
tensor(indices=tensor([], size=(2, 0)),
       values=tensor([], size=(0,)),
       size=(2, 3), nnz=0, layout=lampas.sparse_coo)""",
    ),
    "half": (
        lambda: lampas.sparse_coo_tensor([[1]], [0.5]).bfloat16(),
        """\
tensor(indices=tensor([[1]]),
       values=tensor([0.5000]),
       size=(2,), nnz=1, dtype=lampas.bfloat16, layout=lampas.sparse_coo)""",
    ),
    "large": (
        lambda: lampas.eye(1001).to_sparse(),
        """\
tensor(indices=tensor([[   0,    1,    2,  ...,  998,  999, 1000],
                       [   0,    1,    2,  ...,  998,  999, 1000]]),
       values=tensor([1., 1., 1.,  ..., 1., 1., 1.]),
       size=(1001, 1001), nnz=1001, layout=lampas.sparse_coo)""",
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_pytorchs(name):
    make, wanted = TEXTS[name]
    assert repr(make()) == wanted


def test_the_text_names_what_made_the_tensor():
    assert "layout=lampas.sparse_coo, grad_fn=<Mul" in repr(
        _made(requires_grad=True) * 2
    )


def _saved(x):
    file = io.BytesIO()
    lampas.save({"x": x}, file)
    file.seek(0)
    return lampas.load(file)["x"]


COPIES = {
    "saved": _saved,
    "pickled": lambda x: pickle.loads(pickle.dumps(x)),
    "deep": copy.deepcopy,
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("make", [_made, _hybrid, lambda: _made().coalesce()])
def test_copies_have_the_same_places_and_values(how, make):
    x = make()
    y = COPIES[how](x)
    assert y.is_sparse and y.shape == x.shape and y.dtype == x.dtype
    assert y.is_coalesced() == x.is_coalesced()
    assert y._indices().tolist() == x._indices().tolist()
    assert y._values().tolist() == x._values().tolist()
    y._values().zero_()
    assert x._values().tolist() != y._values().tolist()


@pytest.mark.parametrize("how", ["pickled", "deep"])
def test_copies_of_leaves_are_leaves(how):
    x = _made(requires_grad=True)
    y = COPIES[how](x)
    assert y.requires_grad and y.is_leaf
    (y.to_dense() * 3).sum().backward()
    assert x.grad is None and y.grad._values().tolist() == [3.0] * 4


@pytest.mark.parametrize("how", ["pickled", "deep"])
def test_what_an_operation_made_is_not_copied(how):
    with pytest.raises(RuntimeError, match="detach"):
        COPIES[how](_made(requires_grad=True) * 2)


def test_tensors_that_are_one_are_one_in_a_copy():
    x = _made()
    first, second = copy.deepcopy([x, x])
    assert first is second


def test_parameters_stay_parameters():
    x = _made(requires_grad=True)
    x._mark("parameter", True)
    y = _saved(x)
    assert y.is_parameter and y.requires_grad and y.is_sparse


def _file(*parts, layout="torch.sparse_coo"):
    named = Call("torch.serialization _get_layout", (layout,))
    made = Call("torch._utils _rebuild_sparse_tensor", (named, parts))
    pickled, storages = pickle_plain(
        made,
        lambda v: (
            TensorParts(v.numpy())
            if isinstance(v, lampas.Tensor)
            else Call("torch Size", (tuple(v),))
            if type(v) is lampas.Size
            else None
        ),
    )
    file = io.BytesIO()
    write_archive(file, pickled, storages)
    file.seek(0)
    return file


ONE, FAR = lampas.tensor([[1]]), lampas.tensor([[7]])
VALUE, SIZE = lampas.tensor([2.0]), lampas.Size((3,))


def test_a_file_that_does_not_say_whether_places_are_in_order():
    x = lampas.load(_file(ONE, VALUE, SIZE))
    assert x.to_dense().tolist() == [0.0, 2.0, 0.0] and not x.is_coalesced()


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (lambda: _file(FAR, VALUE, SIZE, True), "index 7"),
        (lambda: _file(ONE, lampas.tensor([1.0, 2.0]), SIZE, True), "one entry"),
        (lambda: _file(ONE, 5, SIZE, True), "two tensors"),
        (lambda: _file(ONE, VALUE, (3,), True), "no size"),
        (lambda: _file(ONE, VALUE), "expected 3"),
        (lambda: _file(ONE, VALUE, SIZE, True, layout="torch.sparse_xyz"), "layout"),
    ],
)
def test_damaged_files_are_refused(file, text):
    with pytest.raises(RuntimeError, match=text):
        lampas.load(file())
