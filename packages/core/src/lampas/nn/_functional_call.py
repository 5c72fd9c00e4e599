"""Calling a module with other parameters and buffers than its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lampas.errors import ArgumentError, ArgumentTypeError, LampasError

__all__ = ["functional_call"]

_REGISTRIES = ("_parameters", "_buffers")


class _KeyMismatch(LampasError, RuntimeError):
    """The given names are not those of the module."""


def _merged(given: Any) -> dict[str, Any]:
    """One dictionary from one or several, none of which may repeat a key."""
    if isinstance(given, Mapping):
        return dict(given)
    if not isinstance(given, Sequence) or not all(
        isinstance(d, Mapping) for d in given
    ):
        raise ArgumentTypeError(
            "parameter_and_buffer_dicts must be a dict or a sequence of dicts, got "
            f"{type(given).__name__}"
        )
    merged: dict[str, Any] = {}
    for one in given:
        repeated = [key for key in one if key in merged]
        if repeated:
            raise ArgumentError(
                f"{', '.join(repeated)} appeared in several dictionaries; which of "
                "the values should be used is ambiguous"
            )
        merged.update(one)
    return merged


def _places(module: Any) -> dict[str, tuple[dict[str, Any], str]]:
    """For each path of a parameter or buffer, the registry and the name there."""
    found: dict[str, tuple[dict[str, Any], str]] = {}
    for path, part in module.named_modules(remove_duplicate=False):
        prefix = path + "." if path else ""
        for registry in _REGISTRIES:
            slots = part.__dict__[registry]
            for name, value in slots.items():
                if value is not None:
                    found[prefix + name] = (slots, name)
    return found


def _with_tied(
    places: dict[str, tuple[dict[str, Any], str]], given: dict[str, Any]
) -> dict[str, Any]:
    """The given values, also under the other names of the tensors they replace."""
    names: dict[int, list[str]] = {}
    for path, (slots, name) in places.items():
        names.setdefault(id(slots[name]), []).append(path)
    result = dict(given)
    for group in names.values():
        values = [(path, given[path]) for path in group if path in given]
        if not values or len(group) == 1:
            continue
        if any(value is not values[0][1] for _, value in values):
            raise ArgumentError(
                f"functional_call got several values for {', '.join(group)}, which "
                "are tied in the module; give one of them, or set tie_weights=False"
            )
        result |= dict.fromkeys(group, values[0][1])
    return result


def _check_keys(places: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    missing = [key for key in places if key not in given]
    unexpected = [key for key in given if key not in places]
    if missing or unexpected:
        parts = [("missing key(s)", missing), ("unexpected key(s)", unexpected)]
        text = "; ".join(f"{what}: {', '.join(keys)}" for what, keys in parts if keys)
        raise _KeyMismatch(f"functional_call with strict=True: {text}")


def functional_call(
    module: Any,
    parameter_and_buffer_dicts: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    args: Any = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with given tensors in the place of its parameters and buffers.

    The module is as before afterwards. Buffers that the call changes in place are
    changed in the given dictionary; one that it assigns anew is put there, if the
    dictionary is a ``dict``.

    Args:
        module: the module to call.
        parameter_and_buffer_dicts: tensors by path, as ``named_parameters`` names
            them; or several such dictionaries. What is not named stays the module's.
        args: positional arguments, a tuple; anything else is the only argument.
        kwargs: keyword arguments.
        tie_weights: a tensor that the module has under several names is replaced
            under all of them, though only one is given.
        strict: refuse names that are missing or that the module doesn't have.

    Returns:
        What the module returns.

    Raises:
        ValueError: a name appears in several dictionaries, or tied names have
            different values.
        RuntimeError: the names do not match and ``strict`` is set.

    >>> import lampas
    >>> layer = lampas.nn.Linear(2, 1, bias=False)
    >>> functional_call(layer, {"weight": lampas.ones(1, 2)}, lampas.ones(3, 2))[0]
    tensor([2.])
    """
    values = _merged(parameter_and_buffer_dicts)
    places = _places(module)
    if tie_weights:
        values = _with_tied(places, values)
    if strict:
        _check_keys(places, values)
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    own = {key: places[key][0][places[key][1]] for key in values if key in places}
    try:
        for key in own:
            slots, name = places[key]
            slots[name] = values[key]
        return module(*args, **(kwargs or {}))
    finally:
        for key, value in own.items():
            slots, name = places[key]
            left = slots.get(name)
            slots[name] = value
            given = parameter_and_buffer_dicts
            if isinstance(given, dict) and given.get(key, left) is not left:
                given[key] = left
