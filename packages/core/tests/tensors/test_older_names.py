"""Names for older programs, layouts by hand, positions in a table of known size."""

from __future__ import annotations

import numpy as np
import pytest

import lampas
from lampas.func import debug_unwrap, grad

tensor = lampas.tensor


def test_a_range_includes_its_end():
    with pytest.warns(UserWarning, match="arange"):
        assert lampas.range(1, 2, 0.5).tolist() == [1.0, 1.5, 2.0]
    with pytest.warns(UserWarning):
        down = lampas.range(3, 0, -2, dtype=lampas.int64)
    assert (down.tolist(), down.dtype) == ([3, 1], lampas.int64)
    for step in (0, -1):
        with pytest.warns(UserWarning), pytest.raises(RuntimeError, match="step"):
            lampas.range(1, 2, step)


def test_names_of_types():
    assert lampas.typename(tensor([1])) == "lampas.LongTensor"
    assert lampas.typename(lampas.nn.ReLU()).endswith("activation.ReLU")
    assert lampas.typename(lampas.nn.ReLU) == lampas.typename(lampas.nn.ReLU())
    assert [lampas.typename(v) for v in (None, "a", 1.0)] == [
        "NoneType",
        "str",
        "float",
    ]


def test_parts():
    x = lampas.arange(5)
    assert [p.tolist() for p in x.unsafe_chunk(2)] == [[0, 1, 2], [3, 4]]
    assert [p.tolist() for p in x.unsafe_split(2)] == [[0, 1], [2, 3], [4]]
    assert [p.tolist() for p in x.unsafe_split_with_sizes([1, 4])] == [
        [0],
        [1, 2, 3, 4],
    ]
    with pytest.raises(TypeError, match="split_size"):
        x.unsafe_split([1, 4])


def test_channels_are_interleaved():
    x = lampas.arange(6.0).reshape(1, 6, 1)
    shuffled = lampas.native_channel_shuffle(x, 3)
    assert shuffled.flatten().tolist() == [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]


def test_a_function_of_each_element():
    x = tensor([[1, 2], [3, 4]])
    version = x._version
    assert x.t().apply_(lambda v: v * 1.5) is not None
    assert x.tolist() == [[1, 3], [4, 6]]
    assert x._version > version
    y = tensor([[1.0, 2.0]])
    assert y.map_(tensor([3.0, 4.0]), lambda a, b: a * b) is y
    assert y.tolist() == [[3.0, 8.0]]
    assert lampas.ones(2, device="sim").apply_(lambda v: v + 1).tolist() == [2.0, 2.0]


def test_functions_of_elements_are_refused_where_they_make_no_sense():
    leaf = lampas.ones(2, requires_grad=True)
    for call in (
        lambda: leaf.apply_(abs),
        lambda: lampas.ones(2).map_(leaf, max),
    ):
        with pytest.raises(RuntimeError, match="requires grad"):
            call()
    with pytest.raises(TypeError, match="dtype"):
        lampas.ones(2).map_(tensor([1, 2]), max)
    with pytest.raises(RuntimeError, match="broadcast"):
        lampas.ones(2).map_(lampas.ones(1, 2), max)


def test_positions_in_a_table_of_known_size():
    x = tensor([[0, 1], [2, 3]])
    assert lampas.nonzero_static(x, size=2).tolist() == [[0, 1], [1, 0]]
    assert x.nonzero_static(size=4, fill_value=7).tolist()[2:] == [[1, 1], [7, 7]]
    assert tensor(3).nonzero_static(size=2).shape == (2, 0)
    with pytest.raises(RuntimeError, match="negative"):
        x.nonzero_static(size=-1)


# ---- layouts


def test_strides_by_hand():
    x = lampas.empty_strided((2, 3), (1, 2), dtype=lampas.int64)
    assert (x.shape, x.stride(), x.dtype) == ((2, 3), (1, 2), lampas.int64)
    spread = lampas.empty_strided((2, 2), (4, 2), requires_grad=True)
    assert spread.is_leaf
    assert spread.stride() == (4, 2)
    assert lampas.empty_strided((3,), (0,)).stride() == (0,)
    assert lampas.empty_strided((0, 3), (3, 1)).shape == (0, 3)
    like = tensor([1]).new_empty_strided((2, 2), (1, 2))
    assert (like.dtype, like.stride()) == (lampas.int64, (1, 2))
    for sizes, strides in (((2, 3), (1,)), ((2,), (-1,))):
        with pytest.raises(RuntimeError, match="stride"):
            lampas.empty_strided(sizes, strides)


