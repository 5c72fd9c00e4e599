"""Settings and scores of a run, as TensorBoard's HPARAMS panel reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lampas.errors import ArgumentError, ArgumentTypeError
from lampas.utils.tensorboard import _wire as wire
from lampas.utils.tensorboard._values import with_plugin

__all__ = ["hparams_values"]

_STRING, _BOOL, _NUMBER = 1, 2, 3
_SUCCESS = 1


def _kind_of(value: Any) -> int:
    if isinstance(value, bool):
        return _BOOL
    return _STRING if isinstance(value, str) else _NUMBER


def _value(value: Any) -> bytes:
    """A number, text or bool in the message for values of any kind."""
    if isinstance(value, bool):
        return wire.integer(4, value)
    if isinstance(value, str):
        return wire.data(3, value)
    return wire.double(2, float(value))


def _plain(name: str, value: Any) -> Any:
    if hasattr(value, "item") and not isinstance(value, (bool, int, float, str)):
        value = value.item()
    if not isinstance(value, (bool, int, float, str)):
        raise ArgumentTypeError(
            f"hparam_dict[{name!r}] must be a bool, int, float, str or a tensor of one "
            f"element, got {type(value).__name__}"
        )
    return value


def _hparam_info(name: str, value: Any, domain: Sequence[Any] | None) -> bytes:
    kind = _kind_of(value)
    info = wire.data(1, name) + wire.integer(4, kind)
    if domain is not None:
        if any(_kind_of(choice) != kind for choice in domain):
            raise ArgumentError(
                f"hparam_domain_discrete[{name!r}] must hold values of the kind that "
                f"the setting has, got {domain!r}"
            )
        info += wire.data(5, b"".join(wire.data(1, _value(v)) for v in domain))
    return wire.data(4, info)


def hparams_values(
    hparams: Mapping[str, Any],
    metrics: Mapping[str, Any],
    domains: Mapping[str, Sequence[Any]],
) -> list[bytes]:
    """Three values: the experiment, the start of a session and its end."""
    for name, given in {"hparam_dict": hparams, "metric_dict": metrics}.items():
        if not isinstance(given, Mapping):
            raise ArgumentTypeError(
                f"{name} must be a dictionary, got {type(given).__name__}"
            )
    plain = {k: _plain(k, v) for k, v in hparams.items() if v is not None}
    infos = [_hparam_info(k, v, domains.get(k)) for k, v in plain.items()]
    scores = [wire.data(5, wire.data(1, wire.data(2, name))) for name in metrics]
    pairs = [
        wire.data(1, wire.data(1, k) + wire.data(2, _value(v)))
        for k, v in plain.items()
    ]
    contents = {
        "experiment": wire.data(2, b"".join(infos + scores)),
        "session_start_info": wire.data(3, b"".join(pairs)),
        "session_end_info": wire.data(4, wire.integer(1, _SUCCESS)),
    }
    return [
        with_plugin(f"_hparams_/{name}", "hparams", content)
        for name, content in contents.items()
    ]
