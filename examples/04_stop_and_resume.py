"""Lesson 4: stop a training run anywhere and go on as if nothing had happened.

    python examples/04_stop_and_resume.py

A checkpoint that holds model, optimizer, generator and the loader's position is
enough to end with the same parameters, bit for bit.
"""

import tempfile
from pathlib import Path

import lampas
from lampas import nn
from lampas.utils.data import DataLoader, TensorDataset

lampas.manual_seed(0)
x = lampas.randn(256, 8)
data = TensorDataset(x, x.sum(1, keepdim=True).sin())


def start() -> tuple[nn.Module, lampas.optim.Optimizer, DataLoader]:
    """Everything a run needs, in its first state."""
    lampas.manual_seed(1)
    model = nn.Sequential(
        nn.Linear(8, 32), nn.Tanh(), nn.Dropout(0.1), nn.Linear(32, 1)
    )
    loader = DataLoader(data, batch_size=32, shuffle=True)
    return model, lampas.optim.Adam(model.parameters(), lr=1e-2), loader


def train(model, optimizer, loader, epochs, stop_after=None, save_to=None):
    """Train; after ``stop_after`` steps save a checkpoint and return."""
    step = 0
    for _ in range(epochs):
        for inputs, targets in loader:
            loss = nn.functional.mse_loss(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
            if step == stop_after:
                state = {
                    "model": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "loader": loader.state_dict(),
                    "generator": lampas.get_rng_state(),
                }
                lampas.save(state, save_to)
                return


unbroken = start()
train(*unbroken, epochs=3)

with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "checkpoint.pt"
    train(*start(), epochs=3, stop_after=11, save_to=file)  # in the second epoch

    model, optimizer, loader = start()
    state = lampas.load(file)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    loader.load_state_dict(state["loader"])
    lampas.set_rng_state(state["generator"])
    train(model, optimizer, loader, epochs=2)  # the rest of the second, and the third

pairs = zip(unbroken[0].parameters(), model.parameters(), strict=True)
same = all(lampas.equal(a, b) for a, b in pairs)
print(f"resumed run ends with the same parameters: {same}")
assert same
