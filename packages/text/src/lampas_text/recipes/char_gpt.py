"""Train a small GPT to write one character after the other.

With the settings below on tinyshakespeare, 2,000 steps give a loss of about 1.9 over
the whole last tenth of the text. The settings are nanoGPT's for a CPU.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import lampas
import lampas_hub
from lampas import Generator, Tensor, nn
from lampas.errors import ArgumentError
from lampas.nn import functional as F
from lampas.optim import AdamW
from lampas.optim.lr_scheduler import LambdaLR
from lampas.train import Checkpoint, Progress, Run, Table, check_finite, option
from lampas.utils.data import DataLoader, RandomSampler
from lampas_text.datasets import TextWindows, read_text, tinyshakespeare
from lampas_text.models.gpt import GPT, GPTConfig
from lampas_text.sampling import generate
from lampas_text.tokenizers import CharTokenizer

__all__ = [
    "Config",
    "build_model",
    "build_optimizer",
    "evaluate",
    "load_text",
    "loss_of",
    "measure",
    "predict",
    "pretrained",
    "rate",
    "restore",
    "tokens",
    "train",
    "write",
]


@dataclass(frozen=True)
class Config:
    """Settings of the recipe."""

    text: Path | None = option(None, "a text file; none: tinyshakespeare")
    epochs: int = option(8, "epochs; each ends with an evaluation")
    epoch_steps: int = option(250, "training steps per epoch")
    batch_size: int = option(12, "windows per step")
    context: int = option(64, "characters per window")
    layers: int = option(4, "blocks of the model")
    heads: int = option(4, "attention heads per block")
    width: int = option(128, "width of the model")
    dropout: float = option(0.0, "probability that a value is dropped in training")
    lr: float = option(1e-3, "highest learning rate")
    min_lr: float = option(1e-4, "learning rate at the end")
    warmup: int = option(100, "steps over which the learning rate rises")
    weight_decay: float = option(0.1, "decay of matrices; norms and biases have none")
    clip: float = option(1.0, "largest norm of the gradients")
    save_every: int = option(100, "steps between two checkpoints")
    workers: int = option(0, "processes that load data")
    seed: int = option(1337, "seed of weights, windows and samples")
    temperature: float = option(0.8, "of samples: 0 always takes the likeliest")
    top_k: int | None = option(None, "of samples: how many characters to choose from")
    length: int = option(500, "characters of a sample")


# Data


def load_text(config: Config) -> tuple[str, str]:
    """Return the first nine tenths of the text, and the last tenth."""
    text = read_text(config.text) if config.text else tinyshakespeare()
    border = int(0.9 * len(text))
    return text[:border], text[border:]


def tokens(tokenizer: CharTokenizer, text: str) -> np.ndarray[Any, np.dtype[np.uint16]]:
    """Return a text as an array, which takes less room than a list of numbers."""
    return np.array(tokenizer.encode(text), dtype=np.uint16)


# Model, optimizer, schedule


def build_model(config: Config, vocab_size: int) -> GPT:
    """Return the model with fresh weights."""
    sizes = GPTConfig(
        vocab_size=vocab_size,
        block_size=config.context,
        n_layer=config.layers,
        n_head=config.heads,
        n_embd=config.width,
        dropout=config.dropout,
        bias=False,
    )
    return GPT(sizes, Generator().manual_seed(config.seed))


def build_optimizer(config: Config, model: nn.Module) -> AdamW:
    """Return AdamW, which decays matrices only."""
    parameters = list(model.parameters())
    groups = [
        {
            "params": [p for p in parameters if p.ndim >= 2],
            "weight_decay": config.weight_decay,
        },
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return AdamW(groups, lr=config.lr, betas=(0.9, 0.99))


def rate(step: int, config: Config) -> float:
    """Return the learning rate of a step as a part of the highest one."""
    if step < config.warmup:
        return (step + 1) / (config.warmup + 1)
    last = config.epochs * config.epoch_steps
    done = (step - config.warmup) / max(last - config.warmup, 1)
    low = config.min_lr / config.lr
    return low + (1.0 - low) * 0.5 * (1.0 + math.cos(math.pi * min(done, 1.0)))


def loss_of(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross-entropy per character, in nats."""
    return F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())


