"""A typed configuration: defaults, then a TOML file, then ``--key value``.

A recipe describes its settings as a frozen dataclass whose fields have defaults. The
same description checks a file, reads the command line and prints the help, so a
setting is written down once. Nothing is executed and nothing is guessed: a key that
does not exist is an error that names the nearest one.
"""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, Union

from lampas.errors import ArgumentError

__all__ = [
    "ConfigError",
    "build_config",
    "config_dict",
    "describe_config",
    "format_toml",
    "load_config",
    "option",
    "read_toml",
    "split_options",
]

C = TypeVar("C")


class ConfigError(ArgumentError):
    """A setting is unknown, or has a value of the wrong type."""


def option(default: Any, help: str) -> Any:
    """Return a dataclass field with a default and a line of help.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Config:
    ...     lr: float = option(0.1, "step size")
    >>> Config().lr
    0.1
    """
    return dataclasses.field(default=default, metadata={"help": help})


# Types: what they are called, and how a value is checked and read


def _is_optional(kind: Any) -> bool:
    return typing.get_origin(kind) in (Union, types.UnionType)


def _without_none(kind: Any) -> Any:
    """The X of ``X | None``."""
    return next(arg for arg in typing.get_args(kind) if arg is not type(None))


def _type_name(kind: Any) -> str:
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if _is_optional(kind):
        return f"{_type_name(_without_none(kind))} or none"
    if origin is Literal:
        return "one of " + ", ".join(str(arg) for arg in args)
    if origin is tuple and args[-1] is Ellipsis:
        return f"list of {_type_name(args[0])}"
    if origin is tuple:
        return f"{len(args)} values (" + ", ".join(map(_type_name, args)) + ")"
    return {Path: "path"}.get(kind, kind.__name__)


class _Mismatch(Exception):
    """The value does not have the type; the caller knows the key."""


