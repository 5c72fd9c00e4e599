"""``torch.utils._pytree``: nested containers, leaf by leaf."""

from __future__ import annotations

from typing import Any

from lampas.transform.tree import flatten as tree_flatten
from lampas.transform.tree import leaves as tree_leaves
from lampas.transform.tree import tree_map, unflatten

__all__ = ["tree_flatten", "tree_leaves", "tree_map", "tree_unflatten"]


def tree_unflatten(leaves: list[Any], treespec: Any) -> Any:
    """The containers that ``tree_flatten`` took apart, around other leaves."""
    return unflatten(treespec, leaves)