@lampas.no_grad()
def measure(model: GPT, data: TextWindows) -> float:
    """Return the loss over every window of ``data``."""
    total = 0.0
    model.eval()
    for inputs, targets in DataLoader(data, batch_size=64):
        total += loss_of(model, inputs, targets).item() * targets.numel()
    model.train()
    return total / (len(data) * data.length)


# The loop


def train(config: Config, run: Run) -> None:
    """Train from the settings into a run folder."""
    train_text, test_text = load_text(config)
    tokenizer = CharTokenizer.train(train_text + test_text)
    data = TextWindows(tokens(tokenizer, train_text), config.context)
    test = TextWindows(tokens(tokenizer, test_text), config.context, config.context)
    sampler = RandomSampler(
        data,
        replacement=True,
        num_samples=config.epoch_steps * config.batch_size,
        generator=Generator().manual_seed(config.seed),
    )
    loader = DataLoader(
        data, config.batch_size, sampler=sampler, num_workers=config.workers
    )
    model = build_model(config, tokenizer.vocab_size)
    optimizer = build_optimizer(config, model)
    scheduler = LambdaLR(optimizer, lambda step: rate(step, config))
    checkpoint = Checkpoint(
        run,
        every=config.save_every,
        about={"characters": tokenizer.characters},
        model=model,
        optimizer=optimizer,
        scheduler=scheduler,
        loader=loader,
    )
    checkpoint.resume()
    table = Table("epoch", "step", "train_loss", "test_loss")
    for record in run.metrics():
        table.row(record)
    total = config.epochs * config.epoch_steps
    with checkpoint, Progress(total, checkpoint.step) as progress:
        for epoch in range(checkpoint.epoch, config.epochs):
            for inputs, targets in loader:
                loss = loss_of(model, inputs, targets)
                value = check_finite(loss, model, inputs)
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), config.clip)
                optimizer.step()
                scheduler.step()
                checkpoint.totals["loss"] += value
                checkpoint.end_step()
                progress.step(loss=value)
            record = {
                "epoch": epoch + 1,
                "step": checkpoint.step,
                "train_loss": checkpoint.totals["loss"] / config.epoch_steps,
                "test_loss": measure(model, test),
            }
            run.log(**record)
            table.row(record)
            checkpoint.end_epoch(score=record["test_loss"], lowest=True)
    run.save_curves("train_loss,test_loss")
    sample = write(config, model, tokenizer, "\n")
    (run.samples / "text.txt").write_text(sample, encoding="utf-8")


# Using what was trained


def write(config: Config, model: GPT, tokenizer: CharTokenizer, start: str) -> str:
    """Return ``start`` and what the model writes after it."""
    if not start:
        raise ArgumentError(
            "predict: expected a text of at least one character, got ''"
        )
    ids = generate(
        model,
        lampas.tensor([tokenizer.encode(start)]),
        config.length,
        block_size=config.context,
        temperature=config.temperature,
        top_k=config.top_k,
        generator=Generator().manual_seed(config.seed),
    )
    return tokenizer.decode(ids[0].tolist())


def restore(config: Config, checkpoint: Mapping[str, Any]) -> tuple[GPT, CharTokenizer]:
    """Return the model and the tokenizer of a checkpoint."""
    tokenizer = CharTokenizer(checkpoint["about"]["characters"])
    model = build_model(config, tokenizer.vocab_size)
    model.load_state_dict(checkpoint["model"])
    return model, tokenizer


def pretrained() -> dict[str, Any]:
    """Return the weights that came with the package, in the form of a checkpoint."""
    about = dict(lampas_hub.info("char-gpt-shakespeare").preprocessing)
    model = lampas_hub.load_state_dict("char-gpt-shakespeare")
    return {"config": {}, "about": about, "model": model}


def evaluate(config: Config, checkpoint: Mapping[str, Any]) -> dict[str, float]:
    """Return the loss per character over the last tenth of the text."""
    model, tokenizer = restore(config, checkpoint)
    ids = tokens(tokenizer, load_text(config)[1])
    return {
        "test_loss": measure(model, TextWindows(ids, config.context, config.context))
    }


def predict(
    config: Config, checkpoint: Mapping[str, Any], inputs: Sequence[str]
) -> Iterator[str]:
    """Go on with each of the texts."""
    model, tokenizer = restore(config, checkpoint)
    for start in inputs:
        yield write(config, model, tokenizer, start)
