"""Run a program as Python would, with PyTorch's names meaning lampas."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from types import ModuleType

from lampas.compat._install import install
from lampas.errors import ArgumentError

__all__ = ["main", "run_module", "run_script"]

_USAGE = """usage: lampas run (SCRIPT.py | -m MODULE) [ARGUMENTS...]

Run a program that says `import torch` on lampas: as it is, and as Python would."""


def run_script(path: str, arguments: Sequence[str] = ()) -> None:
    """Run a file as ``python path arguments...`` would.

    It is the process's ``__main__`` from then on, for ``pickle`` and for spawned
    workers too. What it raises, ``SystemExit`` included, passes through.

    Raises:
        ValueError: there is no such file.
    """
    if not os.path.isfile(path):
        raise ArgumentError(f"script {path}: there is no such file")
    with open(path, "rb") as file:
        source = file.read()
    program = ModuleType("__main__")
    program.__file__ = path
    program.__dict__["__builtins__"] = __builtins__
    code = compile(source, path, "exec")
    sys.argv[:] = [path, *arguments]
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    install(path)
    sys.modules["__main__"] = program
    exec(code, program.__dict__)


def run_module(name: str, arguments: Sequence[str] = ()) -> None:
    """Run a module as ``python -m name arguments...`` would."""
    sys.path[0] = os.getcwd()
    spec = find_spec(name)
    sys.argv[:] = [name, *arguments]
    install(None if spec is None else spec.origin)
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def main(argv: Sequence[str]) -> int:
    """The command line of ``python -m lampas.compat``.

    Args:
        argv: ``script.py args...`` or ``-m module args...``.

    Returns:
        The exit status: 2 for a command line that says nothing to run, otherwise 0.
        A program that ends by ``sys.exit`` ends this one.
    """
    words = list(argv)
    if not words or words == ["-m"] or words[0] in ("-h", "--help"):
        asked = words[:1] in (["-h"], ["--help"])
        print(_USAGE, file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    if words[0] == "-m":
        run_module(words[1], words[2:])
    else:
        run_script(words[0], words[1:])
    return 0
