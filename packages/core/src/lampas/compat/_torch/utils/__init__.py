"""What ``torch.utils`` has beside ``lampas.utils``."""
