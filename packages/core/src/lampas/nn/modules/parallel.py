"""PyTorch's wrapper for several cards of one process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lampas.nn.module import Module

__all__ = ["DataParallel"]


class DataParallel(Module):
    """Call ``module`` as it is: what PyTorch's does where there is one device.

    Scripts and checkpoints that have it go on working: keys of the state_dict begin
    with ``module.``.

    Args:
        module: the module to call.
        device_ids, output_device, dim: accepted; the module's device serves.

    >>> import lampas
    >>> net = lampas.nn.DataParallel(lampas.nn.Linear(2, 1))
    >>> list(net.state_dict())
    ['module.weight', 'module.bias']
    """

    def __init__(
        self,
        module: Module,
        device_ids: Sequence[Any] | None = None,
        output_device: Any = None,
        dim: int = 0,
    ) -> None:
        super().__init__()
        self.module = module
        self.device_ids = list(device_ids or ())
        self.output_device = output_device
        self.dim = dim

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """What the module returns."""
        return self.module(*inputs, **kwargs)
