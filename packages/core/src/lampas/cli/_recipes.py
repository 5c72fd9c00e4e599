"""Find recipes: those that installed packages announce, and plain Python files.

A recipe is a module with

- ``Config``: a dataclass with a default for every field,
- ``train(config, run)``: the visible loop,
- ``evaluate(config, checkpoint)``: a dictionary of scores,
- ``predict(config, checkpoint, inputs)``: an iterable of lines to print,

where ``checkpoint`` is what :func:`lampas.train.load_checkpoint` returns. If there are
weights that came with the package, ``pretrained()`` gives them in the same form. The
first line of the docstring describes the recipe. A package announces it under the
entry point group ``lampas.recipes``: ``digits = "lampas_vision.recipes.digits"``.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import importlib.util
import sys
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from lampas.errors import ArgumentError

__all__ = ["describe", "find_recipe", "recipe_names"]

GROUP = "lampas.recipes"


def recipe_names() -> dict[str, str]:
    """Return name -> module of every installed recipe, by name."""
    return {point.name: point.value for point in sorted(entry_points(group=GROUP))}


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ArgumentError(f"recipe {path}: there is no such file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ArgumentError(f"recipe {path}: expected a Python file ending in .py")
    module = importlib.util.module_from_spec(spec)
    # registered, so that loader workers find what the recipe defines
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def find_recipe(name: str) -> ModuleType:
    """Return the module of a recipe, given by name or as a path ending in ``.py``.

    Raises:
        ArgumentError: there is no such recipe, or it lacks ``Config`` or ``train``.
    """
    if name.endswith(".py"):
        module = _from_file(Path(name))
    else:
        names = recipe_names()
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
            hint = f"did you mean {near[0]}?" if near else "no package brings any"
            raise ArgumentError(f"unknown recipe {name}: {hint} (lampas recipes)")
        module = importlib.import_module(names[name])
    if not dataclasses.is_dataclass(getattr(module, "Config", None)):
        raise ArgumentError(f"recipe {name}: expected a dataclass Config in it")
    return module


def describe(module: ModuleType) -> str:
    """Return the first line of a recipe's docstring."""
    return (module.__doc__ or "").strip().partition("\n")[0]
