"""What ``torch.distributions`` has beside ``lampas.distributions``."""
