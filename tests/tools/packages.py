"""Our distributions, and which of their modules users may import."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

# Distribution -> folder under packages/.
FOLDERS = {
    "lampas": "core",
    "lampas-hub": "hub",
    "lampas-vision": "vision",
    "lampas-text": "text",
    "lampas-audio": "audio",
}

# Core's machinery, which contributors import and users do not.
INTERNAL = (
    "lampas.backend",
    "lampas.engine",
    "lampas.kernels",
    "lampas.ops",
    "lampas.transform",
    "lampas.serialization",
)


def import_name(distribution: str) -> str:
    """The name under which users import a distribution."""
    return distribution.replace("-", "_")


PACKAGES = [import_name(distribution) for distribution in FOLDERS]


def is_public(module: str) -> bool:
    """Whether users may import a module by this name."""
    inside = any(module == name or module.startswith(name + ".") for name in INTERNAL)
    return not inside and not any(part.startswith("_") for part in module.split("."))


def public_module_names(package: str) -> list[str]:
    """Give the names of a package and of the public modules in it, sorted."""
    path = importlib.import_module(package).__path__
    found = [info.name for info in pkgutil.walk_packages(path, package + ".")]
    return sorted(name for name in [package, *found] if is_public(name))


def public_modules(package: str) -> list[ModuleType]:
    """Import the public modules of a package."""
    return [importlib.import_module(name) for name in public_module_names(package)]
