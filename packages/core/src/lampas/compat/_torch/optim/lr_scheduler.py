"""What ``torch.optim.lr_scheduler`` has beside lampas': names that programs import."""

from __future__ import annotations

from lampas.optim.optimizer import Optimizer

__all__ = ["Optimizer"]
