"""Build a model and fill it with pretrained weights, its head fresh if it must be."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any, TypeVar

import lampas
import lampas_hub
from lampas import Tensor, nn
from lampas.errors import ShapeError
from lampas_hub.errors import UnknownModelError

__all__ = ["build", "load_weights", "preprocessing_of"]

M = TypeVar("M", bound=nn.Module)

_SHOWN = 8


def _misfits(model: nn.Module, state: Mapping[str, Tensor]) -> dict[str, str]:
    """What is wrong with each key that does not fit, by key."""
    own = model.state_dict()
    wrong = {key: "is missing" for key in own if key not in state}
    for key, value in state.items():
        if key not in own:
            wrong[key] = "is not in the model"
        elif tuple(own[key].shape) != tuple(value.shape):
            wrong[key] = (
                f"has shape {tuple(value.shape)}, the model {tuple(own[key].shape)}"
            )
    return wrong


def _is_other_head(
    model: nn.Module, state: Mapping[str, Tensor], wrong: Mapping[str, str], head: str
) -> bool:
    """Whether all that is wrong is the number of classes."""
    own, key = model.state_dict(), f"{head}.weight"
    return (
        all(name in (key, f"{head}.bias") for name in wrong)
        and key in state
        and tuple(own[key].shape[1:]) == tuple(state[key].shape[1:])
    )


def load_weights(
    model: nn.Module, state: Mapping[str, Tensor], head: str = "fc"
) -> list[str]:
    """Load weights that fit but for the number of classes.

    Where the head has another number of outputs it stays as it was initialised, and a
    line on standard error says so.

    Args:
        model: what to fill.
        state: tensors by key.
        head: name of the last layer.

    Returns:
        The keys that were not loaded; empty where everything fitted.

    Raises:
        ShapeError: something else does not fit. The text groups the keys by the part
            of the model they belong to; nothing was loaded then.
    """
    wrong = _misfits(model, state)
    if wrong and not _is_other_head(model, state, wrong, head):
        raise ShapeError(_explain(model, wrong, head))
    fits = {key: value for key, value in state.items() if key not in wrong}
    model.load_state_dict(fits, strict=not wrong)
    if wrong:
        key = f"{head}.weight"
        print(
            f"{type(model).__name__}: the weights know {state[key].shape[0]} classes, "
            f"the model has {model.state_dict()[key].shape[0]}: {head} starts afresh, "
            f"{len(fits)} other tensors are loaded",
            file=sys.stderr,
        )
    return sorted(wrong)


def _explain(model: nn.Module, wrong: Mapping[str, str], head: str) -> str:
    groups = Counter(key.partition(".")[0] for key in wrong)
    first: dict[str, str] = {}
    for key, what in wrong.items():
        first.setdefault(key.partition(".")[0], f"{key} {what}")
    lines = [
        f"  {name}: {count} keys, such as {first[name]}"
        for name, count in groups.most_common(_SHOWN)
    ]
    if len(groups) > _SHOWN:
        lines.append(f"  and {len(groups) - _SHOWN} more parts")
    hint = "use the builder and arguments that these weights were made with"
    if set(groups) == {head}:
        hint = f"only {head} differs: pass num_classes= to the builder"
    return (
        f"the weights do not fit {type(model).__name__} in {len(wrong)} keys; {hint}\n"
        + "\n".join(lines)
    )


def _arguments(weights: str) -> dict[str, Any]:
    """What the registry says a name's builder needs; nothing for a path."""
    try:
        return dict(lampas_hub.info(weights).arguments)
    except UnknownModelError:
        return {}


def build(kind: type[M], weights: str | None, options: Mapping[str, Any]) -> M:
    """Make a model and fill it with weights, if any are asked for.

    Args:
        kind: the model's class; its ``head`` names the last layer.
        weights: a registered name, or the path of a file with weights.
        options: for the class; where ``num_classes`` is left out, it is that of the
            weights.

    Raises:
        UnknownModelError: no package registers that name.
        FileNotFoundError: no such path.
        ShapeError: the weights are another model's.
    """
    if weights is None:
        return kind(**options)
    state = lampas_hub.load_state_dict(weights)
    named: Any = kind
    head = str(named.head)
    given = {**_arguments(weights), **options}
    if f"{head}.weight" in state:
        given.setdefault("num_classes", int(state[f"{head}.weight"].shape[0]))
    model = kind(**given)
    load_weights(model, state, head)
    return model


def preprocessing_of(weights: str) -> dict[str, Any] | None:
    """What images must go through before a model with these weights sees them.

    Args:
        weights: a registered name, or the path of a file with weights.

    Returns:
        The plain values of a :class:`lampas_vision.transforms.Preprocess`; None for a
        file that holds tensors and nothing else.

    Raises:
        UnknownModelError: no package registers that name.
        FileNotFoundError: no such path.
    """
    if weights in lampas_hub.list_models():
        return dict(lampas_hub.info(weights).preprocessing) or None
    content = lampas.load(lampas_hub.load_file(weights), map_location="cpu")
    about = content.get("about") if isinstance(content, Mapping) else None
    return about.get("preprocess") if isinstance(about, Mapping) else None
