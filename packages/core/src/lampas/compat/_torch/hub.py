"""``torch.hub``: files by address, and entry points of folders on this machine.

A file is fetched because the program names its address; it is then read by
``torch.load`` of lampas, which executes nothing. Repositories are not fetched: their
``hubconf.py`` is a program.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

from tqdm import tqdm

from lampas.compat._absent import AbsentNameError
from lampas.errors import ArgumentError, FileFormatError
from lampas.io import load as _load_file
from lampas.serialization.atomic import atomic_write

__all__ = [
    "download_url_to_file",
    "get_dir",
    "help",
    "list",
    "load",
    "load_state_dict_from_url",
    "set_dir",
]

# "resnet18-5c106cde.pth": what stands before the suffix begins the SHA-256.
HASH_REGEX = re.compile(r"-([a-f0-9]*)\.")

_PIECE = 1 << 20
_chosen: list[str] = []


def _get_torch_home() -> str:
    cache = os.getenv("XDG_CACHE_HOME", "~/.cache")
    return os.path.expanduser(os.getenv("TORCH_HOME", os.path.join(cache, "torch")))


def get_dir() -> str:
    """Where fetched files are kept: ``$TORCH_HOME/hub``, or as :func:`set_dir` said."""
    return _chosen[-1] if _chosen else os.path.join(_get_torch_home(), "hub")


def set_dir(d: str | os.PathLike[str]) -> None:
    """Keep fetched files in the folder ``d`` from now on."""
    _chosen[:] = [os.path.expanduser(d)]


def download_url_to_file(
    url: str, dst: str, hash_prefix: str | None = None, progress: bool = True
) -> None:
    """Fetch what stands at ``url`` into the file ``dst``, whole or not at all.

    Args:
        url: the address.
        dst: the file that is written.
        hash_prefix: how the SHA-256 of the content must begin; None checks nothing.
        progress: show how far it is.

    Raises:
        RuntimeError: the content has another hash; ``dst`` stays as it was.
        urllib.error.URLError: the address does not answer.
    """
    digest = hashlib.sha256()
    with urlopen(url) as source, atomic_write(dst) as file:
        size = source.headers.get("Content-Length")
        total = int(size) if size is not None else None
        with tqdm(total=total, disable=not progress, unit="B", unit_scale=True) as bar:
            while piece := source.read(_PIECE):
                file.write(piece)
                digest.update(piece)
                bar.update(len(piece))
        if hash_prefix is not None and not digest.hexdigest().startswith(hash_prefix):
            raise FileFormatError(
                f'{url}: invalid hash value (expected "{hash_prefix}", got '
                f'"{digest.hexdigest()}")'
            )


def load_state_dict_from_url(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = False,
) -> Any:
    """Fetch a file of weights, if it is not in ``model_dir`` yet, and read it.

    Args:
        url: the address.
        model_dir: where files are kept; None is ``checkpoints`` of :func:`get_dir`.
        map_location: as of ``torch.load``.
        progress: show how far it is.
        check_hash: the name must end in ``-`` and the beginning of the SHA-256, which
            is checked when the file is fetched.
        file_name: the name to keep it under; None takes the address's own.
        weights_only: as of ``torch.load``; nothing is executed in either case.

    Raises:
        RuntimeError: the content has another hash, or is damaged.
        ValueError: ``check_hash`` and no hash in the name.
    """
    folder = os.path.join(get_dir(), "checkpoints") if model_dir is None else model_dir
    os.makedirs(folder, exist_ok=True)
    name = os.path.basename(urlsplit(url).path) if file_name is None else file_name
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        prefix = None
        if check_hash:
            found = HASH_REGEX.search(name)
            if found is None:
                raise ArgumentError(
                    f"check_hash: expected a name like model-5c106cde.pth, got {name}"
                )
            prefix = found[1]
        sys.stderr.write(f'Downloading: "{url}" to {path}\n')
        download_url_to_file(url, path, prefix, progress)
    return _load_file(path, map_location=map_location, weights_only=weights_only)


def _entries(repo: str | os.PathLike[str], source: str) -> ModuleType:
    """The ``hubconf.py`` of a folder, run as an import runs it."""
    if source not in ("github", "local"):
        raise ArgumentError(f'source: expected "github" or "local", got {source!r}')
    if source == "github":
        raise AbsentNameError(
            f"torch.hub: {repo}: lampas fetches no programs; clone the repository and "
            'pass its folder with source="local"'
        )
    path = Path(repo) / "hubconf.py"
    if not path.is_file():
        raise FileNotFoundError(f"torch.hub: there is no file {path}")
    spec = importlib.util.spec_from_file_location("hubconf", path)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    sys.path.insert(0, str(repo))
    try:
        spec.loader.exec_module(module)  # type: ignore[union-attr]
    finally:
        sys.path.remove(str(repo))
    missing = [
        name
        for name in getattr(module, "dependencies", ())
        if importlib.util.find_spec(name) is None
    ]
    if missing:
        raise FileFormatError(f"Missing dependencies: {', '.join(missing)}")
    return module


def _entry(repo: str | os.PathLike[str], model: str, source: str) -> Any:
    found = vars(_entries(repo, source)).get(model)
    if not callable(found):
        raise FileFormatError(f"Cannot find callable {model} in hubconf of {repo}")
    return found


def load(
    repo_or_dir: str | os.PathLike[str],
    model: str,
    *args: Any,
    source: str = "github",
    trust_repo: Any = None,
    force_reload: bool = False,
    verbose: bool = True,
    skip_validation: bool = False,
    **kwargs: Any,
) -> Any:
    """What the entry point ``model`` of a folder's ``hubconf.py`` returns.

    Args:
        repo_or_dir: the folder.
        model: the name of a function in ``hubconf.py``.
        args, kwargs: given to it.
        source: ``"local"``; from ``"github"`` nothing is fetched.
        trust_repo, force_reload, verbose, skip_validation: accepted; they are about
            fetching.

    Raises:
        NotImplementedError: ``source="github"``.
        FileNotFoundError: the folder has no ``hubconf.py``.
        RuntimeError: there is no such function, or a package that it needs is missing.
    """
    return _entry(repo_or_dir, model, source.lower())(*args, **kwargs)


def list(
    github: str | os.PathLike[str],
    force_reload: bool = False,
    skip_validation: bool = False,
    trust_repo: Any = None,
    verbose: bool = True,
    source: str = "github",
) -> Any:
    """The names of the entry points; arguments as of :func:`load`."""
    found = vars(_entries(github, source.lower()))
    return [n for n, v in found.items() if callable(v) and not n.startswith("_")]


def help(
    github: str | os.PathLike[str],
    model: str,
    force_reload: bool = False,
    skip_validation: bool = False,
    trust_repo: Any = None,
    source: str = "github",
) -> str | None:
    """The docstring of an entry point; arguments as of :func:`load`."""
    return _entry(github, model, source.lower()).__doc__
