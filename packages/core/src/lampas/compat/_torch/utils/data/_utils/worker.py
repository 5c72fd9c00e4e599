"""``torch.utils.data._utils.worker``: a home of the question who loads."""

from __future__ import annotations

from lampas.utils.data import get_worker_info

__all__ = ["get_worker_info"]
