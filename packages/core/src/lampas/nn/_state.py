"""Loading a state_dict: check all of it first, report readably, then copy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from lampas.backend.device import from_host, to_host
from lampas.engine.tensor import Tensor, shared_cell
from lampas.errors import ArgumentTypeError, LampasError
from lampas.nn.parameter import is_lazy

__all__ = ["LoadResult", "load", "load_own"]

# Lines of a report: keys with like beginnings are counted together above this many.
_LINES = 5


class StateError(LampasError, RuntimeError):
    """A state_dict does not fit the module that it is loaded into."""


class LoadResult(NamedTuple):
    """What ``load_state_dict`` found: keys not in the state, and keys not used."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return (
            f"LoadResult(missing_keys={self.missing_keys}, "
            f"unexpected_keys={self.unexpected_keys})"
        )


def load(
    module: Any, state_dict: Mapping[str, Any], strict: bool, assign: bool
) -> LoadResult:
    """Copy a state_dict into a module; see ``Module.load_state_dict``."""
    if not isinstance(state_dict, Mapping):
        raise ArgumentTypeError(
            f"state_dict must be a dict, got {type(state_dict).__name__}"
        )
    state = dict(state_dict)
    about = getattr(state_dict, "_metadata", {})
    missing: list[str] = []
    unexpected: list[str] = []
    errors: list[str] = []
    special = set()
    for path, part in module.named_modules(remove_duplicate=False):
        prefix = path + "." if path else ""
        metadata = {**about.get(path, {}), "assign_to_params_buffers": assign}
        rest = (prefix, metadata, strict, missing, unexpected, errors)
        for hook in list(part._load_state_dict_pre_hooks.functions.values()):
            hook(part, state, *rest)
        if type(part)._load_from_state_dict is not ORDINARY[0]:
            # The class has its own way; it loads its part at once.
            special.add(part)
            part._load_from_state_dict(state, *rest)
    every = _places(module)
    places = {k: place for k, place in every.items() if place[0] not in special}
    extras = _extra_places(module)
    missing += [k for k in (*places, *extras) if k not in state]
    unexpected += [k for k in state if k not in every and k not in extras]
    wrong = [
        text
        for key, (_, _, target) in places.items()
        if key in state and (text := _mismatch(key, target, state[key]))
    ]
    if wrong or errors or (strict and (missing or unexpected)):
        shown = (missing, unexpected) if strict else ([], [])
        text = _report(type(module).__name__, *shown, wrong + errors)
        raise StateError(text + _tied_note(shown[0], every, state))
    for key, (owner, name, target) in places.items():
        if key in state:
            _put(owner, name, target, state[key], assign)
    for key, owner in extras.items():
        if key in state:
            owner.set_extra_state(state[key])
    result = LoadResult(missing, unexpected)
    for part in module.modules():
        for hook in list(part._load_state_dict_post_hooks.functions.values()):
            hook(part, result)
    return result


# nn.module puts Module's own _load_from_state_dict here.
ORDINARY: list[Any] = []


def load_own(
    module: Any,
    state: Mapping[str, Any],
    prefix: str,
    assign: bool,
    missing: list[str],
    errors: list[str],
) -> None:
    """Load the parameters and buffers of one module, without its children."""
    for name, target in list(module._state_items()):
        key = prefix + name
        if key not in state:
            missing.append(key)
        elif text := _mismatch(key, target, state[key]):
            errors.append(text)
        else:
            _put(module, name, target, state[key], assign)


def _tied_note(
    missing: list[str], places: Mapping[str, Any], state: Mapping[str, Any]
) -> str:
    """Say so if a missing key is another name of a tensor that is there."""
    there = {id(target): k for k, (_, _, target) in places.items() if k in state}
    tied = [(k, there.get(id(places[k][2]))) for k in missing if k in places]
    found = [f"{k} shares its tensor with {other}" for k, other in tied if other]
    return f"\n  {'; '.join(found[:_LINES])}, which is there" if found else ""


