"""A registry entry: what is known about one set of weights."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lampas_hub.errors import EntryError

__all__ = ["Entry", "Metric"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A measured score.

    Attributes:
        name: what was measured, such as ``"accuracy"``.
        value: how much.
        on: the data it was measured on, such as ``"a stratified fifth held out"``.
    """

    name: str
    value: float
    on: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One set of weights, as a package registers it.

    Attributes:
        name: what users call it.
        package: the import package that registers it.
        summary: one line.
        file: path inside the package, if the weights are shipped with it.
        urls: mirrors, if they are downloaded.
        repo: ``hf://owner/repo/file``, if they come from the Hugging Face hub.
        sha256: of the file, in hexadecimal.
        size: of the file, in bytes.
        licence: of the weights.
        data: what they were trained on.
        data_licence: its licence.
        recipe: the command that trained them.
        seed: of that run.
        commit: of the code of that run.
        metric: what it reached.
        builder: ``module:function`` of the package that makes the model.
        arguments: of the builder.
        preprocessing: what inputs must go through, as the package understands it.
        folder: the package's folder on this machine.
    """

    name: str
    package: str
    summary: str
    file: str | None
    urls: tuple[str, ...]
    repo: str | None
    sha256: str
    size: int
    licence: str
    data: str
    data_licence: str
    recipe: str
    seed: int
    commit: str
    metric: Metric
    builder: str | None
    arguments: Mapping[str, Any]
    preprocessing: Mapping[str, Any]
    folder: Path


def _matches(pattern: str) -> Callable[[object], bool]:
    def check(value: object) -> bool:
        return isinstance(value, str) and re.fullmatch(pattern, value) is not None

    return check


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _is_urls(value: object) -> bool:
    address = _matches(r"https?://\S+")
    return isinstance(value, list) and bool(value) and all(map(address, value))


def _is_metric(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"name", "value", "on"}
        and type(value["value"]) in (int, float)
        and all(isinstance(value[key], str) and value[key] for key in ("name", "on"))
    )


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


_text = _matches(r"\S(.*\S)?")

# What each key must be, and the check. Those in _CHOICE say where the file is.
_REQUIRED: dict[str, tuple[str, Callable[[object], bool]]] = {
    "name": ("letters, digits, . _ and -", _matches(r"[a-z0-9][a-z0-9._-]*")),
    "summary": ("one line of text", _text),
    "sha256": ("64 hexadecimal digits", _matches(r"[0-9a-f]{64}")),
    "size": ("the bytes of the file", _is_count),
    "licence": ("the licence of the weights", _text),
    "data": ("what the weights were trained on", _text),
    "data_licence": ("the licence of that data", _text),
    "recipe": ("the command that trained them", _text),
    "seed": ("the seed of that run", _is_count),
    "commit": ("the commit of that run's code", _matches(r"[0-9a-f]{7,40}")),
    "metric": ("a table of name, value and on (which data)", _is_metric),
}
_CHOICE: dict[str, tuple[str, Callable[[object], bool]]] = {
    "file": ("a path inside the package", _matches(r"(?!/)(?!.*\.\.)[\w./-]+")),
    "urls": ("a list of http(s) addresses", _is_urls),
    "repo": ("hf://owner/repo/file", _matches(r"hf://[^/\s]+/[^/\s]+/\S+")),
}
_OPTIONAL: dict[str, tuple[str, Callable[[object], bool]]] = {
    "builder": ("module:function", _matches(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")),
    "arguments": ("a table", _is_table),
    "preprocessing": ("a table", _is_table),
}


def _check_keys(content: Mapping[str, Any], where: str) -> None:
    known = {**_REQUIRED, **_CHOICE, **_OPTIONAL}
    for key in content:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise EntryError(f"{where}: unknown key {key!r}{hint}")
    for key, (expected, _) in _REQUIRED.items():
        if key not in content:
            raise EntryError(f"{where}: {key!r} is missing: {expected}")
    for key, value in content.items():
        expected, check = known[key]
        if not check(value):
            raise EntryError(f"{where}: {key!r} must be {expected}, got {value!r:.80}")
    given = [key for key in _CHOICE if key in content]
    if len(given) != 1:
        raise EntryError(
            f"{where}: expected one of {', '.join(map(repr, _CHOICE))}, got "
            f"{', '.join(map(repr, given)) or 'none'}"
        )


def _check_builder(builder: str | None, package: str, where: str) -> None:
    """A registry file may only name code of the package that ships it."""
    module = (builder or package).partition(":")[0]
    if module != package and not module.startswith(f"{package}."):
        raise EntryError(
            f"{where}: 'builder' must be in the package {package}, got {builder!r}"
        )


def read_entry(path: Path, package: str, folder: Path) -> Entry:
    """Read and check one TOML file.

    Args:
        path: the file.
        package: the import package that ships it.
        folder: where that package stands.

    Raises:
        EntryError: the file is no TOML, lacks a key or has a wrong one.
    """
    where = f"{package}: {path.name}"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise EntryError(f"{where}: not TOML: {error}") from error
    _check_keys(content, where)
    _check_builder(content.get("builder"), package, where)
    given = {key: content.get(key) for key in (*_CHOICE, "builder")}
    tables = {key: content.get(key, {}) for key in ("arguments", "preprocessing")}
    return Entry(
        package=package,
        folder=folder,
        **{key: content[key] for key in _REQUIRED if key != "metric"},
        metric=Metric(**content["metric"]),
        **{**given, **tables, "urls": tuple(content.get("urls", ()))},
    )
