"""``torch.nn.parallel``: one process, so one copy of a model."""

from __future__ import annotations

from typing import Any

from lampas.compat._torch.distributed import get_rank as _group
from lampas.nn import Module

__all__ = ["DistributedDataParallel", "data_parallel"]


class DistributedDataParallel(Module):
    """PyTorch's wrapper for a group of processes, which lampas does not have.

    Raises:
        ValueError: always, as in PyTorch where no group was initialised.
    """

    def __init__(self, module: Module, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        _group()


def data_parallel(
    module: Module,
    inputs: Any,
    device_ids: Any = None,
    output_device: Any = None,
    dim: int = 0,
    module_kwargs: dict[str, Any] | None = None,
) -> Any:
    """What the module returns: there is one device.

    Args:
        module: what is called.
        inputs: a tensor, or a tuple of arguments.
        device_ids, output_device, dim: accepted; the module's device serves.
        module_kwargs: named arguments.
    """
    arguments = inputs if isinstance(inputs, tuple) else (inputs,)
    return module(*arguments, **(module_kwargs or {}))
