"""What ``torch.optim.optimizer`` has beside lampas': names for annotations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from lampas.engine.tensor import Tensor

__all__ = ["ParamsT"]

ParamsT: TypeAlias = Iterable[Tensor] | Iterable[dict[str, Any]]
_params_t: TypeAlias = ParamsT
