"""``torch.torch_version``: the version, and its class."""

from __future__ import annotations

from lampas.compat._versions import Version as TorchVersion
from lampas.compat._versions import version_of

__all__ = ["TorchVersion"]

__version__ = version_of("torch")
