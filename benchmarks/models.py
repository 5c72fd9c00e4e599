"""Time training and inference of small models against PyTorch where installed.

    python benchmarks/models.py [--only NAME] [--quick] [--json FILE]

Beside the time: the growth of each side's peak memory over three rounds in a process of
its own, and how much slower each side is while another process keeps a core busy.
"""

from __future__ import annotations

import importlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from _side_by_side import (
    Figures,
    Program,
    chosen,
    compare,
    line,
    parser_of,
    peer,
    sides_of,
    timed,
    write,
)


def training(
    module: ModuleType, net: Any, x: np.ndarray, y: np.ndarray
) -> Callable[[], object]:
    """One step of cross-entropy and Adam."""
    optimizer = module.optim.Adam(net.parameters(), lr=1e-3)
    inputs, targets = module.from_numpy(x), module.from_numpy(y)

    def step() -> None:
        optimizer.zero_grad()
        out = net(inputs)
        scores = out.reshape(-1, out.shape[-1])
        module.nn.functional.cross_entropy(scores, targets.reshape(-1)).backward()
        optimizer.step()

    return step


def _images(count: int, side: int, channels: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((count, channels, side, side), np.float32)
    return x, rng.integers(0, 10, count)


def mlp(module: ModuleType, rows: int = 32) -> Callable[[], object]:
    """64-128-128-10, 20 steps."""
    nn, rng = module.nn, np.random.default_rng(0)
    net = nn.Sequential(
        nn.Linear(64, 128),
        nn.ReLU(),
        nn.Linear(128, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )
    x, y = rng.standard_normal((rows, 64), np.float32), rng.integers(0, 10, rows)
    step = training(module, net, x, y)
    return lambda: [step() for _ in range(20)]


def convnet(module: ModuleType, rows: int = 64) -> Callable[[], object]:
    """Two convolutions with batch norm on images of 28x28."""
    nn = module.nn
    net = nn.Sequential(
        *[nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU()],
        nn.MaxPool2d(2),
        *[nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU()],
        nn.MaxPool2d(2),
        *[nn.Flatten(), nn.Linear(32 * 49, 10)],
    )
    return training(module, net, *_images(rows, 28, 1))


def _residual_net(module: ModuleType) -> Any:
    """ResNet's first two stages at half width, on images of 32x32."""
    nn = module.nn

    class Block(nn.Module):
        def __init__(self, inside: int, outside: int, stride: int) -> None:
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(inside, outside, 3, stride, 1, bias=False),
                *[nn.BatchNorm2d(outside), nn.ReLU()],
                nn.Conv2d(outside, outside, 3, 1, 1, bias=False),
                nn.BatchNorm2d(outside),
            )
            self.side = nn.Identity()
            if stride != 1:
                self.side = nn.Conv2d(inside, outside, 1, stride, bias=False)

        def forward(self, x: Any) -> Any:
            return module.relu(self.body(x) + self.side(x))

    return nn.Sequential(
        *[nn.Conv2d(3, 32, 3, 1, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU()],
        *[Block(32, 32, 1), Block(32, 32, 1), Block(32, 64, 2), Block(64, 64, 1)],
        *[nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)],
    )


def resnet(module: ModuleType) -> Callable[[], object]:
    """A small residual network on 32 images of 32x32."""
    return training(module, _residual_net(module), *_images(32, 32))


def resnet_inference(module: ModuleType) -> Callable[[], object]:
    """The same on one image, without gradients."""
    net = _residual_net(module).eval()
    x = module.from_numpy(_images(1, 32)[0])

    def go() -> None:
        with module.no_grad():
            net(x)

    return go


def separable(module: ModuleType) -> Callable[[], object]:
    """Convolutions of each channel and of 1x1, as MobileNet has them, on 16 images."""
    nn, parts = module.nn, []
    for inside, outside, stride in ((16, 32, 1), (32, 64, 2), (64, 64, 1)):
        parts += [nn.Conv2d(inside, 4 * inside, 1), nn.BatchNorm2d(4 * inside)]
        parts += [
            nn.ReLU6(),
            nn.Conv2d(4 * inside, 4 * inside, 3, stride, 1, 1, 4 * inside),
        ]
        parts += [nn.ReLU6(), nn.Conv2d(4 * inside, outside, 1)]
    net = nn.Sequential(
        *[nn.Conv2d(3, 16, 3, 2, 1), *parts],
        *[nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)],
    )
    return training(module, net, *_images(16, 64))


def lstm(module: ModuleType, steps: int = 50) -> Callable[[], object]:
    """Two layers of width 128, 16 rows."""
    nn, rng = module.nn, np.random.default_rng(0)

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(64, 128, 2, batch_first=True)
            self.head = nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            return self.head(self.lstm(x)[0][:, -1])

    x, y = rng.standard_normal((16, steps, 64), np.float32), rng.integers(0, 10, 16)
    return training(module, Last(), x, y)