def _convert_tuple(kind: Any, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise _Mismatch
    args = typing.get_args(kind)
    kinds = [args[0]] * len(value) if args[-1] is Ellipsis else list(args)
    if len(kinds) != len(value):
        raise _Mismatch
    return tuple(_convert(k, v) for k, v in zip(kinds, value, strict=True))


def _convert(kind: Any, value: Any) -> Any:
    """Check a value that has a type already, as TOML's have."""
    if _is_optional(kind):
        return None if value in (None, "none") else _convert(_without_none(kind), value)
    if typing.get_origin(kind) is Literal:
        if value in typing.get_args(kind):
            return value
        raise _Mismatch
    if typing.get_origin(kind) is tuple:
        return _convert_tuple(kind, value)
    if kind is Path and isinstance(value, (str, Path)):
        return Path(value).expanduser()
    if kind is float and type(value) in (int, float):
        return float(value)
    # bool is a subclass of int, hence the exact comparison
    if type(value) is kind:
        return value
    raise _Mismatch


_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def _parse(kind: Any, text: str) -> Any:
    """Read a value from the command line, where everything is text."""
    if _is_optional(kind):
        return None if text.lower() == "none" else _parse(_without_none(kind), text)
    if typing.get_origin(kind) is Literal:
        for choice in typing.get_args(kind):
            if text == str(choice):
                return choice
        raise _Mismatch
    if typing.get_origin(kind) is tuple:
        args = typing.get_args(kind)
        parts = [part.strip() for part in text.split(",") if part.strip()]
        kinds = [args[0]] * len(parts) if args[-1] is Ellipsis else list(args)
        if len(kinds) != len(parts):
            raise _Mismatch
        return tuple(_parse(k, part) for k, part in zip(kinds, parts, strict=True))
    if kind is bool:
        if text.lower() in _TRUE + _FALSE:
            return text.lower() in _TRUE
        raise _Mismatch
    try:
        return _convert(kind, kind(text))
    except ValueError:
        raise _Mismatch from None


def _fields(cls: type) -> dict[str, tuple[Any, Any, str]]:
    """Name -> (type, default, help) of every setting."""
    kinds = typing.get_type_hints(cls)
    return {
        field.name: (kinds[field.name], field.default, field.metadata.get("help", ""))
        for field in dataclasses.fields(cls)
    }


def _unknown(key: str, known: Iterable[str], where: str) -> ConfigError:
    known = list(known)
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
    hint = f"; did you mean {near[0]}?" if near else ""
    return ConfigError(f"{where}: unknown key {key}{hint}")


def _wrong(key: str, kind: Any, value: Any, where: str) -> ConfigError:
    return ConfigError(
        f"{where}: {key} must be {_type_name(kind)}, got {value!r} "
        f"({type(value).__name__})"
    )


def _check(cls: type, values: Mapping[str, Any], where: str) -> dict[str, Any]:
    fields = _fields(cls)
    checked = {}
    for key, value in values.items():
        name = key.replace("-", "_")
        if name not in fields:
            raise _unknown(name, fields, where)
        try:
            checked[name] = _convert(fields[name][0], value)
        except _Mismatch:
            raise _wrong(name, fields[name][0], value, where) from None
    return checked


# The command line


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def split_options(
    tokens: Sequence[str], *classes: type
) -> tuple[list[dict[str, Any]], list[str]]:
    """Sort a command line into the settings of several dataclasses and the rest.

    ``--key value`` and ``--key=value`` are read with ``-`` and ``_`` alike; a bool
    also as ``--key`` and ``--no-key``. Everything after ``--`` is left alone.

    Args:
        tokens: the words of the command line.
        classes: dataclasses; a key belongs to the first that has it.

    Returns:
        One dictionary of typed values per class, and the words that belong to no key.

    Raises:
        ConfigError: a key is unknown, lacks its value, or the value has another type.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Config:
    ...     epochs: int = 3
    >>> split_options(["--epochs", "5", "a.png"], Config)
    ([{'epochs': 5}], ['a.png'])
    """
    fields = [_fields(cls) for cls in classes]
    values: list[dict[str, Any]] = [{} for _ in classes]
    rest: list[str] = []
    queue = list(tokens)
    while queue:
        token = queue.pop(0)
        if token == "--":
            return values, rest + queue
        if not token.startswith("--"):
            rest.append(token)
            continue
        key, equals, text = token[2:].partition("=")
        name = key.replace("-", "_")
        owner = _owner(name, fields)
        if owner is None:
            index = _owner(name.removeprefix("no_"), fields)
            plain = name.removeprefix("no_")
            if index is not None and name != plain and fields[index][plain][0] is bool:
                values[index][plain] = False
                continue
            known = [_flag(field) for group in fields for field in group]
            raise _unknown(f"--{key}", known, "command line")
        kind = fields[owner][name][0]
        if not equals and kind is bool:
            follows = bool(queue) and queue[0].lower() in ("true", "false")
            text = queue.pop(0) if follows else "true"
        elif not equals:
            if not queue:
                raise ConfigError(
                    f"command line: {_flag(name)} needs a value ({_type_name(kind)})"
                )
            text = queue.pop(0)
        try:
            values[owner][name] = _parse(kind, text)
        except _Mismatch:
            raise _wrong(_flag(name), kind, text, "command line") from None
    return values, rest


def _owner(name: str, fields: Sequence[Mapping[str, Any]]) -> int | None:
    return next((i for i, group in enumerate(fields) if name in group), None)


# Files and whole configurations


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        ConfigError: the file is missing or is not TOML; the message names it.
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"config file {path}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"config file {path} is not valid TOML: {error}") from None


def build_config(cls: type[C], *layers: tuple[str, Mapping[str, Any]]) -> C:
    """Build a configuration from defaults and layers of values, later ones winning.

    Args:
        cls: the dataclass.
        layers: pairs of a name for messages ("run.toml") and the values.

    Raises:
        ConfigError: a key is unknown or a value has the wrong type.
    """
    values: dict[str, Any] = {}
    for where, layer in layers:
        values |= _check(cls, layer, where)
    return cls(**values)


def load_config(
    cls: type[C], tokens: Sequence[str] = (), file: Path | None = None
) -> C:
    """Build a configuration from defaults, a file and the words of a command line.

    Raises:
        ConfigError: a key is unknown, a value has the wrong type, or a word is left.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Config:
    ...     lr: float = 0.1
    >>> load_config(Config, ["--lr", "0.5"])
    Config(lr=0.5)
    """
    (values,), rest = split_options(tokens, cls)
    if rest:
        raise ConfigError(f"command line: unexpected argument {rest[0]!r}")
    layers = [(str(file), read_toml(file))] if file else []
    return build_config(cls, *layers, ("command line", values))


def config_dict(config: Any) -> dict[str, Any]:
    """Return a configuration as plain values, ready for a checkpoint or a file."""
    return {
        field.name: _plain(getattr(config, field.name))
        for field in dataclasses.fields(config)
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _toml(value: Any) -> str:
    if value is None:
        return '"none"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, str):
        escaped = "".join(
            char if char.isprintable() and char not in '"\\' else f"\\U{ord(char):08X}"
            for char in value
        )
        return f'"{escaped}"'
    return repr(value)


def format_toml(values: Mapping[str, Any]) -> str:
    r"""Write plain values as TOML; ``None`` becomes ``"none"``.

    >>> format_toml({"lr": 0.1, "name": "a"})
    'lr = 0.1\nname = "a"\n'
    """
    return "".join(f"{key} = {_toml(value)}\n" for key, value in values.items())


def describe_config(cls: type) -> str:
    """Return one line per setting: flag, type, default, meaning."""
    rows = [
        (_flag(name), _type_name(kind), str(_plain(default)), text)
        for name, (kind, default, text) in _fields(cls).items()
    ]
    if not rows:
        return ""
    flags, kinds = (max(len(row[i]) for row in rows) for i in (0, 1))
    return "\n".join(
        f"  {flag:<{flags}}  {kind:<{kinds}}  {text} (default: {default})"
        for flag, kind, default, text in rows
    )
