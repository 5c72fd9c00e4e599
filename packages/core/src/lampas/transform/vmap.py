"""``vmap``: a function of one example as a function of a batch."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from lampas.engine.tensor import Tensor
from lampas.engine.tracer import HiddenValues, TransformError, live
from lampas.errors import ArgumentError, ArgumentTypeError, DimensionError
from lampas.ops.join import cat
from lampas.ops.views import movedim, narrow
from lampas.transform.batch import BatchLevel
from lampas.transform.captured import apart, refuse_captured
from lampas.transform.tree import broadcast_prefix, flatten, unflatten

__all__ = ["vmap"]

Dims = Any
"""An int or None, or these nested as the values that they are for."""


def vmap(
    func: Callable[..., Any],
    in_dims: Dims = 0,
    out_dims: Dims = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Make a function of one example work on a batch of them at once.

    Operations run on the whole batch where they have a rule for it, else example by
    example; a function that looks at the values of its tensors is run example by
    example as a whole, with a warning once.

    Args:
        func: takes tensors and nested tuples, lists and dicts of them, and returns
            tensors.
        in_dims: the dimension of each argument that counts the examples, None for an
            argument that all share; an int stands for everything below it.
        out_dims: where the results shall have that dimension.
        randomness: ``"error"`` refuses random operations, ``"different"`` draws for
            each example, ``"same"`` once for all.
        chunk_size: how many examples to compute at once; all by default.

    Returns:
        The batched function; keyword arguments are handed on as they are.

    Raises:
        ValueError: ``in_dims`` does not fit the arguments, batch sizes differ, or
            another ``randomness``.
        IndexError: a dimension is out of range.

    >>> import lampas
    >>> lampas.func.vmap(lampas.dot)(lampas.ones(3, 2), lampas.ones(3, 2))
    tensor([2., 2., 2.])
    """
    if randomness not in ("error", "different", "same"):
        raise ArgumentError(
            "vmap: randomness must be 'error', 'different' or 'same', "
            f"got {randomness!r}"
        )
    if chunk_size is not None and chunk_size < 1:
        raise ArgumentError(f"vmap: chunk_size must be positive, got {chunk_size}")

    @functools.wraps(func)
    def batched(*args: Any, **kwargs: Any) -> Any:
        values, shape = flatten(args)
        dims = _in_dims(in_dims, args, values)
        size = _batch_size(values, dims)

        def run(part: list[Any], count: int) -> Any:
            return _run(func, part, dims, shape, kwargs, count, out_dims, randomness)

        if chunk_size is None or chunk_size >= size:
            outs, form, _ = run(values, size)
            return unflatten(form, outs)
        return _in_chunks(run, values, dims, size, chunk_size)

    return batched


def _in_dims(in_dims: Dims, args: tuple[Any, ...], values: list[Any]) -> list[Any]:
    """The batch dimension of each leaf, counted from the front."""
    prefix = tuple(in_dims) if isinstance(in_dims, list) else in_dims
    if not isinstance(prefix, (int, tuple)):
        raise ArgumentError(
            "vmap: in_dims must be an int or a tuple with one entry for each "
            f"argument, got {in_dims!r}"
        )
    dims = broadcast_prefix("vmap: in_dims", prefix, args)
    for i, (dim, value) in enumerate(zip(dims, values, strict=True)):
        if dim is None:
            continue
        if not isinstance(value, Tensor):
            raise ArgumentError(
                f"vmap: in_dims is {dim} for an argument that is no tensor but "
                f"{type(value).__name__}; use None there"
            )
        if value.ndim == 0:
            raise ArgumentError("vmap: a 0-d tensor has no dimension to map over")
        if not -value.ndim <= dim < value.ndim:
            raise ArgumentError(
                f"vmap: in_dims must be in [{-value.ndim}, {value.ndim - 1}] for an "
                f"argument of shape {tuple(value.shape)}, got {dim}"
            )
        dims[i] = dim % value.ndim
    return dims