def test_orders_by_hand():
    assert lampas.empty_permuted((2, 3, 4), (0, 2, 1)).stride() == (12, 1, 3)
    for order in ((0, 1), (0, 1, 1), (0, 1, 3)):
        with pytest.raises(RuntimeError, match="each of the 3"):
            lampas.empty_permuted((2, 3, 4), order)


# The orders were computed once by PyTorch 2.13.
@pytest.mark.parametrize(
    ("make", "order"),
    [
        (lambda: lampas.empty(2, 3, 4), (0, 1, 2)),
        (lambda: lampas.empty(2, 3, 4).transpose(0, 2), (2, 1, 0)),
        (lambda: lampas.empty(2, 1, 4).transpose(1, 2), (0, 1, 2)),
        (lambda: lampas.empty(2, 3).expand(4, 2, 3), (0, 1, 2)),
        (lambda: lampas.empty(2, 4, 5, 3).permute(0, 3, 1, 2), (0, 2, 3, 1)),
        (lambda: lampas.empty(()), ()),
    ],
)
def test_the_order_of_dimensions(make, order):
    assert make().dim_order() == order


def test_orders_that_are_not_the_only_one():
    x = lampas.empty(1, 2, 3, 4)
    both = [lampas.contiguous_format, lampas.channels_last]
    assert x.dim_order(ambiguity_check=both) == (0, 1, 2, 3)
    with pytest.raises(RuntimeError, match="more than one order"):
        x.dim_order(ambiguity_check=True)
    with pytest.raises(RuntimeError, match="one of the formats"):
        lampas.empty(2, 1, 1, 1).dim_order(ambiguity_check=both)
    with pytest.raises(TypeError, match="ambiguity_check"):
        x.dim_order(ambiguity_check="any")


# ---- what tensors tell about themselves


def test_attributes():
    x = lampas.ones(2, requires_grad=True)
    assert [y.output_nr for y in x.unbind()] == [0, 1]
    assert ((x * 2).output_nr, x.output_nr) == (0, 0)
    assert (x.name, x.volatile, x.is_nested) == (None, False, False)
    assert x.grad_dtype is lampas.float32
    assert x.const_data_ptr() == x.data_ptr()


def test_loading_into_a_parameter():
    weight = lampas.nn.Parameter(lampas.zeros(2))
    loaded = weight.module_load(tensor([1.0, 2.0]))
    assert weight.tolist() == [1.0, 2.0]
    assert not loaded.requires_grad
    other = lampas.ones(2)
    assert weight.module_load(other, assign=True).data_ptr() == other.data_ptr()


def test_behind_the_tensors_of_transforms():
    seen = []

    def look(x):
        seen.append((debug_unwrap(x).shape, debug_unwrap(x, recurse=False).shape))
        return x.sum()

    lampas.vmap(grad(look))(lampas.ones(2, 3))
    assert seen == [((2, 3), (3,))]
    plain = lampas.ones(1)
    assert debug_unwrap(plain) is plain


# ---- memory of others


def test_memory_of_a_buffer():
    memory = bytearray(np.arange(4, dtype=np.int16).tobytes())
    x = lampas.frombuffer(memory, dtype=lampas.int16, count=2, offset=2)
    assert x.tolist() == [1, 2]
    x[0] = 9
    assert memory[2] == 9
    fixed = lampas.frombuffer(bytes(4), dtype=lampas.float32, requires_grad=True)
    assert fixed.requires_grad
    with pytest.raises(RuntimeError, match="read-only"):
        fixed.detach().zero_()


@pytest.mark.parametrize(
    ("size", "options", "text"),
    [
        (5, {}, "multiple"),
        (6, {"offset": 6}, "offset"),
        (6, {"offset": -1}, "offset"),
        (6, {"count": 4}, "need 8"),
        (6, {"count": 0}, "must not be 0"),
        (0, {}, "must not be 0"),
    ],
)
def test_buffers_that_do_not_fit(size, options, text):
    with pytest.raises(ValueError, match=text):
        lampas.frombuffer(bytearray(size), dtype=lampas.int16, **options)


def test_what_has_no_buffer():
    with pytest.raises(ValueError, match="list"):
        lampas.frombuffer([1], dtype=lampas.int16)
