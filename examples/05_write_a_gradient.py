"""Lesson 5: an operation whose gradient you write yourself.

    python examples/05_write_a_gradient.py

The straight-through estimator rounds on the way forward and lets the gradient pass
on the way back; it trains networks with discrete values (Bengio et al. 2013).
"""

import lampas


class RoundThrough(lampas.autograd.Function):
    """Round to integers; the gradient is that of the identity."""

    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, g):
        return g


x = lampas.tensor([0.2, 0.7, 1.6], requires_grad=True)
y = RoundThrough.apply(x)
print("rounded:", y)

(y * lampas.tensor([1.0, 2.0, 3.0])).sum().backward()
print("gradient through the rounding:", x.grad)

# Without the Function, rounding has the gradient zero everywhere.
x.grad = None
x.round().sum().backward()
print("gradient of round itself:", x.grad)
