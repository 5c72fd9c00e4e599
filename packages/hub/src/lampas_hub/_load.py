"""From a name or a path to a file, a state_dict, a model."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lampas
from lampas_hub._cache import check_hash
from lampas_hub._download import download
from lampas_hub._entry import Entry
from lampas_hub._huggingface import fetch_from_repo
from lampas_hub._registry import info
from lampas_hub.errors import HubError

__all__ = ["load", "load_file", "load_state_dict"]

_SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")


def _is_path(name: str | os.PathLike[str]) -> bool:
    text = os.fspath(name)
    return (
        isinstance(name, os.PathLike)
        or "/" in text
        or os.sep in text
        or text.endswith(_SUFFIXES)
    )


def _file_of(entry: Entry) -> Path:
    if entry.urls:
        return download(entry.urls, entry.sha256, entry.size)
    if entry.repo is not None:
        return fetch_from_repo(entry.repo, entry.sha256)
    path = entry.folder / str(entry.file)
    if not path.is_file():
        raise HubError(f"{entry.name}: {path} is missing; reinstall {entry.package}")
    check_hash(path, entry.sha256, f"reinstall {entry.package}")
    return path


def load_file(name_or_path: str | os.PathLike[str]) -> Path:
    """The local file behind a name, fetched if need be.

    Args:
        name_or_path: a registered name, ``hf://owner/repo/file``, or a path. What
            has a slash or ends like a checkpoint is a path.

    Returns:
        The path; of a registered name, its sha256 has just been checked.

    Raises:
        UnknownModelError: no such name.
        FileNotFoundError: no such path.
        DownloadError, HashError: see :func:`download`.
    """
    text = os.fspath(name_or_path)
    if text.startswith("hf://"):
        return fetch_from_repo(text)
    if not _is_path(name_or_path):
        return _file_of(info(text))
    path = Path(text).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    return path


def _is_state(content: object) -> bool:
    return (
        isinstance(content, Mapping)
        and bool(content)
        and all(isinstance(value, lampas.Tensor) for value in content.values())
    )


def load_state_dict(name_or_path: str | os.PathLike[str]) -> Mapping[str, Any]:
    """The weights behind a name or path, on the CPU.

    Args:
        name_or_path: as for :func:`load_file`. Of a checkpoint of a training run,
            its ``model`` (or ``state_dict``) is taken.

    Returns:
        Tensors by name.

    Raises:
        HubError: the file holds something else than weights.
        pickle.UnpicklingError, RuntimeError: see :func:`lampas.load`.
    """
    path = load_file(name_or_path)
    content = lampas.load(path, map_location="cpu")
    if _is_state(content):
        return content
    for key in ("model", "state_dict"):
        if isinstance(content, Mapping) and _is_state(content.get(key)):
            return content[key]
    keys = (
        ", ".join(map(str, list(content)[:4])) if isinstance(content, Mapping) else ""
    )
    raise HubError(
        f"{path}: expected tensors by name, or a checkpoint with 'model'; got a "
        f"{type(content).__name__} {keys}".rstrip()
    )


def load(name: str, **arguments: Any) -> Any:
    """Build a registered model with its weights, ready to predict.

    Args:
        name: one of :func:`list_models`.
        arguments: given to the model's builder in place of the entry's own.

    Returns:
        The module, in eval mode.

    Raises:
        UnknownModelError: no such name.
        HubError: the entry names no builder.
        RuntimeError: the weights do not fit the model.
    """
    entry = info(name)
    if entry.builder is None:
        raise HubError(f"{name}: the entry names no builder; use load_state_dict")
    weights = load_state_dict(name)
    module, _, function = entry.builder.partition(":")
    build = getattr(importlib.import_module(module), function, None)
    if not callable(build):
        raise HubError(f"{name}: {entry.builder} does not exist")
    model = build(**{**entry.arguments, **arguments})
    model.load_state_dict(weights, strict=True)
    return model.eval()
