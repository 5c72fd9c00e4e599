"""Tensors in notebooks: what the HTML says."""

from __future__ import annotations

import lampas


def test_a_matrix_is_a_table_under_its_summary():
    x = lampas.tensor([[1.0, 2.5], [-3.0, 0.0]], requires_grad=True)
    assert x._repr_html_() == (
        "<div><small>2 × 2, float32, cpu, requires grad, "
        "min -3, mean 0.125, max 2.5</small>"
        "<table><tr><td>1</td><td>2.5</td></tr><tr><td>-3</td><td>0</td></tr></table>"
        "</div>"
    )


def test_a_vector_is_one_row():
    text = lampas.tensor([True, False])._repr_html_()
    assert "<small>2, bool, cpu</small>" in text
    assert "<tr><td>True</td><td>False</td></tr>" in text


def test_large_and_empty_tensors_show_as_text():
    assert "<table>" not in lampas.zeros(21, 2)._repr_html_()
    assert "<pre>tensor([], size=(0, 3))</pre>" in lampas.zeros(0, 3)._repr_html_()
    assert "<small>scalar, int64, cpu" in lampas.tensor(3)._repr_html_()


def test_half_precision_is_shown():
    x = lampas.tensor([0.5], dtype=lampas.bfloat16)
    assert "<td>0.5</td>" in x._repr_html_()


def test_signs_of_html_are_escaped():
    y = lampas.zeros(2, 2, 2, requires_grad=True) * 2
    assert "grad_fn=&lt;MulBackward0&gt;" in y._repr_html_()
