"""Interpreters of op records: batching, forward mode, reverse mode."""

__all__: list[str] = []
