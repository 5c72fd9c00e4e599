"""Recipes: each a file with a visible loop, run as ``lampas train NAME``."""

__all__: list[str] = []
