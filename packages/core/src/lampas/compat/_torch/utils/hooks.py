"""``torch.utils.hooks``: a home of the handle that removes a hook."""

from __future__ import annotations

from lampas.engine.tape import Handle as RemovableHandle

__all__ = ["RemovableHandle"]
