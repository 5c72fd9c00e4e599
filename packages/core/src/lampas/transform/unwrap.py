"""Looking behind the tensors that a transform passes through a function."""

from __future__ import annotations

from lampas.engine.tensor import Tensor
from lampas.engine.tracer import Tracer

__all__ = ["debug_unwrap"]


def debug_unwrap(tensor: Tensor, *, recurse: bool = True) -> Tensor:
    """The tensor that a transform holds for the one it passes to a function.

    To look at while debugging: a result made of it has no part in the transform.

    Args:
        tensor: any tensor; an ordinary one is returned as it is.
        recurse: go through all the transforms, not only the innermost.

    >>> import lampas
    >>> def look(x):
    ...     print(tuple(x.shape), tuple(debug_unwrap(x).shape))
    ...     return x
    >>> _ = lampas.vmap(look)(lampas.ones(2, 3))
    (3,) (2, 3)
    """
    found = tensor
    while isinstance(found, Tracer):
        found = found._value
        if not recurse:
            break
    return found
