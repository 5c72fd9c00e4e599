"""A folder that child processes have in their path, to find lampas as ``torch``."""