def _batch_size(values: list[Any], dims: list[Any]) -> int:
    sizes = {v.shape[d] for v, d in zip(values, dims, strict=True) if d is not None}
    if not sizes:
        raise ArgumentError(
            "vmap: at least one argument must be mapped over; in_dims has None for all"
        )
    if len(sizes) > 1:
        raise ArgumentError(
            "vmap: the mapped dimensions must have one size, got sizes "
            f"{', '.join(map(str, sorted(sizes)))}"
        )
    (size,) = sizes
    return size


def _run(
    func: Callable[..., Any],
    values: list[Any],
    dims: list[Any],
    shape: Any,
    kwargs: dict[str, Any],
    size: int,
    out_dims: Dims,
    randomness: str,
) -> tuple[list[Any], Any, list[Any]]:
    """The results of one batch as leaves, their nesting, and their batch dimensions."""
    with live(BatchLevel(size, randomness)) as level:
        held = [
            v if d is None else movedim(v, d, 0) if d else v
            for v, d in zip(values, dims, strict=True)
        ]
        parts = _parts(level, held, dims)
        try:
            result = func(*unflatten(shape, parts), **kwargs)
        except HiddenValues as hidden:
            if hidden.level is not level:
                raise
            # As if nothing had been changed in place by the first try.
            level.restore()
            parts = _parts(level, held, dims)
            args = unflatten(shape, parts)
            result = _by_example(func, level, args, kwargs, hidden)
        result = apart(level, result)
        refuse_captured(level, parts)
        outs, form = flatten(result)
        _write_back(level, held, parts, dims)
        places = broadcast_prefix("vmap: out_dims", out_dims, result)
        merged = [
            _merged(level, out, place) for out, place in zip(outs, places, strict=True)
        ]
    return merged, form, places


def _parts(level: BatchLevel, held: list[Any], dims: list[Any]) -> list[Any]:
    """What the function is given in the place of its arguments."""
    return [v if d is None else level.wrap(v) for v, d in zip(held, dims, strict=True)]


def _write_back(
    level: BatchLevel, held: list[Any], parts: list[Any], dims: list[Any]
) -> None:
    """Store what the function changed in place in the tensors that it is of."""
    for v, part, d in zip(held, parts, dims, strict=True):
        if d is not None and level.value_of(part) is not v:
            v.copy_(level.value_of(part))


def _by_example(
    func: Callable[..., Any],
    level: BatchLevel,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    reason: HiddenValues,
) -> Any:
    if level.randomness != "different":
        warnings.warn(
            f"vmap runs {getattr(func, '__name__', 'the function')} example by "
            f"example: {reason}",
            RuntimeWarning,
            stacklevel=4,
        )
    try:
        return level.unroll(func, args, kwargs)
    except HiddenValues as again:
        if again.level is not level:
            raise
        raise TransformError(
            "vmap: the function uses a batched tensor that is none of its arguments, "
            f"and {again}; pass it as an argument"
        ) from None


def _merged(level: BatchLevel, out: Any, place: int | None) -> Tensor:
    if not isinstance(out, Tensor):
        raise ArgumentTypeError(
            f"vmap: the function must return tensors, got {type(out).__name__}"
        )
    mine = level.owns(out)
    if place is None:
        if mine:
            raise ArgumentError(
                "vmap: out_dims is None for a result that differs between examples"
            )
        return out
    value = level.value_of(out) if mine else out.expand(level.size, *out.shape)
    if not -value.ndim <= place < value.ndim:
        raise DimensionError(
            f"vmap: out_dims must be in [{-value.ndim}, {value.ndim - 1}] for a result "
            f"of shape {tuple(out.shape)}, got {place}"
        )
    place %= value.ndim
    return movedim(value, 0, place) if place else value


def _in_chunks(
    run: Callable[..., Any], values: list[Any], dims: list[Any], size: int, chunk: int
) -> Any:
    results = []
    form: Any = None
    places: list[Any] = []
    for start in range(0, size, chunk):
        count = min(chunk, size - start)
        part = [
            v if d is None else narrow(v, d, start, count)
            for v, d in zip(values, dims, strict=True)
        ]
        outs, form, places = run(part, count)
        results.append(outs)
    joined = [
        parts[0] if place is None else cat(parts, place)
        for parts, place in zip(zip(*results, strict=True), places, strict=True)
    ]
    return unflatten(form, joined)
