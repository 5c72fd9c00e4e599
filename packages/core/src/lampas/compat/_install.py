"""Switch the names of PyTorch's packages to lampas, here and in processes to come.

A process that this one starts finds a folder with a module ``torch`` first in its
path: that module installs lampas under its name. Spawned workers get the path from
``multiprocessing``, other programs from ``PYTHONPATH``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from lampas.compat import _spelling
from lampas.compat._finder import Finder
from lampas.compat._modules import ROOTS, WANTED
from lampas.compat._scan import names_wanted

__all__ = ["install", "installed", "uninstall"]

_FINDER = Finder()
_CHILDREN = str(Path(__file__).parent / "_children")
_SCRIPT = "LAMPAS_COMPAT_SCRIPT"


def installed() -> bool:
    """Whether ``import torch`` gives lampas in this process.

    >>> installed()
    False
    """
    return _FINDER in sys.meta_path


def _ours(name: str) -> bool:
    return name.partition(".")[0] in ROOTS


def _inherit() -> None:
    """Let processes that this one starts find the same names."""
    sys.path.insert(1, _CHILDREN)
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    rest = [path for path in paths if path and path != _CHILDREN]
    os.environ["PYTHONPATH"] = os.pathsep.join([_CHILDREN, *rest])


def install(script: str | os.PathLike[str] | None = None) -> None:
    """Let ``import torch``, ``torchvision`` and ``torchaudio`` mean lampas.

    In this process, and in those that it starts. Tensors, types and errors then print
    as PyTorch's.

    Args:
        script: a program whose own ``from torch... import X`` get placeholders where
            lampas has no ``X``; other missing names are errors at once.

    Raises:
        RuntimeError: PyTorch itself has been imported already.
    """
    if installed():
        return
    loaded = sorted(n for n in sys.modules if n in ROOTS)
    if loaded:
        raise RuntimeError(
            f"{loaded[0]} is loaded already; lampas.compat must be installed before"
        )
    if script is None:
        script = os.environ.get(_SCRIPT)
    if script is not None:
        os.environ[_SCRIPT] = os.path.abspath(script)
        WANTED.update(names_wanted(Path(script).absolute()))
    sys.meta_path.insert(0, _FINDER)
    _inherit()
    _spelling.as_torch()


def uninstall() -> None:
    """Undo :func:`install`; what was imported by then stays what it is."""
    if not installed():
        return
    sys.meta_path.remove(_FINDER)
    sys.path.remove(_CHILDREN)
    paths = os.environ["PYTHONPATH"].split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join(p for p in paths if p != _CHILDREN)
    os.environ.pop(_SCRIPT, None)
    WANTED.clear()
    for name in [name for name in sys.modules if _ours(name)]:
        del sys.modules[name]
    _spelling.as_lampas()