def transformer(module: ModuleType, length: int = 128) -> Callable[[], object]:
    """Four blocks of width 192 with causal attention, 8 texts of 512 tokens."""
    nn, rng, width, heads = module.nn, np.random.default_rng(0), 192, 6

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.back = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.up, self.down = (
                nn.Linear(width, 4 * width),
                nn.Linear(4 * width, width),
            )

        def forward(self, x: Any) -> Any:
            rows, steps, _ = x.shape
            parts = self.qkv(self.first(x)).split(width, dim=2)
            q, k, v = (p.view(rows, steps, heads, -1).transpose(1, 2) for p in parts)
            y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.back(y.transpose(1, 2).reshape(rows, steps, width))
            inner = nn.functional.gelu(self.up(self.second(x)), approximate="tanh")
            return x + self.down(inner)

    net = nn.Sequential(
        *[nn.Embedding(512, width), *[Block() for _ in range(4)]],
        *[nn.LayerNorm(width), nn.Linear(width, 512)],
    )
    tokens = rng.integers(0, 512, (2, 8, length))
    return training(module, net, tokens[0], tokens[1])


PROGRAMS: dict[str, Program] = {
    "mlp, 20 steps": mlp,
    "convnet, 1 step": convnet,
    "residual network, 1 step": resnet,
    "residual network, inference": resnet_inference,
    "separable convolutions, 1 step": separable,
    "lstm, 1 step": lstm,
    "transformer, 1 step": transformer,
}


# ---- memory, and a busy core


def _peak() -> int:
    """KB; what getrusage gives is at least what the parent had."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def grown(module: str, name: str) -> int:
    """MB by which three rounds raise the peak of this process."""
    loaded = importlib.import_module(module)
    assert loaded.nn.functional  # which lampas loads when it is first asked for
    before = _peak()
    go = PROGRAMS[name](loaded)
    for _ in range(3):
        go()
    return (_peak() - before) // 1024


def memory(name: str) -> Figures:
    """Peak memory of both sides, each in a process of its own."""
    found: Figures = {}
    for label, module in (("MB", "lampas"), ("torch's MB", "torch")):
        if module == "torch" and peer() is None:
            continue
        done = subprocess.run(
            [sys.executable, __file__, "--grown", module, "--only", name],
            capture_output=True,
            text=True,
            check=True,
        )
        found[label] = float(done.stdout.split()[-1])
    return found


BLOCK = 0.25  # seconds: tens of turns of the busy process, who has some 3 ms each


@contextmanager
def a_busy_core() -> Iterator[None]:
    """Another process computes all the while."""
    code = "print(flush=True)\nwhile True: pass"
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert other.stdout is not None
    try:
        with other.stdout:
            other.stdout.readline()  # until it has begun
            yield
    finally:
        other.kill()
        other.wait()


def slowdown(program: Program, rounds: int = 5) -> Figures:
    """How many times longer both sides take beside a busy core.

    A call of some milliseconds has both cores or one, as it happens, so that blocks of
    many are timed; alone and beside it take turns, that both see the same machine.

    Args:
        program: makes what is timed, from a module.
        rounds: how many times each is timed; the median counts.
    """
    sides = sides_of(program)
    calls = {}
    for name, side in sides.items():  # which also warms up
        side()
        calls[name] = max(1, round(BLOCK / timed(side, 2)))
    ratios: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        alone = {name: timed(side, calls[name]) for name, side in sides.items()}
        with a_busy_core():
            beside = {name: timed(side, calls[name]) for name, side in sides.items()}
        time.sleep(1)  # what the sides did about it is over when they are timed again
        for name, of in ratios.items():
            of.append(beside[name] / alone[name])
    found: Figures = {"slower beside a busy core": statistics.median(ratios["ours"])}
    if "torch" in ratios:
        found["torch slower"] = statistics.median(ratios["torch"])
    return found


def main() -> None:
    """Print the figures, and write them as JSON where asked to."""
    parser = parser_of(str(__doc__))
    parser.add_argument("--quick", action="store_true", help="times only")
    parser.add_argument("--grown", help="print the MB that this module takes")
    options = parser.parse_args()
    names = chosen(PROGRAMS, options)
    if options.grown:
        print(grown(options.grown, names[0]))
        return
    figures: dict[str, Figures] = {}
    for name in names:
        figures[name] = compare(PROGRAMS[name])
        if not options.quick:
            figures[name] |= slowdown(PROGRAMS[name]) | memory(name)
        print(line(name, figures[name]), flush=True)
    write(options, figures)


if __name__ == "__main__":
    main()
