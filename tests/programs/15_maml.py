"""Model-agnostic meta-learning (Finn et al., 2017) of sine waves.

Weights are sought from which one step of gradient descent on ten points of a wave that
was never seen fits it: the gradient goes through that step.

python 15_maml.py --steps 5000
"""

import argparse
import math
from collections import OrderedDict

import numpy as np
import torch
from torch import nn
from torch.func import functional_call


class SineModel(nn.Module):
    def __init__(self, hidden=40):
        super().__init__()
        self.net = nn.Sequential(
            OrderedDict(
                [
                    ("l1", nn.Linear(1, hidden)),
                    ("relu1", nn.ReLU()),
                    ("l2", nn.Linear(hidden, hidden)),
                    ("relu2", nn.ReLU()),
                    ("l3", nn.Linear(hidden, 1)),
                ]
            )
        )

    def forward(self, x):
        return self.net(x)


class SineTask:
    """A wave of some amplitude and phase."""

    def __init__(self, rng):
        self.rng = rng
        self.amplitude = rng.uniform(0.1, 5.0)
        self.phase = rng.uniform(0.0, math.pi)

    def sample(self, k):
        x = self.rng.uniform(-5.0, 5.0, (k, 1)).astype(np.float32)
        y = self.amplitude * np.sin(x + self.phase)
        return torch.from_numpy(x), torch.from_numpy(y.astype(np.float32))


def adapt(model, params, x, y, inner_lr, inner_steps, create_graph=True):
    """Weights after some steps of gradient descent on one task."""
    criterion = nn.MSELoss()
    for _ in range(inner_steps):
        loss = criterion(functional_call(model, params, (x,)), y)
        grads = torch.autograd.grad(loss, params.values(), create_graph=create_graph)
        params = {
            name: w - inner_lr * g
            for (name, w), g in zip(params.items(), grads, strict=True)
        }
    return params


def meta_step(model, optimizer, rng, args):
    """One step of the weights to start from, over a batch of tasks."""
    optimizer.zero_grad()
    meta_loss = 0.0
    for _ in range(args.tasks):
        task = SineTask(rng)
        x_support, y_support = task.sample(args.k)
        x_query, y_query = task.sample(args.k)
        fast = adapt(
            model,
            dict(model.named_parameters()),
            x_support,
            y_support,
            args.inner_lr,
            args.inner_steps,
            create_graph=not args.first_order,
        )
        prediction = functional_call(model, fast, (x_query,))
        meta_loss = meta_loss + nn.functional.mse_loss(prediction, y_query)
    meta_loss = meta_loss / args.tasks
    meta_loss.backward()
    optimizer.step()
    return meta_loss


def evaluate(model, rng, args):
    """Mean losses on new waves before and after adapting."""
    before = after = 0.0
    params = {name: p.detach() for name, p in model.named_parameters()}
    for _ in range(20):
        task = SineTask(rng)
        support, (x, y) = task.sample(args.k), task.sample(100)
        leaves = {name: p.clone().requires_grad_() for name, p in params.items()}
        fast = adapt(model, leaves, *support, args.inner_lr, args.inner_steps, False)
        with torch.no_grad():
            before += nn.functional.mse_loss(model(x), y).item() / 20
            adapted = functional_call(model, fast, (x,))
            after += nn.functional.mse_loss(adapted, y).item() / 20
    return before, after


def main():
    parser = argparse.ArgumentParser(description="MAML on sine waves")
    parser.add_argument("--k", type=int, default=10, help="points of a task")
    parser.add_argument("--tasks", type=int, default=8, help="tasks in a meta-batch")
    parser.add_argument("--inner-lr", type=float, default=0.01)
    parser.add_argument("--inner-steps", type=int, default=2)
    parser.add_argument("--meta-lr", type=float, default=1e-3)
    parser.add_argument("--first-order", action="store_true")
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--init", help="start from these weights")
    parser.add_argument("--save-init", help="write the first weights and stop")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    model = SineModel()
    if args.save_init:
        torch.save(model.state_dict(), args.save_init)
        return
    if args.init:
        model.load_state_dict(torch.load(args.init, map_location="cpu"))

    rng = np.random.default_rng(args.seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.meta_lr)
    for step in range(1, args.steps + 1):
        loss = meta_step(model, optimizer, rng, args)
        print(f"step {step:4d}  loss {loss.item():.6f}")
    before, after = evaluate(model, rng, args)
    print(f"new waves: loss {before:.4f} before adapting, {after:.4f} after")


if __name__ == "__main__":
    main()
