"""Logs that TensorBoard shows: PyTorch's ``torch.utils.tensorboard``.

TensorBoard itself is not needed to write them.
"""

from lampas.utils.tensorboard.writer import SummaryWriter

__all__ = ["SummaryWriter"]
