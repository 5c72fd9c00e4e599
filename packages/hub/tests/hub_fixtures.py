"""A cache of its own for each test, a server on loopback, a package with weights.

Not a conftest: with doctests collected, only one module can have that name.
"""

from __future__ import annotations

import hashlib
import http.server
import sys
import threading
from dataclasses import dataclass, field

import pytest

import lampas


@pytest.fixture(name="cache")
def cache_fixture(tmp_path, monkeypatch):
    """The cache folder of this test."""
    home = tmp_path / "cache"
    monkeypatch.setenv("LAMPAS_HOME", str(home))
    for name in (
        "LAMPAS_OFFLINE",
        "http_proxy",
        "HTTP_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)
    return home


@dataclass
class Server:
    """Serves ``data``; ``script`` says what goes wrong first, a word per request."""

    data: bytes
    script: list = field(default_factory=list)
    ranges: bool = True
    requests: list = field(default_factory=list)
    sent: int = 0
    half_sent: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    @property
    def sha256(self):
        return hashlib.sha256(self.data).hexdigest()


def handler_of(server):
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

        def send_body(self, data):
            # Counted first: a reader may look as soon as the last byte has arrived.
            server.sent += len(data)
            self.wfile.write(data)

        def head(self, status, length, content_range=None):
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            if content_range:
                self.send_header("Content-Range", content_range)
            self.end_headers()

        def do_GET(self):
            asked = self.headers.get("Range")
            server.requests.append(asked)
            word = server.script.pop(0) if server.script else "whole"
            if isinstance(word, int):
                self.head(word, 5)
                self.send_body(b"sorry")
                return
            if isinstance(word, bytes):
                self.head(200, len(word))
                self.send_body(word)
                return
            total, start = len(server.data), 0
            if asked and server.ranges:
                start = int(asked.removeprefix("bytes=").removesuffix("-"))
                self.head(206, total - start, f"bytes {start}-{total - 1}/{total}")
            else:
                self.head(200, total)
            if word == "whole":
                self.send_body(server.data[start:])
            else:
                self.send_body(server.data[start : total // 2])
                self.wfile.flush()
                server.half_sent.set()
            if word == "stall":
                server.released.wait(30)

    return Handler


@pytest.fixture(name="serve")
def serve_fixture():
    """Start a :class:`Server`."""
    running = []

    def start(data, *script, **options):
        server = Server(data, list(script), **options)
        httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler_of(server))
        server.url = f"http://127.0.0.1:{httpd.server_port}/weights.bin"
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        running.append((server, httpd, thread))
        return server

    yield start
    for server, httpd, thread in running:
        server.released.set()
        httpd.shutdown()
        httpd.server_close()
        thread.join()


ENTRY = """
name = "demo-net"
summary = "Two numbers"
file = "weights/demo.safetensors"
sha256 = "{sha256}"
size = {size}
licence = "BSD-3-Clause"
data = "Two coins, thrown"
data_licence = "CC0-1.0"
recipe = "lampas train demo"
seed = 0
commit = "0123abc"
builder = "demo_pkg.models:net"

[arguments]
width = 2

[metric]
name = "accuracy"
value = 0.5
on = "other throws"

[preprocessing]
scale = 2.0
"""

MODELS = """
class Net:
    def __init__(self, width):
        self.width, self.training = width, True

    def load_state_dict(self, state, strict):
        assert strict
        if list(state) != ["weight"] or tuple(state["weight"].shape) != (self.width,):
            raise RuntimeError("the weights do not fit")
        self.weight = state["weight"]

    def eval(self):
        self.training = False
        return self


def net(width):
    return Net(width)
"""


@pytest.fixture(name="package")
def package_fixture(tmp_path, monkeypatch):
    """An installed package that registers weights; returns its folder."""
    site = tmp_path / "site"
    folder = site / "demo_pkg"
    weights = folder / "weights"
    weights.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "models.py").write_text(MODELS)
    path = weights / "demo.safetensors"
    lampas.save({"weight": lampas.tensor([1.0, 2.0])}, path)
    data = path.read_bytes()
    text = ENTRY.format(sha256=hashlib.sha256(data).hexdigest(), size=len(data))
    (weights / "demo.toml").write_text(text)
    meta = site / "demo_pkg-1.0.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: demo-pkg\nVersion: 1.0"
    )
    (meta / "entry_points.txt").write_text("[lampas.weights]\ndemo = demo_pkg:weights")
    monkeypatch.syspath_prepend(str(site))
    yield folder
    for name in [n for n in sys.modules if n.partition(".")[0] == "demo_pkg"]:
        del sys.modules[name]
