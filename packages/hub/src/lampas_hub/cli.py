"""``lampas hub`` and ``lampas cache``."""

from __future__ import annotations

import argparse
import time
from typing import Any

from lampas_hub._cache import cache_folder, list_cache, prune_cache
from lampas_hub._entry import Entry
from lampas_hub._registry import info, list_models

__all__ = ["register"]


def _bytes(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def _print_models(arguments: argparse.Namespace) -> None:
    entries = [info(name) for name in list_models()]
    width = max((len(entry.name) for entry in entries), default=0)
    for entry in entries:
        print(f"{entry.name:<{width}}  {_bytes(entry.size):>9}  {entry.summary}")
    if not entries:
        print("no weights: install lampas-vision, lampas-text or lampas-audio")


def _card(entry: Entry) -> str:
    """What a person wants to know before using a model, a line each."""
    metric = entry.metric
    rows = {
        "name": entry.name,
        "summary": entry.summary,
        "package": entry.package,
        "size": _bytes(entry.size),
        "licence": entry.licence,
        "trained on": entry.data,
        "its licence": entry.data_licence,
        "score": f"{metric.name} {metric.value:g} on {metric.on}",
        "recipe": entry.recipe,
        "seed": entry.seed,
        "commit": entry.commit,
        "from": entry.file or entry.repo or ", ".join(entry.urls),
        "sha256": entry.sha256,
    }
    return "\n".join(f"{key:<12} {value}" for key, value in rows.items())


def _print_card(arguments: argparse.Namespace) -> None:
    print(_card(info(arguments.name)))


def _print_cache(arguments: argparse.Namespace) -> None:
    files = list_cache()
    for file in files:
        day = time.strftime("%Y-%m-%d", time.localtime(file.used))
        state = " (interrupted)" if file.partial else ""
        print(f"{_bytes(file.size):>9}  used {day}  {file.path.name}{state}")
    total = sum(file.size for file in files)
    print(f"{len(files)} files, {_bytes(total)} in {cache_folder()}")


def _prune(arguments: argparse.Namespace) -> None:
    gone = prune_cache(arguments.days, dry_run=arguments.dry_run)
    for file in gone:
        print(file.path.name)
    verb = "would be freed" if arguments.dry_run else "freed"
    print(f"{len(gone)} files, {_bytes(sum(file.size for file in gone))} {verb}")


def register(subparsers: Any) -> None:
    """Add the commands to the parser of ``lampas``.

    Args:
        subparsers: what ``argparse.ArgumentParser.add_subparsers`` returned; each
            command sets ``handle`` to a function of the parsed arguments.
    """
    hub = subparsers.add_parser("hub", help="list pretrained models")
    commands = hub.add_subparsers(metavar="COMMAND", required=True)
    listing = commands.add_parser("list", help="names, sizes and one line each")
    listing.set_defaults(handle=_print_models)
    one = commands.add_parser("info", help="licence, data, recipe and score of one")
    one.add_argument("name", help="a name that `lampas hub list` prints")
    one.set_defaults(handle=_print_card)
    cache = subparsers.add_parser("cache", help="list and prune downloaded files")
    commands = cache.add_subparsers(metavar="COMMAND", required=True)
    listing = commands.add_parser("list", help="the files, the largest first")
    listing.set_defaults(handle=_print_cache)
    prune = commands.add_parser("prune", help="remove what was not used lately")
    prune.add_argument(
        "--days", type=float, default=30.0, help="keep what was used since (30)"
    )
    prune.add_argument("--dry-run", action="store_true", help="only say what would go")
    prune.set_defaults(handle=_prune)
