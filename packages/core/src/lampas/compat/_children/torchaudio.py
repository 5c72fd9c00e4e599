"""What a child process finds first as ``torchaudio``: it makes way for lampas."""

from __future__ import annotations

from lampas.compat._child import take_over

if __name__ == "torchaudio":
    take_over(__name__)
