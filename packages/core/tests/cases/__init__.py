"""The cases of all ops, one file per family."""

from __future__ import annotations

import importlib
import pkgutil

from case import Case

FAMILIES = {
    module.name: importlib.import_module(f"cases.{module.name}")
    for module in pkgutil.iter_modules(__path__)
}
"""The modules of cases by the name of their family in ``lampas.ops``."""

ALL: list[Case] = [case for module in FAMILIES.values() for case in module.CASES]
