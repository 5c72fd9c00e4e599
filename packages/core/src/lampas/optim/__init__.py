"""Optimizers and schedules of their options: PyTorch's ``torch.optim``."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from lampas.optim import lr_scheduler
from lampas.optim.adam import Adam, AdamW
from lampas.optim.optimizer import Optimizer
from lampas.optim.sgd import SGD

if TYPE_CHECKING:
    from lampas.optim import swa_utils
    from lampas.optim._adafactor import Adafactor
    from lampas.optim._muon import Muon
    from lampas.optim.adadelta import Adadelta
    from lampas.optim.adagrad import Adagrad
    from lampas.optim.adamax import Adamax
    from lampas.optim.asgd import ASGD
    from lampas.optim.lbfgs import LBFGS
    from lampas.optim.nadam import NAdam
    from lampas.optim.radam import RAdam
    from lampas.optim.rmsprop import RMSprop
    from lampas.optim.rprop import Rprop
    from lampas.optim.sparse_adam import SparseAdam

__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SparseAdam",
    "lr_scheduler",
    "swa_utils",
]

# Loaded when first used: few programs need one of them, and none needs all.
_LATE = {
    "ASGD": "asgd",
    "LBFGS": "lbfgs",
    "Adadelta": "adadelta",
    "Adafactor": "_adafactor",
    "Adagrad": "adagrad",
    "Adamax": "adamax",
    "Muon": "_muon",
    "NAdam": "nadam",
    "RAdam": "radam",
    "RMSprop": "rmsprop",
    "Rprop": "rprop",
    "SparseAdam": "sparse_adam",
}

# Hidden from type checkers: each name that comes late is imported for them above.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name == "swa_utils":
            return importlib.import_module("lampas.optim.swa_utils")
        if name in _LATE:
            return getattr(importlib.import_module(f"{__name__}.{_LATE[name]}"), name)
        raise AttributeError(f"module 'lampas.optim' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE, "swa_utils"})
