"""What ``torch.optim`` has beside ``lampas.optim``."""
