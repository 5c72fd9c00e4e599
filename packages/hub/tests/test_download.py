"""Downloads from a server on loopback that misbehaves in every way we know."""

import hashlib
import random
import socket
import subprocess
import sys
import threading
import time

import pytest
from hub_fixtures import cache_fixture, serve_fixture  # noqa: F401

import lampas_hub
from lampas_hub.errors import DownloadError, HashError, HubError, OfflineError

pytestmark = pytest.mark.usefixtures("cache")

DATA = random.Random(0).randbytes(200_000)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """No waiting between attempts."""
    monkeypatch.setattr("lampas_hub._download._PAUSE", 0.001)


def fetch(server, **options):
    return lampas_hub.download(server.url, server.sha256, **options)


@pytest.fixture
def no_sockets(monkeypatch):
    """Any attempt to connect fails the test."""

    def refuse(*arguments):
        raise AssertionError(f"a connection was attempted: {arguments}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize("size", [None, len(DATA)])
def test_403_then_503_then_half_a_file_still_arrives(serve, size, cache):
    server = serve(DATA, 403, 503, "half")
    path = fetch(server, size=size)
    assert path.read_bytes() == DATA
    assert path == cache / "files" / server.sha256 / "weights.bin"
    assert server.requests == [None, None, None, f"bytes={len(DATA) // 2}-"]
    assert [p.name for p in path.parent.iterdir() if p.suffix == ".part"] == []


def test_a_second_mirror_continues_what_the_first_began(serve):
    first, second = serve(DATA, "half"), serve(DATA)
    path = lampas_hub.download([first.url, second.url], first.sha256)
    assert path.read_bytes() == DATA
    assert second.requests == [f"bytes={len(DATA) // 2}-"]


def test_a_server_without_ranges_starts_again(serve):
    server = serve(DATA, "half", ranges=False)
    assert fetch(server).read_bytes() == DATA
    assert server.sent == len(DATA) + len(DATA) // 2


def test_a_cached_file_needs_no_connection(serve, no_sockets):
    server = serve(DATA)
    folder = lampas_hub.cache_folder() / "files" / server.sha256
    folder.mkdir(parents=True)
    (folder / "weights.bin").write_bytes(DATA)
    assert fetch(server).read_bytes() == DATA
    assert server.requests == []


def test_one_file_of_two_names_is_fetched_and_kept_once(serve, cache):
    server = serve(DATA)
    paths = [fetch(server, filename=name) for name in ("first", "second")]
    assert [path.read_bytes() for path in paths] == [DATA, DATA]
    assert paths[0].samefile(paths[1])
    assert len(server.requests) == 1
    assert sum(file.size for file in lampas_hub.list_cache()) == len(DATA)


def test_offline_is_one_switch(serve, no_sockets, monkeypatch):
    monkeypatch.setenv("LAMPAS_OFFLINE", "1")
    server = serve(DATA)
    with pytest.raises(OfflineError, match=r"LAMPAS_OFFLINE.*belongs at .*weights.bin"):
        fetch(server)
    assert server.requests == []


def test_another_file_is_refused_naming_both_hashes(serve, cache):
    server = serve(DATA, b"something else")
    found = hashlib.sha256(b"something else").hexdigest()
    with pytest.raises(HashError, match=f"{found}, expected {server.sha256}"):
        fetch(server)
    assert [p for p in cache.rglob("*") if p.is_file() and p.suffix != ".lock"] == []


def test_a_mirror_with_another_file_does_not_stop_the_next(serve):
    bad, good = serve(b"?" * 10), serve(DATA)
    path = lampas_hub.download([bad.url, good.url], good.sha256)
    assert path.read_bytes() == DATA


def test_an_error_page_does_not_replace_what_is_there(serve):
    server = serve(DATA, "half", b"<html>busy</html>")
    assert fetch(server, size=len(DATA)).read_bytes() == DATA
    assert server.sent == len(DATA) + len(b"<html>busy</html>")


def test_a_damaged_cached_file_is_fetched_again(serve):
    server = serve(DATA)
    fetch(server).write_bytes(b"damaged")
    assert fetch(server).read_bytes() == DATA
    assert len(server.requests) == 2


def test_every_mirror_is_named_when_all_fail(serve):
    first, second = serve(DATA, *[500] * 9), serve(DATA, 404)
    with pytest.raises(DownloadError) as caught:
        lampas_hub.download([first.url, second.url], first.sha256)
    text = str(caught.value)
    assert f"{first.url}: status 500" in text
    assert f"{second.url}: status 404" in text
    assert "by hand belongs at" in text
    assert (len(first.requests), len(second.requests)) == (3, 1)


def test_a_silent_server_is_given_up(serve, monkeypatch):
    monkeypatch.setattr("lampas_hub._download._SILENCE", 0.1)
    server = serve(DATA, *["stall"] * 5)
    begun = time.monotonic()
    with pytest.raises(DownloadError, match="Timeout"):
        fetch(server)
    assert time.monotonic() - begun < 10


def test_nobody_answers():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(DownloadError, match="ConnectError"):
        lampas_hub.download(f"http://127.0.0.1:{port}/x", "0" * 64)


def test_several_at_once_fetch_once(serve):
    server = serve(DATA)
    paths = []
    threads = [
        threading.Thread(target=lambda: paths.append(fetch(server))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(paths)) == 1
    assert len(paths) == 4
    assert len(server.requests) == 1


FETCH = """
import sys
import lampas_hub
lampas_hub.download(sys.argv[1], sys.argv[2], filename="big")
"""


def test_killed_at_half_it_goes_on_from_there(serve):
    data = random.Random(1).randbytes(16_000_000)
    server = serve(data, "stall")
    process = subprocess.Popen([sys.executable, "-c", FETCH, server.url, server.sha256])
    part = lampas_hub.cache_folder() / "files" / server.sha256 / "big.part"
    server.half_sent.wait(30)
    deadline = time.monotonic() + 30
    while not part.exists() or part.stat().st_size < 0.495 * len(data):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.wait()
    server.released.set()
    before = server.sent
    path = fetch(server, filename="big")
    assert path.read_bytes() == data
    assert server.sent - before <= 0.51 * len(data)


@pytest.mark.parametrize(
    ("urls", "options", "message"),
    [
        ([], {}, "http"),
        ("ftp://example.org/x", {}, "http"),
        ("http://example.org/x", {"sha256": "12"}, "64 hexadecimal"),
        ("http://example.org/x", {"filename": "../x"}, "plain name"),
    ],
)
def test_arguments_that_make_no_sense(urls, options, message):
    with pytest.raises(HubError, match=message):
        lampas_hub.download(urls, **{"sha256": "0" * 64, **options})
