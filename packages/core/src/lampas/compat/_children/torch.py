"""What a child process finds first as ``torch``: it makes way for lampas."""

from __future__ import annotations

from lampas.compat._child import take_over

if __name__ == "torch":
    take_over(__name__)
