"""Files of the Hugging Face hub, through its own library and cache."""

from __future__ import annotations

import re
from pathlib import Path

import huggingface_hub
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

from lampas_hub._cache import check_hash, is_offline
from lampas_hub.errors import DownloadError, HubError, OfflineError

__all__ = ["fetch_from_repo"]


def fetch_from_repo(address: str, sha256: str | None = None) -> Path:
    """Find a file of a repository in the Hugging Face cache, or bring it there.

    A revision that is cached is used without asking.

    Args:
        address: ``hf://owner/repo/file`` or ``hf://owner/repo@revision/file``.
        sha256: what its hash must be, if known.

    Returns:
        Its path.

    Raises:
        HubError: the address has another form.
        OfflineError: it is not cached and ``LAMPAS_OFFLINE`` is set.
        DownloadError: it cannot be fetched.
        HashError: it has another hash.
    """
    found = re.fullmatch(r"hf://([^/\s]+/[^/@\s]+)(?:@([^/\s]+))?/(\S+)", address)
    if not found:
        raise HubError(f"expected hf://owner/repo/file, got {address!r:.120}")
    repo, revision, name = found.groups()
    try:
        path = _get(repo, name, revision, cached=True)
    except LocalEntryNotFoundError:
        path = _ask(address, repo, name, revision)
    if sha256 is not None:
        check_hash(path, sha256, "remove it and try again")
    return path


def _get(repo: str, name: str, revision: str | None, *, cached: bool) -> Path:
    return Path(
        huggingface_hub.hf_hub_download(
            repo, name, revision=revision, local_files_only=cached
        )
    )


def _ask(address: str, repo: str, name: str, revision: str | None) -> Path:
    if is_offline():
        raise OfflineError(f"{address} is not cached and LAMPAS_OFFLINE is set")
    try:
        return _get(repo, name, revision, cached=False)
    except (HfHubHTTPError, OSError) as error:
        raise DownloadError(f"{address} could not be fetched: {error}") from error
