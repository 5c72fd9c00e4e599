"""Train an image classifier: on digits (in the package), MNIST, or folders of images.

    lampas train classify
    lampas train classify --dataset mnist --data DATA --epochs 6
    lampas train classify --dataset folder --data PICTURES --model resnet18 --size 64

A folder holds ``train/CLASS/IMAGE`` and ``test/CLASS/IMAGE``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import lampas
import lampas_hub
from lampas import Generator, Tensor, nn
from lampas.errors import ArgumentError
from lampas.nn import functional as F
from lampas.optim import SGD, AdamW, Optimizer
from lampas.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, OneCycleLR
from lampas.train import (
    Checkpoint,
    Progress,
    Run,
    Table,
    check_finite,
    option,
)
from lampas.utils.data import DataLoader, Dataset
from lampas_vision import models
from lampas_vision import transforms as T
from lampas_vision.datasets import MNIST, Digits, ImageFolder
from lampas_vision.datasets.folder import default_loader
from lampas_vision.models import preprocessing_of
from lampas_vision.recipes._pictures import save_pictures

__all__ = ["Config", "evaluate", "predict", "pretrained", "train"]


@dataclass(frozen=True)
class Config:
    """Settings of the recipe."""

    dataset: Literal["digits", "mnist", "folder"] = option("digits", "what to learn")
    data: Path | None = option(None, "folder of mnist or folder; none: LAMPAS_DATA")
    split: Literal["standard", "t10k"] = option(
        "t10k",
        "of mnist; t10k: 8,000 of the 10,000 test images to train, 2,000 to test",
    )
    parity: bool = option(False, "of digits, mnist: learn even and odd, not the digit")
    model: Literal["convnet", "resnet18"] = option("convnet", "which model")
    weights: str | None = option(None, "begin from these: a name, or a file of a run")
    size: int | None = option(None, "pixels a side; none: 8, 28 or 64 by the dataset")
    augment: bool = option(True, "move, turn, scale or crop training images by chance")
    epochs: int = option(12, "passes over the training images")
    batch_size: int = option(64, "images per step")
    optimizer: Literal["adamw", "sgd"] = option("adamw", "how weights are changed")
    lr: float = option(4e-3, "highest learning rate")
    momentum: float = option(0.9, "of sgd")
    weight_decay: float = option(0.02, "decay of matrices; norms and biases have none")
    schedule: Literal["onecycle", "cosine"] = option("onecycle", "of the learning rate")
    label_smoothing: float = option(0.05, "share of each label given to all classes")
    workers: int = option(0, "processes that load images")
    save_every: int = option(100, "steps between two checkpoints")
    seed: int = option(0, "seed of weights, order and augmentation")


# Data


@dataclass(frozen=True)
class Task:
    """What is learnt, and how an image is prepared for the model."""

    classes: list[str]
    preprocess: T.Preprocess

    def about(self) -> dict[str, Any]:
        """Plain values for a checkpoint."""
        return {"classes": self.classes, "preprocess": self.preprocess.to_dict()}


def parity_of(label: int) -> int:
    """Return 0 for even, 1 for odd."""
    return label % 2


def short_names(config: Config, classes: Sequence[str]) -> list[str]:
    """Return names that fit over a picture: "7" for MNIST's "7 - seven"."""
    if config.dataset != "mnist":
        return list(classes)
    return [name.partition(" - ")[0] for name in classes]


def open_images(config: Config, train: bool, transform: Any) -> Any:
    """Return the images to train or to test on."""
    label = parity_of if config.parity else None
    if config.dataset == "digits":
        return Digits(train, transform, label)
    root = config.data or os.environ.get("LAMPAS_DATA")
    if root is None:
        raise ArgumentError(
            f"data: expected the folder of {config.dataset} in --data or in the "
            "environment variable LAMPAS_DATA, got neither"
        )
    if config.dataset == "mnist":
        return MNIST(root, train, transform, label, split=config.split)
    return ImageFolder(Path(root) / ("train" if train else "test"), transform)


