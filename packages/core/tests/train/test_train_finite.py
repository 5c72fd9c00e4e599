"""Values that are not finite, and the module that they are blamed on."""

from __future__ import annotations

import math

import pytest

import lampas
from lampas import nn
from lampas.errors import NonFiniteError
from lampas.nn import functional as F
from lampas.train import check_finite, find_nonfinite


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 3))
        self.head = nn.Linear(3, 2)

    def forward(self, x):
        return self.head(self.body(x))


def spoil(parameter: lampas.Tensor, value: float) -> None:
    with lampas.no_grad():
        parameter.view(-1)[0] = value


def test_a_finite_loss_comes_back_as_a_number():
    assert check_finite(lampas.tensor(0.25), Net(), lampas.ones(1, 2)) == 0.25


@pytest.mark.parametrize(
    ("path", "value"), [("body.0", math.nan), ("body.2", math.inf), ("head", math.nan)]
)
def test_the_module_with_the_bad_weight_is_named(path, value):
    model = Net()
    spoil(model.get_submodule(path).bias, value)
    x = lampas.ones(4, 2)
    loss = F.cross_entropy(model(x), lampas.zeros(4, dtype=lampas.int64))
    with pytest.raises(NonFiniteError) as caught:
        check_finite(loss, model, x)
    assert caught.value.module == path
    assert f"the first bad module is {path} (Linear) gave" in str(caught.value)
    assert "its bias holds" in str(caught.value)


def test_a_bad_input_is_not_the_modules_fault():
    found = find_nonfinite(Net(), lampas.tensor([[math.nan, 1.0]]))
    assert found == ("body.0", "(Linear) was given 1 nan and 0 inf")


def test_an_overflow_inside_a_module_with_good_weights():
    class Square(nn.Module):
        def forward(self, x):
            return x * x

    model = nn.Sequential(nn.Identity(), Square())
    path, reason = find_nonfinite(model, lampas.full((1, 2), 1e30))
    assert path == "1"
    assert reason == (
        "(Square) gave 0 nan and 2 inf; its inputs and parameters are finite"
    )


def test_a_bad_loss_of_a_good_model():
    with pytest.raises(NonFiniteError, match="look at the loss function") as caught:
        check_finite(lampas.tensor(math.inf), Net(), lampas.ones(1, 2))
    assert caught.value.module is None


def test_looking_leaves_no_hooks_and_no_gradients():
    model = Net()
    assert find_nonfinite(model, lampas.ones(1, 2)) is None
    assert all(not module._forward_hooks for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())
