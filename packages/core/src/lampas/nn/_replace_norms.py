"""Batch normalisation without running statistics, for function transforms."""

from __future__ import annotations

from lampas.nn.module import Module
from lampas.nn.modules.norm import _BatchNorm

__all__ = ["replace_all_batch_norm_modules_"]


def replace_all_batch_norm_modules_(root: Module) -> Module:
    """Make all batch norms of a module use the statistics of the batch; in place.

    They then keep no running statistics, which a function transform could not change.

    Args:
        root: the module.

    Returns:
        ``root``.

    >>> import lampas
    >>> norm = lampas.func.replace_all_batch_norm_modules_(lampas.nn.BatchNorm1d(2))
    >>> norm.running_mean is None, norm.track_running_stats
    (True, False)
    """
    for module in root.modules():
        if isinstance(module, _BatchNorm):
            module.running_mean = None
            module.running_var = None
            module.num_batches_tracked = None
            module.track_running_stats = False
    return root
