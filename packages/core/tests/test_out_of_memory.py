"""Where memory does not suffice, the error tells who asked and who holds it."""

import pytest

import lampas


def test_a_new_tensor_of_absurd_size() -> None:
    kept = lampas.zeros(321, 1000)
    with pytest.raises(lampas.OutOfMemoryError, match="largest live") as caught:
        lampas.empty(1 << 28, 1 << 28)
    assert isinstance(caught.value, MemoryError)
    assert isinstance(caught.value, RuntimeError)
    assert f"{tuple(kept.shape)} lampas.float32 on cpu: 1,284,000 bytes" in str(
        caught.value
    )
    assert lampas.cuda.OutOfMemoryError is lampas.OutOfMemoryError


def test_half_of_a_batch_is_tried_after_an_outer_product_fails() -> None:
    x = lampas.zeros(1).expand(1 << 28)
    batch = 1 << 28
    with pytest.raises(lampas.OutOfMemoryError, match="mul"):
        x[:batch, None] * x[None, :]
    assert (x[:4, None] * x[None, :4]).shape == (4, 4)
