"""Lesson 6: derivatives and batches of functions.

    python examples/06_functions_of_functions.py

``lampas.func`` turns a function of one example into its gradient (``grad``), its
Jacobian or Hessian, or a function of a whole batch (``vmap``); they nest in any order.
"""

import lampas
from lampas import func, nn

lampas.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
params = {name: p.detach() for name, p in model.named_parameters()}
images, labels = lampas.randn(16, 4), lampas.randint(0, 3, (16,))


def loss(params, image, label):
    """The loss of one example, as a function of the parameters."""
    scores = func.functional_call(model, params, (image,))
    return nn.functional.cross_entropy(scores, label)


# The gradient for each example: one pass for the batch, as clipping for privacy needs.
per_example = func.vmap(func.grad(loss), in_dims=(None, 0, 0))(params, images, labels)
norms = sum((g.flatten(1) ** 2).sum(1) for g in per_example.values()).sqrt()
print(
    "gradients of", norms.numel(), "examples, the longest", f"{norms.max().item():.3f}"
)


def energy(x):
    """A double well with a coupling."""
    return (x**4 - 2 * x**2).sum() + x[0] * x[1]


# Newton's method with exact second derivatives.
x = lampas.tensor([0.8, -1.3])
for _ in range(6):
    step = lampas.linalg.solve(func.hessian(energy)(x), func.grad(energy)(x))
    x = x - step
print("minimum at", x, "gradient", func.grad(energy)(x))

# How the scores move with the input, for every image: a Jacobian of shape (3, 4) each.
jacobians = func.vmap(func.jacrev(lambda image: model(image)))(images)
print("Jacobians:", tuple(jacobians.shape))

# Several models as one: their states stacked, their outputs in one call.
models = [nn.Linear(4, 3) for _ in range(5)]
states, buffers = func.stack_module_state(models)
scores = func.vmap(
    lambda state: func.functional_call(models[0], state, (images,)), in_dims=0
)(states)
print("scores of", len(models), "models:", tuple(scores.shape))
