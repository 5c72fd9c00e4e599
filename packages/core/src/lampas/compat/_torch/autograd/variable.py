"""``torch.autograd.variable``: an older home of ``Variable``."""

from __future__ import annotations

from lampas.compat._torch.autograd import Variable

__all__ = ["Variable"]
