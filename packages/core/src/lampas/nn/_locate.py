"""Errors inside a model say in which of its modules they happened."""

from __future__ import annotations

from typing import Any

from lampas.errors import LampasError

__all__ = ["locate"]

_NOTE = "raised in module "


def locate(module: Any, error: Exception) -> None:
    """Put the path of the failing module into ``error``, as seen from ``module``.

    Called by each module that the error passes on its way up; the innermost calls
    first, and every outer one finds the place of the one before in itself.
    """
    found = error.__dict__.get("_module_path")
    if found is None:
        place, path, kind = module, "", type(module).__name__
        text = error.args[0] if error.args else ""
    else:
        place, path, kind, text = found
        step = _path_to(module, place)
        path = f"{step}.{path}" if step and path else step or path
    error.__dict__["_module_path"] = (module, path, kind, text)
    where = f"{path} ({kind})" if path else kind
    if isinstance(error, LampasError) and isinstance(text, str):
        error.args = (f"in {where}: {text}", *error.args[1:])
        return
    # Other exceptions keep their arguments: programs look at them.
    notes = [n for n in getattr(error, "__notes__", ()) if not n.startswith(_NOTE)]
    error.__notes__ = [*notes, _NOTE + where]


def _path_to(module: Any, place: Any) -> str:
    for path, child in module.named_modules(remove_duplicate=False):
        if child is place:
            return path
    return ""
