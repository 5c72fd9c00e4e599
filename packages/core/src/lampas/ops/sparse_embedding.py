"""Looking up rows of a table whose gradient lists the rows in use, and no others."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.engine.modes import mode
from lampas.engine.record import Call
from lampas.engine.rows import Rows
from lampas.engine.sparse import sparse_of
from lampas.engine.tape import Leaf, Node, make_node
from lampas.engine.tensor import Tensor, wrap
from lampas.engine.tracer import Tracer
from lampas.errors import GradientError
from lampas.ops import sparse

__all__ = ["list_rows"]

# Its rules are what the gradients need, once they are tensors.
_ = sparse


class LookupNode(Node):
    """A look-up in a leaf: what it hands on is a list of rows."""

    __slots__ = ()

    def run(self, F: Any, g: Any) -> tuple[Any, ...]:
        self._check()
        (shape,), params = self.saved, self.call.params
        index, padding = params["index"].reshape(-1), params["padding_idx"]
        parts = g.reshape(-1, shape[1])
        # Copies: the gradient is the user's, who may write into it.
        keep = slice(None) if padding is None else np.flatnonzero(index != padding)
        places = np.array(index[keep], np.int64)[None]
        return (Rows(places, np.array(parts[keep]), tuple(shape)),)

    def run_taped(self, g: Any) -> tuple[Any, ...]:
        if mode.levels or isinstance(g, Tracer):
            # Transforms know dense tensors only.
            return Node.run_taped(self, g)
        self._check()
        (shape,), params = self.saved, self.call.params
        index, padding = params["index"].reshape(-1), params["padding_idx"]
        parts = g.reshape(-1, shape[1])
        if padding is not None:
            keep = np.flatnonzero(index != padding)
            index, parts = index[keep], parts[wrap(keep)]
        return (sparse_of(np.array(index, np.int64)[None], parts, tuple(shape)),)


def list_rows(rows: Tensor, by_count: bool) -> Tensor:
    """Have the gradient of looked-up rows listed; returns them.

    The gradients of a table that is no leaf go on over dense rules, so stay dense.
    Those on a device do too.

    Raises:
        RuntimeError: the parts were to be divided by how often a row is used.
    """
    node = rows._node
    if node is None or type(rows._data) is not np.ndarray:
        return rows
    if type(node.parents[0]) is Leaf:
        if by_count:
            raise GradientError(
                "embedding: scale_grad_by_freq does not go with sparse gradients; "
                "drop one of the two"
            )
        # A call of its own: one that is watched may have its index taken away.
        call = Call(node.record, node.call.need, node.call.params, node.call.half)
        rows._node = make_node(LookupNode, call, node.parents, node.saved, node.guards)
    return rows
