"""Bring a file into the cache: mirrors, retries, resumption, and a checked hash."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

import filelock
import httpx
from tqdm import tqdm

from lampas_hub._cache import (
    check_hash,
    is_offline,
    place_of,
    sha256_of,
    touch,
)
from lampas_hub.errors import DownloadError, HashError, HubError, OfflineError

__all__ = ["download"]

# A server that says nothing is given up after three times this many seconds.
_SILENCE = 9.0
_ATTEMPTS = 3
_PAUSE = 0.5

# Below this size a progress bar is only noise.
_SHOWN_FROM = 5_000_000


class _Failed(Exception):
    """One attempt at one address did not bring the whole file."""


class _Gone(_Failed):
    """The address will not bring the file later either."""


def _starts_at(response: httpx.Response, have: int, size: int | None) -> int:
    """Where the body that follows stands in the file.

    The length is compared before a byte is kept, so that an error page with status
    200 does not take the place of what is there already.
    """
    status = response.status_code
    if status in (404, 410):
        raise _Gone(f"status {status}")
    if status == 206:
        unit, _, rest = response.headers.get("content-range", "").partition(" ")
        span, _, total = rest.partition("/")
        if unit != "bytes" or span.partition("-")[0] != str(have):
            raise _Failed(f"sent the range {rest!r:.60}, asked for one from {have}")
        start = have
    elif status == 200:
        start, total = 0, response.headers.get("content-length", "")
    else:
        raise _Failed(f"status {status}")
    if size is not None and total.isdigit() and int(total) != size:
        raise _Failed(f"offers {total} bytes, expected {size}")
    return start


def _transfer(client: httpx.Client, url: str, part: Path, size: int | None) -> None:
    """Fetch what ``part`` still lacks from one address.

    Raises:
        _Failed: with the reason; what did arrive stays in ``part``.
    """
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        with client.stream("GET", url, headers=headers) as response:
            if response.status_code == 416:
                # No longer than what we have, which is not the file: see _fetch.
                part.unlink()
                raise _Failed(f"has nothing after byte {have}")
            start = _starts_at(response, have, size)
            _append(response, part, start, size)
    except httpx.InvalidURL as error:
        raise _Gone(f"not an address: {error}") from error
    except httpx.HTTPError as error:
        raise _Failed(f"{type(error).__name__}: {error}") from error
    arrived = part.stat().st_size
    if size is not None and arrived < size:
        raise _Failed(f"broke off after {arrived} of {size} bytes")


def _append(response: httpx.Response, part: Path, start: int, size: int | None) -> None:
    """Write the body behind the first ``start`` bytes of ``part``."""
    bar = tqdm(
        desc=part.stem[:24],
        total=size,
        initial=start,
        unit="B",
        unit_scale=True,
        leave=False,
        disable=True if size is None or size < _SHOWN_FROM else None,
    )
    with bar, open(part, "ab") as file:
        file.truncate(start)
        # As it arrives: waiting for a full block would lose it when broken off.
        for chunk in response.iter_raw():
            if size is not None and file.tell() + len(chunk) > size:
                file.truncate(0)
                raise _Failed(f"sends more than the expected {size} bytes")
            file.write(chunk)
            bar.update(len(chunk))


def _client() -> httpx.Client:
    return httpx.Client(follow_redirects=True, timeout=httpx.Timeout(_SILENCE))


def _size_of(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _fetch(urls: Sequence[str], part: Path, sha256: str, size: int | None) -> None:
    """Fill ``part``, going round the mirrors until its hash is right.

    Raises:
        DownloadError: every mirror failed several times without any progress.
        HashError: a mirror gave a whole file that is another one.
    """
    if part.exists() and sha256_of(part) == sha256:
        return  # whole, but interrupted before it got its name
    said: dict[str, str] = {}
    wrong: HashError | None = None
    left, attempts = list(urls), 0
    with _client() as client:
        while left and attempts < _ATTEMPTS:
            if attempts:
                time.sleep(_PAUSE * 2 ** (attempts - 1))
            before = _size_of(part)
            for url in tuple(left):
                try:
                    _transfer(client, url, part, size)
                    check_hash(part, sha256, f"it came from {url} and was removed")
                    return
                except _Gone as error:
                    said[url] = str(error)
                    left.remove(url)
                except _Failed as error:
                    said[url] = str(error)
                except HashError as error:
                    # Asking the same address again would bring the same bytes.
                    part.unlink()
                    said[url], wrong = str(error), error
                    left.remove(url)
            attempts = 0 if _size_of(part) > before else attempts + 1
    if wrong is not None and not left:
        raise wrong
    raise DownloadError("; ".join(f"{url}: {text}" for url, text in said.items()))


def _filename(urls: Sequence[str]) -> str:
    return Path(unquote(urlsplit(urls[0]).path)).name or "file"


def _under_another_name(target: Path) -> Path | None:
    """The same bytes, if they were fetched from an address that ends differently."""
    for path in target.parent.glob("*"):
        if path.suffix not in (".part", ".lock") and path.is_file():
            return path
    return None


def _cached(target: Path, sha256: str) -> bool:
    """Whether the file is there and right; a damaged one is removed."""
    if not target.exists():
        other = _under_another_name(target)
        if other is None or sha256_of(other) != sha256:
            return False
        try:
            os.link(other, target)
        except OSError:  # a file system without hard links
            shutil.copyfile(other, target)
    if sha256_of(target) == sha256:
        touch(target)
        return True
    target.unlink()
    return False


def download(
    urls: str | Sequence[str],
    sha256: str,
    size: int | None = None,
    filename: str | None = None,
) -> Path:
    """Bring a file into the cache, or find it there.

    A file that is there is used without any connection. Mirrors are tried in turn;
    what was received before an interruption is kept and only the rest asked for.
    Processes that want the same file wait for each other.

    Args:
        urls: the address, or several mirrors of the same bytes.
        sha256: their hash, in hexadecimal.
        size: how many bytes they are, if known.
        filename: what to call the file; by default the last part of the address.

    Returns:
        Its path in the cache; do not write to it.

    Raises:
        OfflineError: it is not there and ``LAMPAS_OFFLINE`` is set.
        DownloadError: no mirror gave it; the text says where to put it by hand.
        HashError: a mirror gave another file; the text names both hashes.
    """
    urls = [urls] if isinstance(urls, str) else list(urls)
    if not urls or not all(url.startswith(("http://", "https://")) for url in urls):
        raise HubError(f"urls must be http(s) addresses, got {urls!r:.120}")
    name = filename or _filename(urls)
    if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
        raise HubError(f"sha256 must be 64 hexadecimal digits, got {sha256!r:.80}")
    if Path(name).name != name or name.startswith("."):
        raise HubError(f"filename must be a plain name, got {name!r:.80}")
    target = place_of(sha256, name)
    if _cached(target, sha256):
        return target
    by_hand = f"a file fetched by hand belongs at {target}"
    if is_offline():
        raise OfflineError(
            f"{name} is not in the cache and LAMPAS_OFFLINE is set; {by_hand}"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(target.parent / "download.lock"):
        if _cached(target, sha256):
            return target
        part = target.parent / f"{name}.part"
        try:
            _fetch(urls, part, sha256, size)
        except DownloadError as error:
            raise DownloadError(
                f"{name} could not be fetched: {error}; {by_hand}"
            ) from error
        os.replace(part, target)
    return target
