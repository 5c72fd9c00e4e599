"""``torch.utils.model_zoo``: an older home of ``torch.hub``'s files by address."""

from __future__ import annotations

from lampas.compat._torch.hub import load_state_dict_from_url as load_url

__all__ = ["load_url"]
