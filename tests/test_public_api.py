"""A change to a public name is named in the changelog of its package."""

from __future__ import annotations

from tools import api_snapshot
from tools.api_snapshot import changes, current, is_named, recorded, unnamed_changes


def test_changelogs_name_every_change_since_the_release():
    missing = unnamed_changes(recorded(), current())
    assert not missing, "no changelog names under Unreleased:\n" + "\n".join(missing)


def test_each_kind_of_change_is_found():
    before = {"p": ": module", "p.f": "(x)", "p.g": "()", "p.A": ": class()"}
    after = {"p": ": module", "p.f": "(x, y=1)", "p.B": ": class()", "p.B.run": "()"}
    assert changes(before, after) == {
        "p.A": "p.A is gone",
        "p.B": "p.B is new",
        "p.f": "p.f was `(x)`, is `(x, y=1)`",
        "p.g": "p.g is gone",
    }


def test_a_changelog_names_in_backticks():
    assert is_named("lampas.nn.Linear", "`lampas.nn.Linear` takes a bias")
    assert is_named("lampas.nn.Linear", "`nn.Linear(bias=True)` takes a bias")
    assert not is_named("lampas.nn.Linear", "nn.Linear takes a bias")
    assert not is_named("lampas.nn.Linear", "`nn.LinearStack` is new")


def test_a_removed_name_fails_until_it_is_named(monkeypatch):
    before = {"lampas": ": module", "lampas.gone": "(x)"}
    after = {"lampas": ": module"}
    monkeypatch.setattr(api_snapshot, "unreleased", lambda package: "Nothing.")
    assert unnamed_changes(before, after) == ["lampas.gone is gone"]
    monkeypatch.setattr(api_snapshot, "unreleased", lambda package: "`gone` went.")
    assert unnamed_changes(before, after) == []