def prepare_for(config: Config) -> T.Preprocess:
    """Return the preprocessing: that of the weights we begin from, or a fresh one."""
    stored = preprocessing_of(config.weights) if config.weights else None
    if stored is not None:
        return T.Preprocess.from_dict(stored)
    side, mean, std = {
        "digits": (8, (0.3053,), (0.3760,)),
        "mnist": (28, (0.1307,), (0.3081,)),
        "folder": (64, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    }[config.dataset]
    side = config.size or side
    if config.model == "resnet18":
        mean, std = (mean * 3)[:3], (std * 3)[:3]
    return T.Preprocess((side, side), len(mean), mean, std)


def augment_for(config: Config, preprocess: T.Preprocess) -> Any:
    """Return what is done to a training image, the preprocessing included."""
    if not config.augment:
        return preprocess
    if config.dataset == "folder":
        crop = T.RandomResizedCrop(preprocess.size, scale=(0.5, 1.0))
        return T.Compose([crop, T.RandomHorizontalFlip(), preprocess])
    move = T.RandomAffine(10, (0.1, 0.1), (0.9, 1.1), 5, T.InterpolationMode.BILINEAR)
    return T.Compose([move, preprocess])


# Model, optimizer, schedule


def build_model(config: Config, task: Task, weights: str | None) -> nn.Module:
    """Return the model; without weights it is fresh, and the seed decides it."""
    lampas.manual_seed(config.seed)
    options: dict[str, Any] = {"num_classes": len(task.classes), "weights": weights}
    if config.model == "convnet":
        return models.convnet(in_channels=task.preprocess.channels, **options)
    return models.resnet18(**options)


def build_optimizer(config: Config, model: nn.Module) -> Optimizer:
    """Return the optimizer, which decays matrices and kernels only."""
    parameters = list(model.parameters())
    groups = [
        {
            "params": [p for p in parameters if p.ndim >= 2],
            "weight_decay": config.weight_decay,
        },
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    if config.optimizer == "sgd":
        return SGD(groups, lr=config.lr, momentum=config.momentum, nesterov=True)
    return AdamW(groups, lr=config.lr)


def build_schedule(config: Config, optimizer: Optimizer, steps: int) -> LRScheduler:
    """Return the schedule of the learning rate over all steps."""
    if config.schedule == "cosine":
        return CosineAnnealingLR(optimizer, T_max=steps)
    return OneCycleLR(optimizer, max_lr=config.lr, total_steps=steps)


@lampas.no_grad()
def scores_of(model: nn.Module, data: Dataset[Any]) -> tuple[Tensor, Tensor]:
    """Return the scores ``(N, classes)`` and labels ``(N,)`` of every image."""
    model.eval()
    loader: DataLoader[Any] = DataLoader(data, batch_size=250)
    batches = [(model(images), labels) for images, labels in loader]
    model.train()
    return lampas.cat([s for s, _ in batches]), lampas.cat([y for _, y in batches])


def measure(model: nn.Module, data: Dataset[Any]) -> dict[str, float]:
    """Return loss and accuracy over every image."""
    scores, labels = scores_of(model, data)
    right = (scores.argmax(1) == labels).sum().item()
    loss = F.cross_entropy(scores, labels).item()
    return {"test_loss": float(loss), "test_accuracy": right / len(labels)}


# The loop


def train(config: Config, run: Run) -> None:
    """Train from the settings into a run folder."""
    preprocess = prepare_for(config)
    data = open_images(config, True, augment_for(config, preprocess))
    test = open_images(config, False, preprocess)
    classes = ["even", "odd"] if config.parity else short_names(config, data.classes)
    task = Task(classes, preprocess)
    model = build_model(config, task, config.weights)
    optimizer = build_optimizer(config, model)
    loader: DataLoader[Any] = DataLoader(
        data,
        config.batch_size,
        shuffle=True,
        drop_last=len(data) > config.batch_size,
        num_workers=config.workers,
        generator=Generator().manual_seed(config.seed),
    )
    steps = config.epochs * len(loader)
    schedule = build_schedule(config, optimizer, steps)
    checkpoint = Checkpoint(
        run,
        every=config.save_every,
        about=task.about(),
        model=model,
        optimizer=optimizer,
        schedule=schedule,
        loader=loader,
    )
    checkpoint.resume()
    table = Table("epoch", "step", "train_loss", "test_loss", "test_accuracy")
    for record in run.metrics():
        table.row(record)
    with checkpoint, Progress(steps, checkpoint.step) as progress:
        for epoch in range(checkpoint.epoch, config.epochs):
            for images, labels in loader:
                scores = model(images)
                loss = F.cross_entropy(
                    scores, labels, label_smoothing=config.label_smoothing
                )
                value = check_finite(loss, model, images)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                checkpoint.totals["loss"] += value
                checkpoint.end_step()
                progress.step(loss=value)
            record = {"epoch": epoch + 1, "step": checkpoint.step}
            record["train_loss"] = checkpoint.totals["loss"] / len(loader)
            record |= measure(model, test)
            run.log(**record)
            table.row(record)
            checkpoint.end_epoch(score=record["test_accuracy"])
    run.save_curves("train_loss,test_loss", "test_accuracy")
    scores, labels = scores_of(model, test)
    save_pictures(run, test, scores, labels, classes, preprocess)


# Using what was trained


def restore(config: Config, checkpoint: Mapping[str, Any]) -> tuple[nn.Module, Task]:
    """Return the model of a checkpoint, ready to predict, and its task."""
    about = checkpoint["about"]
    task = Task(about["classes"], T.Preprocess.from_dict(about["preprocess"]))
    model = build_model(config, task, None)
    model.load_state_dict(checkpoint["model"])
    return model.eval(), task


def pretrained() -> dict[str, Any]:
    """Return the weights that come with the package, in the form of a checkpoint."""
    entry = lampas_hub.info("digits-convnet")
    about = {"classes": Digits.classes, "preprocess": dict(entry.preprocessing)}
    state = lampas_hub.load_state_dict(entry.name)
    return {"model": state, "config": {}, "about": about}


def evaluate(config: Config, checkpoint: Mapping[str, Any]) -> dict[str, float]:
    """Return loss and accuracy over the images held out."""
    model, task = restore(config, checkpoint)
    return measure(model, open_images(config, False, task.preprocess))


@lampas.no_grad()
def predict(
    config: Config, checkpoint: Mapping[str, Any], inputs: Sequence[str]
) -> Iterator[str]:
    """Name what each image file shows, and how sure the model is."""
    model, task = restore(config, checkpoint)
    for path in inputs:
        image = task.preprocess(default_loader(path))
        chances = model(image.unsqueeze(0)).softmax(1)[0]
        best = int(chances.argmax().item())
        yield f"{path}: {task.classes[best]} ({chances[best].item():.1%})"
