"""Optimizers and schedules of their options: PyTorch's ``torch.optim``."""

from lampas.optim import lr_scheduler
from lampas.optim.adam import Adam, AdamW
from lampas.optim.optimizer import Optimizer
from lampas.optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "lr_scheduler"]
