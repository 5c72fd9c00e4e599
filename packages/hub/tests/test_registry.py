"""Entries as data, names to models, the cache and its commands."""

import argparse
import os
import subprocess
import sys
import time

import pytest
from hub_fixtures import cache_fixture, package_fixture, serve_fixture  # noqa: F401

import lampas
import lampas_hub
from lampas_hub.cli import register
from lampas_hub.errors import (
    EntryError,
    HashError,
    HubError,
    OfflineError,
    UnknownModelError,
)

pytestmark = pytest.mark.usefixtures("cache")

REQUIRED = [
    *("name", "summary", "sha256", "size", "licence", "data", "data_licence"),
    *("recipe", "seed", "commit", "metric"),
]


def edit(package, before, after):
    path = package / "weights" / "demo.toml"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_an_installed_package_is_found_without_importing_it(package):
    (package / "__init__.py").write_text("raise AssertionError('imported')")
    assert "demo-net" in lampas_hub.list_models()
    assert lampas_hub.list_models("demo_pkg") == ["demo-net"]
    entry = lampas_hub.info("demo-net")
    assert entry.metric == lampas_hub.Metric("accuracy", 0.5, "other throws")
    assert (entry.licence, entry.data_licence) == ("BSD-3-Clause", "CC0-1.0")
    assert entry.preprocessing == {"scale": 2.0}


def test_a_model_comes_with_its_weights_ready_to_predict(package):
    model = lampas_hub.load("demo-net")
    assert model.weight.tolist() == [1.0, 2.0]
    assert not model.training
    with pytest.raises(RuntimeError, match="do not fit"):
        lampas_hub.load("demo-net", width=3)


def test_a_package_that_is_no_distribution_can_register(package, monkeypatch):
    for path in package.parent.glob("*.dist-info/entry_points.txt"):
        path.unlink()
    monkeypatch.setattr("lampas_hub._registry._added", [])
    assert lampas_hub.list_models("demo_pkg") == []
    lampas_hub.register("demo_pkg:weights")
    assert lampas_hub.list_models("demo_pkg") == ["demo-net"]
    with pytest.raises(EntryError, match="no folder 'elsewhere'"):
        lampas_hub.register("demo_pkg:elsewhere")
    with pytest.raises(EntryError, match="not a top-level package"):
        lampas_hub.register("no_such_package:weights")


@pytest.mark.parametrize("key", REQUIRED)
def test_an_entry_without_its_provenance_is_refused(package, key):
    path = package / "weights" / "demo.toml"
    text = path.read_text()
    lines = text.splitlines()
    if key == "metric":
        begin = lines.index("[metric]")
        kept = lines[:begin] + lines[begin + 4 :]
    else:
        kept = [line for line in lines if not line.startswith(f"{key} =")]
        if key == "name":
            kept = lines[:1] + lines[2:]
    path.write_text("\n".join(kept))
    with pytest.raises(EntryError, match=f"demo_pkg: demo.toml: '{key}' is missing"):
        lampas_hub.list_models()


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("licence = ", "license = ", "did you mean 'licence'"),
        ('licence = "BSD-3-Clause"', 'licence = ""', "'licence' must be"),
        ("seed = 0", "seed = true", "'seed' must be"),
        ('commit = "0123abc"', 'commit = "main"', "'commit' must be"),
        ('on = "other throws"', "", "'metric' must be"),
        ("file = ", 'repo = "hf://a/b/c"\nfile = ', "expected one of"),
        ('file = "weights/demo.safetensors"', "", "expected one of"),
        ('file = "weights', 'file = "../weights', "'file' must be"),
        ('file = "weights', 'file = "/weights', "'file' must be"),
        ("demo_pkg.models:net", "os:system", "must be in the package demo_pkg"),
        ("demo_pkg.models:net", "demo_pkg_x:net", "must be in the package demo_pkg"),
        ("demo_pkg.models:net", "demo_pkg.models", "'builder' must be"),
        ("[metric]", "[metric", "not TOML"),
    ],
)
def test_an_entry_that_is_wrong_is_refused(package, before, after, message):
    edit(package, before, after)
    with pytest.raises(EntryError, match=message):
        lampas_hub.info("demo-net")


def test_two_packages_cannot_share_a_name(package):
    text = (package / "weights" / "demo.toml").read_text()
    (package / "weights" / "other.toml").write_text(text)
    with pytest.raises(EntryError, match="registered by demo_pkg and by demo_pkg"):
        lampas_hub.list_models()


def test_an_unknown_name_gets_a_hint(package):
    with pytest.raises(UnknownModelError, match="did you mean demo-net"):
        lampas_hub.load("demonet")


