"""Time training steps of small models against PyTorch where installed.

python benchmarks/models.py [--only NAME] [--json FILE]
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from _side_by_side import Program, report


def training(
    module: ModuleType, net: Any, x: np.ndarray, y: np.ndarray
) -> Callable[[], object]:
    """One step of cross-entropy and Adam."""
    optimizer = module.optim.Adam(net.parameters(), lr=1e-3)
    inputs, targets = module.from_numpy(x), module.from_numpy(y)

    def step() -> None:
        optimizer.zero_grad()
        loss = module.nn.functional.cross_entropy(net(inputs), targets)
        loss.backward()
        optimizer.step()

    return step


def mlp(module: ModuleType) -> Callable[[], object]:
    """64-128-128-10 on 32 rows, 20 steps."""
    nn, rng = module.nn, np.random.default_rng(0)
    net = nn.Sequential(
        nn.Linear(64, 128),
        nn.ReLU(),
        nn.Linear(128, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )
    x, y = rng.standard_normal((32, 64), np.float32), rng.integers(0, 10, 32)
    step = training(module, net, x, y)
    return lambda: [step() for _ in range(20)]


def convnet(module: ModuleType) -> Callable[[], object]:
    """Two convolutions with batch norm on 64 images of 28x28."""
    nn, rng = module.nn, np.random.default_rng(0)
    net = nn.Sequential(
        *[nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU()],
        nn.MaxPool2d(2),
        *[nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU()],
        nn.MaxPool2d(2),
        *[nn.Flatten(), nn.Linear(32 * 49, 10)],
    )
    x, y = rng.standard_normal((64, 1, 28, 28), np.float32), rng.integers(0, 10, 64)
    return training(module, net, x, y)


def lstm(module: ModuleType) -> Callable[[], object]:
    """Two layers of width 128 over 50 steps, 16 rows."""
    nn, rng = module.nn, np.random.default_rng(0)

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(64, 128, 2, batch_first=True)
            self.head = nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            return self.head(self.lstm(x)[0][:, -1])

    x, y = rng.standard_normal((16, 50, 64), np.float32), rng.integers(0, 10, 16)
    return training(module, Last(), x, y)


PROGRAMS: dict[str, Program] = {
    "mlp, 20 steps": mlp,
    "convnet, 1 step": convnet,
    "lstm, 1 step": lstm,
}

if __name__ == "__main__":
    report("Time training steps of small models.", PROGRAMS)
