"""What ``torch.nn.modules.rnn`` has beside lampas': the base of the cells."""

from __future__ import annotations

from lampas.nn.modules.rnn_cells import RNNCellBase

__all__ = ["RNNCellBase"]
