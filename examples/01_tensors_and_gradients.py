"""Lesson 1: tensors, gradients, and gradients of gradients.

    python examples/01_tensors_and_gradients.py

A tensor is a NumPy array that can remember how it was made. Here we fit a line by
gradient descent written out by hand, then ask for a second derivative.
"""

import numpy as np

import lampas

# A tensor and a NumPy array can share memory, in both directions.
array = np.linspace(-1, 1, 50, dtype=np.float32)
x = lampas.from_numpy(array)
y = 3 * x + 0.5

# Two numbers to learn: operations on them are recorded.
slope = lampas.tensor(0.0, requires_grad=True)
offset = lampas.tensor(0.0, requires_grad=True)

for _ in range(200):
    loss = ((slope * x + offset - y) ** 2).mean()
    loss.backward()  # fills slope.grad and offset.grad
    with lampas.no_grad():
        for parameter in (slope, offset):
            parameter -= 0.2 * parameter.grad
            parameter.grad = None

print(f"slope {slope.item():.3f} (3 was meant), offset {offset.item():.3f} (0.5)")

# create_graph records the gradient itself, so it can be differentiated again:
# the second derivative of t ** 3 at 2 is 6 * 2.
t = lampas.tensor(2.0, requires_grad=True)
(first,) = lampas.autograd.grad(t**3, t, create_graph=True)
(second,) = lampas.autograd.grad(first, t)
print(f"first derivative {first.item():.0f}, second {second.item():.0f}")

# What does not fit says so, naming shapes.
try:
    lampas.zeros(2, 3) @ lampas.zeros(4, 5)
except RuntimeError as error:
    print(f"error, as it should be: {error}")