def _places(module: Any) -> dict[str, tuple[Any, str, Tensor]]:
    """For each key, the module that owns it, the name there and the tensor."""
    found = {}
    for path, part in module.named_modules(remove_duplicate=False):
        prefix = path + "." if path else ""
        for name, value in part._state_items():
            found[prefix + name] = (part, name, value)
    return found


def _extra_places(module: Any) -> dict[str, Any]:
    return {
        (path + "." if path else "") + "_extra_state": part
        for path, part in module.named_modules(remove_duplicate=False)
        if hasattr(type(part), "set_extra_state")
    }


def _mismatch(key: str, target: Tensor, value: Any) -> str:
    if not isinstance(value, Tensor):
        return f"{key}: expected a Tensor, got {type(value).__name__}"
    if is_lazy(target):
        return ""
    if is_lazy(value):
        return f"{key}: the value to load is uninitialized and has no shape yet"
    ours, theirs = tuple(target.shape), tuple(value.shape)
    # Checkpoints of PyTorch before 0.4 hold scalars as one element.
    if ours == theirs or (ours == () and theirs == (1,)):
        return ""
    return f"{key}: the checkpoint has shape {theirs}, the model {ours}"


def _put(owner: Any, name: str, target: Tensor, value: Tensor, assign: bool) -> None:
    if is_lazy(value):
        return
    if is_lazy(target):
        target.materialize(value.shape)
    if assign:
        kind = owner._parameters if name in owner._parameters else owner._buffers
        if kind is owner._parameters:
            value = value.detach()
            value._mark("parameter", True)
            value.requires_grad_(target.requires_grad)
        kind[name] = value
        return
    source = value._data.reshape(target._data.shape)
    if target.device != value.device:
        source = from_host(to_host(source), target.device)
    target._data[...] = source
    shared_cell(target)[0] += 1


def _report(
    name: str, missing: list[str], unexpected: list[str], wrong: list[str]
) -> str:
    """All that is wrong, in a few lines whatever the number of keys."""
    lines = [f"state_dict does not fit {name}:"]
    for title, keys in (
        ("missing in the checkpoint", missing),
        ("unknown to the model", unexpected),
    ):
        if keys:
            lines.append(f"  {len(keys)} {title}: {_grouped(keys)}")
    if wrong:
        lines.append(f"  {len(wrong)} that do not match:")
        lines += [f"    {text}" for text in wrong[:_LINES]]
        if len(wrong) > _LINES:
            rest = [text.partition(":")[0] for text in wrong[_LINES:]]
            lines.append(f"    and {len(rest)} more: {_grouped(rest)}")
    if missing and unexpected and (hint := _prefix_hint(missing, unexpected)):
        lines.append(hint)
    elif missing or unexpected:
        lines.append("  strict=False loads what fits and returns the other keys")
    return "\n".join(lines)


def _grouped(keys: list[str]) -> str:
    """Keys, or how many there are under each first name."""
    if len(keys) <= _LINES:
        return ", ".join(keys)
    depth = 1
    groups = Counter(key.split(".")[0] for key in keys)
    if len(groups) == 1:
        depth = 2
        groups = Counter(".".join(key.split(".")[:depth]) for key in keys)
    shown = [f"{name}.* ({n})" if n > 1 else name for name, n in groups.most_common(8)]
    rest = len(groups) - len(shown)
    return ", ".join(shown) + (f" and {rest} other groups" if rest > 0 else "")


def _prefix_hint(missing: list[str], unexpected: list[str]) -> str:
    """Say so if the keys differ by a prefix alone, as after DataParallel."""
    gone = set(missing)
    for key in unexpected[:1]:
        head, _, rest = key.partition(".")
        if rest in gone:
            return (
                f"  every key may only need to lose its prefix {head + '.'!r}: "
                f"{{k.removeprefix({head + '.'!r}): v for k, v in state.items()}}"
            )
    return ""
