"""Tensors print as PyTorch prints them; the texts are PyTorch's own."""

from __future__ import annotations

import math

import pytest

import lampas

INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (1.5, "tensor(1.5000)"),
        (3, "tensor(3)"),
        ([], "tensor([])"),
        ([1.0, 2.0], "tensor([1., 2.])"),
        ([1.0, 2.5], "tensor([1.0000, 2.5000])"),
        ([0.0, 0.0], "tensor([0., 0.])"),
        ([True, False], "tensor([ True, False])"),
        ([-1, 100], "tensor([ -1, 100])"),
        ([1e-5, 1.0], "tensor([1.0000e-05, 1.0000e+00])"),
        ([1.0, 2000.0], "tensor([1.0000e+00, 2.0000e+03])"),
        ([1.0, 1000.0], "tensor([   1., 1000.])"),
        ([1e9], "tensor([1.0000e+09])"),
        ([NAN, INF, -INF, 1.5], "tensor([   nan,    inf,   -inf, 1.5000])"),
        ([NAN, 1.0], "tensor([nan, 1.])"),
        ([1 + 2j, 3.5 - 1j], "tensor([1.0000+2.j, 3.5000-1.j])"),
        ([[1, 2], [3, 4]], "tensor([[1, 2],\n        [3, 4]])"),
        ([[[1]], [[2]]], "tensor([[[1]],\n\n        [[2]]])"),
    ],
)
def test_values(data, text):
    assert repr(lampas.tensor(data)) == text


def test_what_is_not_usual_is_named():
    assert repr(lampas.ones(1, dtype=lampas.float64)) == (
        "tensor([1.], dtype=lampas.float64)"
    )
    assert repr(lampas.zeros(0, 3)) == "tensor([], size=(0, 3))"
    x = lampas.ones(1, requires_grad=True)
    assert repr(x) == "tensor([1.], requires_grad=True)"
    assert repr(x * 2) == "tensor([2.], grad_fn=<MulBackward0>)"


def test_long_tensors_show_their_edges():
    assert repr(lampas.arange(2000)) == (
        "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"
    )
    square = repr(lampas.zeros(40, 40))
    assert square.splitlines()[3] == "        ...,"
    assert square.splitlines()[0] == "tensor([[0., 0., 0.,  ..., 0., 0., 0.],"


def test_lines_break_at_80_characters():
    lines = repr(lampas.arange(30)).splitlines()
    assert lines[0].endswith("16, 17,") and lines[1] == (
        "        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])"
    )


def test_half_precision_prints_as_numbers():
    x = lampas.tensor([0.1], dtype=lampas.bfloat16)
    assert repr(x) == "tensor([0.1001], dtype=lampas.bfloat16)"


def test_options_and_their_end():
    x = lampas.tensor([0.123456, 2000.0])
    with lampas.printoptions(precision=2, sci_mode=False):
        assert repr(x) == "tensor([   0.12, 2000.00])"
    assert repr(x) == "tensor([1.2346e-01, 2.0000e+03])"
    with pytest.raises(ValueError, match="default, short, full"):
        lampas.set_printoptions(profile="long")


def test_formatting_takes_numbers_formats():
    assert f"{lampas.tensor(1.23456):.2f}" == "1.23"
    assert f"{lampas.tensor([1.0])}" == "tensor([1.])"
