"""``torch.utils.data._utils.collate``: a home of the collating functions."""

from __future__ import annotations

from lampas.utils.data import default_collate, default_convert

__all__ = ["default_collate", "default_convert"]