def test_a_changed_file_of_a_package_is_refused(package):
    path = package / "weights" / "demo.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(HashError, match="expected .* reinstall demo_pkg"):
        lampas_hub.load_file("demo-net")
    path.unlink()
    with pytest.raises(HubError, match="is missing; reinstall"):
        lampas_hub.load_file("demo-net")


def test_weights_by_url(package, serve):
    data = (package / "weights" / "demo.safetensors").read_bytes()
    server = serve(data)
    edit(package, 'file = "weights/demo.safetensors"', f'urls = ["{server.url}"]')
    for _ in range(2):
        assert lampas_hub.load_state_dict("demo-net")["weight"].tolist() == [1.0, 2.0]
    assert len(server.requests) == 1


def test_paths(tmp_path, package):
    weights = {"w": lampas.ones(2)}
    for name, content in {
        "flat.pt": weights,
        "flat.safetensors": weights,
        "run.pt": {"model": weights, "step": 3},
        "state.pt": {"state_dict": weights},
    }.items():
        lampas.save(content, tmp_path / name)
        for path in (tmp_path / name, str(tmp_path / name)):
            assert lampas_hub.load_file(path) == tmp_path / name
            assert lampas_hub.load_state_dict(path)["w"].tolist() == [1.0, 1.0]
    with pytest.raises(FileNotFoundError, match="nowhere"):
        lampas_hub.load_file("nowhere.pt")
    lampas.save([1], tmp_path / "list.pt")
    with pytest.raises(HubError, match=r"list\.pt: expected tensors by name.* a list"):
        lampas_hub.load_state_dict(tmp_path / "list.pt")


def test_addresses_of_hugging_face(monkeypatch, tmp_path):
    monkeypatch.setenv("LAMPAS_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(HubError, match="hf://owner/repo/file"):
        lampas_hub.load_file("hf://owner")
    with pytest.raises(OfflineError, match="not cached and LAMPAS_OFFLINE"):
        lampas_hub.load_file("hf://owner/repo/weights.pt")
    path = tmp_path / "weights.pt"
    lampas.save({"w": lampas.ones(1)}, path)
    asked = []

    def cached(repo, name, revision, local_files_only):
        asked.append((repo, name, revision, local_files_only))
        return str(path)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", cached)
    state = lampas_hub.load_state_dict("hf://owner/repo@main/sub/weights.pt")
    assert state["w"].tolist() == [1.0]
    assert asked == [("owner/repo", "sub/weights.pt", "main", True)]


def test_every_public_name_is_there():
    for name in lampas_hub.__all__:
        assert getattr(lampas_hub, name) is not None
    assert set(lampas_hub._LAZY) | {"__version__"} == set(lampas_hub.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = lampas_hub.nothing


def test_the_import_brings_no_machinery_of_connections():
    code = "import sys, lampas_hub.cli; print('httpx' in sys.modules)"
    command = [sys.executable, "-c", code]
    assert subprocess.check_output(command, text=True).strip() == "False"


# --------------------------------------------------------------------- cache, commands


def run(*words):
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers())
    arguments = parser.parse_args(words)
    return arguments.handle(arguments)


def test_the_cache_folder(monkeypatch, tmp_path):
    assert lampas_hub.cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("LAMPAS_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert lampas_hub.cache_folder() == tmp_path / "lampas"


def test_list_and_prune(serve, capsys):
    old, new = serve(b"o" * 1500), serve(b"new")
    paths = [
        lampas_hub.download(s.url, s.sha256, filename=s.data[:3].decode())
        for s in (old, new)
    ]
    os.utime(paths[0], (0, time.time() - 40 * 86400))
    run("cache", "list")
    assert "1.5 kB" in capsys.readouterr().out
    run("cache", "prune", "--dry-run")
    assert "1 files, 1.5 kB would be freed" in capsys.readouterr().out
    run("cache", "prune")
    assert capsys.readouterr().out == "ooo\n1 files, 1.5 kB freed\n"
    assert [path.exists() for path in paths] == [False, True]
    assert not paths[0].parent.exists()
    run("cache", "prune", "--days", "0")
    run("cache", "list")
    assert "0 files, 0 B" in capsys.readouterr().out


def test_hub_commands(package, capsys):
    run("hub", "list")
    assert "demo-net" in capsys.readouterr().out
    run("hub", "info", "demo-net")
    text = capsys.readouterr().out
    for word in ("BSD-3-Clause", "CC0-1.0", "accuracy 0.5 on other throws", "0123abc"):
        assert word in text
