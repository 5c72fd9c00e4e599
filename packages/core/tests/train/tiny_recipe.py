"""A tiny net on made-up data, with all that a checkpoint has to hold.

Dropout draws from the default generator and the loader shuffles with its own; the
data set draws from NumPy and ``random``, whose states depend on where a run stands.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import lampas
from lampas import nn
from lampas.nn import functional as F
from lampas.optim import Adam
from lampas.optim.lr_scheduler import StepLR
from lampas.train import Checkpoint, Progress, Run, Table, check_finite, option
from lampas.utils.data import DataLoader, TensorDataset


@dataclass(frozen=True)
class Config:
    epochs: int = option(3, "passes over the data")
    workers: int = option(0, "processes that load data")
    save_every: int = option(1, "steps between two checkpoints")
    pause: float = option(0.0, "seconds that a step takes longer")
    spoil: int = option(-1, "the step whose weights are spoiled")


def make_data() -> TensorDataset:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(70, 8)).astype(np.float32)
    labels = (points[:, :4].sum(1) > 0).astype(np.int64)
    return TensorDataset(lampas.from_numpy(points), lampas.from_numpy(labels))


def build_model() -> nn.Module:
    return nn.Sequential(
        nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.25), nn.Linear(16, 2)
    )


def train(config: Config, run: Run) -> None:
    lampas.manual_seed(5)
    random.seed(5)
    np.random.seed(5)
    loader = DataLoader(
        make_data(),
        batch_size=8,
        shuffle=True,
        num_workers=config.workers,
        generator=lampas.Generator().manual_seed(1),
    )
    model = build_model()
    optimizer = Adam(model.parameters(), lr=0.01)
    scheduler = StepLR(optimizer, step_size=7, gamma=0.9)
    checkpoint = Checkpoint(
        run,
        every=config.save_every,
        about={"classes": ["no", "yes"]},
        model=model,
        optimizer=optimizer,
        scheduler=scheduler,
        loader=loader,
    )
    checkpoint.resume()
    table = Table("epoch", "loss", "noise")
    for record in run.metrics():
        if "noise" in record:
            table.row(record)
    total = config.epochs * len(loader)
    with checkpoint, Progress(total, checkpoint.step, every=0.0) as progress:
        for epoch in range(checkpoint.epoch, config.epochs):
            for points, labels in loader:
                if checkpoint.step == config.spoil:
                    with lampas.no_grad():
                        model[3].weight[0, 0] = float("inf")
                loss = F.cross_entropy(model(points), labels)
                value = check_finite(loss, model, points)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                scheduler.step()
                checkpoint.totals["loss"] += value
                run.log(step=checkpoint.step + 1, batch_loss=value)
                checkpoint.end_step()
                progress.step(loss=value)
                time.sleep(config.pause)
            record = {
                "epoch": epoch + 1,
                "step": checkpoint.step,
                "loss": checkpoint.totals["loss"] / len(loader),
                "noise": random.random() + float(np.random.rand()),
            }
            run.log(**record)
            table.row(record)
            checkpoint.end_epoch(score=record["loss"], lowest=True)


def evaluate(config: Config, checkpoint: Mapping[str, Any]) -> dict[str, float]:
    model = build_model()
    model.load_state_dict(checkpoint["model"])
    model.eval()
    points, labels = make_data().tensors
    with lampas.no_grad():
        right = model(points).argmax(1) == labels
    return {"accuracy": right.float().mean().item()}
