"""What ``torch.utils.data`` has beside ``lampas.utils.data``."""
