"""CTC: forms of its arguments, sequences of nothing, and what can't be said in time."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lampas
import lampas.nn.functional as F
from lampas.errors import BoundsError, DTypeError, ShapeError


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    x = lampas.from_numpy(rng.standard_normal((5, 2, 4)))
    return x.log_softmax(2).detach()


PADDED = lampas.tensor([[1, 2, 3], [3, 3, 0]])
JOINED = lampas.tensor([1, 2, 3, 3, 3])


def test_padded_and_joined_targets_are_the_same(scores):
    padded = F.ctc_loss(scores, PADDED, [5, 4], [3, 2], reduction="none")
    joined = F.ctc_loss(scores, JOINED, [5, 4], [3, 2], reduction="none")
    assert padded.tolist() == joined.tolist()


def test_lengths_as_tensors_and_tuples(scores):
    lengths = lampas.tensor([5, 4]), lampas.tensor([3, 2], dtype=lampas.int32)
    found = F.ctc_loss(scores, PADDED, *lengths)
    assert found.item() == F.ctc_loss(scores, PADDED, (5, 4), (3, 2)).item()


def test_one_sequence_alone(scores):
    alone = F.ctc_loss(
        scores[:, 0], PADDED[0], lampas.tensor(5), lampas.tensor(3), reduction="none"
    )
    assert alone.shape == ()
    both = F.ctc_loss(scores, PADDED, [5, 4], [3, 2], reduction="none")
    assert alone.item() == pytest.approx(both[0].item(), rel=1e-12)


def test_the_mean_divides_by_the_labels(scores):
    each = F.ctc_loss(scores, PADDED, [5, 4], [3, 0], reduction="none")
    mean = F.ctc_loss(scores, PADDED, [5, 4], [3, 0])
    assert mean.item() == pytest.approx((each[0].item() / 3 + each[1].item()) / 2)


def test_no_label_is_all_blanks(scores):
    found = F.ctc_loss(scores, PADDED, [5, 4], [0, 0], reduction="none")
    wanted = [-scores[:5, 0, 0].sum().item(), -scores[:4, 1, 0].sum().item()]
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-12)


def test_another_class_may_be_the_blank(scores):
    turned = scores[..., [1, 2, 3, 0]].contiguous()
    found = F.ctc_loss(turned, PADDED - 1, [5, 4], [3, 2], blank=3)
    assert found.item() == pytest.approx(
        F.ctc_loss(scores, PADDED, [5, 4], [3, 2]).item(), rel=1e-12
    )


def test_repeated_labels_need_a_blank_between(scores):
    # 3, 3 in two steps can't be: a blank must stand between.
    found = F.ctc_loss(scores, PADDED, [5, 2], [3, 2], reduction="none")
    assert math.isfinite(found[0].item())
    assert found[1].item() == math.inf


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_what_can_not_be_said_in_time_may_count_nothing(scores, reduction):
    scores.requires_grad_()
    loss = F.ctc_loss(
        scores, PADDED, [5, 2], [3, 2], reduction=reduction, zero_infinity=True
    )
    (grad,) = lampas.autograd.grad(loss.sum(), [scores])
    assert not grad[:, 1].any()
    assert grad[:, 0].any()
    assert loss.isfinite().all()


def test_steps_behind_the_end_have_no_gradient(scores):
    scores.requires_grad_()
    F.ctc_loss(scores, PADDED, [5, 3], [3, 1]).backward()
    assert not scores.grad[3:, 1].any()


def test_a_gradient_of_log_softmax_sums_to_nothing():
    x = lampas.randn(6, 1, 4, dtype=lampas.float64, requires_grad=True)
    F.ctc_loss(x.log_softmax(2), lampas.tensor([[1, 2]]), [6], [2]).backward()
    np.testing.assert_allclose(x.grad.sum(2).numpy(), 0, atol=1e-12)


def test_probabilities_of_zero_leave_finite_gradients():
    x = lampas.full((3, 1, 3), -math.inf)
    x[0, 0, 1], x[1, 0, 0], x[2, 0, 2] = 0.0, 0.0, 0.0
    x.requires_grad_()
    loss = F.ctc_loss(x, lampas.tensor([[1, 2]]), [3], [2])
    assert loss.item() == 0.0
    loss.backward()
    assert x.grad.isfinite().all()


def test_long_sequences_in_float32():
    x = lampas.zeros(500, 1, 30).log_softmax(2)
    loss = F.ctc_loss(
        x, lampas.arange(1, 26).reshape(1, 25), [500], [25], reduction="sum"
    )
    # Every path weighs the same, and there are C(T + L, 2 L) of them.
    paths = math.lgamma(526) - math.lgamma(51) - math.lgamma(476)
    assert loss.item() == pytest.approx(500 * math.log(30) - paths, rel=1e-5)


def test_on_a_device(scores):
    x = scores.to("sim").requires_grad_()
    F.ctc_loss(x, PADDED.to("sim"), [5, 4], [3, 2]).backward()
    y = scores.clone().requires_grad_()
    F.ctc_loss(y, PADDED, [5, 4], [3, 2]).backward()
    np.testing.assert_allclose(x.grad.cpu().numpy(), y.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"targets": PADDED + 1}, BoundsError, r"\[0, 3\]"),
        ({"targets": PADDED[:1]}, ShapeError, "one row for each"),
        ({"targets": JOINED[:4]}, ShapeError, "add up to 5"),
        ({"targets": PADDED.double()}, DTypeError, "targets must hold integers"),
        ({"input_lengths": [6, 4]}, ShapeError, r"input_lengths must be in \[0, 5\]"),
        ({"input_lengths": [5]}, ShapeError, "one length for each of the 2"),
        ({"target_lengths": [4, 2]}, ShapeError, "target_lengths must be in"),
        ({"target_lengths": [-1, 2]}, ShapeError, "target_lengths must be in"),
        ({"blank": 4}, ShapeError, "blank must be in"),
        ({"reduction": "max"}, ValueError, "reduction"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(scores, change, error, text):
    given = {
        "log_probs": scores,
        "targets": PADDED,
        "input_lengths": [5, 4],
        "target_lengths": [3, 2],
    }
    with pytest.raises(error, match=text):
        F.ctc_loss(**{**given, **change})


def test_half_precision_and_integers_are_refused(scores):
    for wrong in (scores.half(), scores.long()):
        with pytest.raises(DTypeError, match="float32 or float64"):
            F.ctc_loss(wrong, PADDED, [5, 4], [3, 2])
