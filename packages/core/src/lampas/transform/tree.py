"""Nested tuples, lists and dicts: the form of what functions take and return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lampas.errors import ArgumentError

__all__ = ["broadcast_prefix", "flatten", "leaves", "tree_map", "unflatten"]

Shape = Any
"""How leaves are nested: None for a leaf, or (type, keys, shapes of the parts)."""


def flatten(tree: Any) -> tuple[list[Any], Shape]:
    """The leaves in order, and how they are nested; None is a leaf."""
    found: list[Any] = []
    return found, _flatten(tree, found)


def _parts(tree: Any) -> tuple[Any, list[Any]] | None:
    """The keys and parts of a node, or None for a leaf."""
    if isinstance(tree, dict):
        return tuple(tree), list(tree.values())
    if isinstance(tree, (tuple, list)) and type(tree).__name__ != "Size":
        return len(tree), list(tree)
    return None


def _flatten(tree: Any, found: list[Any]) -> Shape:
    parts = _parts(tree)
    if parts is None:
        found.append(tree)
        return None
    keys, values = parts
    return type(tree), keys, [_flatten(v, found) for v in values]


def unflatten(shape: Shape, values: list[Any]) -> Any:
    """The leaves nested as :func:`flatten` found them."""
    return _build(shape, iter(values))


def _build(shape: Shape, values: Any) -> Any:
    if shape is None:
        return next(values)
    kind, keys, shapes = shape
    parts = [_build(s, values) for s in shapes]
    if issubclass(kind, dict):
        result = kind()
        result.update(zip(keys, parts, strict=True))
        return result
    if hasattr(kind, "_fields"):
        return kind(*parts)
    return kind(parts)


def leaves(tree: Any) -> list[Any]:
    """The leaves in order."""
    return flatten(tree)[0]


def tree_map(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Apply a function to each leaf, and the leaves of others nested alike."""
    values, shape = flatten(tree)
    rest = [leaves(other) for other in others]
    return unflatten(shape, [function(*v) for v in zip(values, *rest, strict=True)])


def broadcast_prefix(name: str, prefix: Any, tree: Any) -> list[Any]:
    """One value of ``prefix`` for each leaf of ``tree``; a value covers all below it.

    Raises:
        ValueError: ``prefix`` is nested differently; the text begins with ``name``.
    """
    parts = _parts(tree)
    if parts is None or _parts(prefix) is None:
        if parts is None and _parts(prefix) is not None:
            raise ArgumentError(f"{name} is nested deeper than what it is for")
        return [prefix] * len(leaves(tree))
    keys, values = parts
    own_keys, own = _parts(prefix)  # type: ignore[misc]
    if len(own) != len(values) or (
        isinstance(tree, dict) and set(own_keys) != set(keys)
    ):
        raise ArgumentError(
            f"{name} has {len(own)} entries for {len(values)} values: they must be "
            "nested alike"
        )
    if isinstance(tree, dict):
        own = [prefix[key] for key in keys]
    pairs = zip(own, values, strict=True)
    return [leaf for p, v in pairs for leaf in broadcast_prefix(name, p, v)]
