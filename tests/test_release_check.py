"""Versions, ranges, changelogs and tags are compared before a release."""

from __future__ import annotations

import pytest
from packaging.version import Version
from tools import release_check
from tools.packages import FOLDERS


@pytest.mark.parametrize("name", FOLDERS)
def test_ranges_allow_the_versions_of_this_tree(name):
    assert release_check.wrong_ranges(name) == []


def test_a_version_outside_of_a_range_is_told(monkeypatch):
    monkeypatch.setattr(release_check, "version", lambda name: Version("0.3"))
    found = release_check.wrong_ranges("lampas-hub")
    assert found == ["lampas-hub asks for lampas<0.3,>=0.1, this tree has 0.3"]


def test_a_stale_changelog_and_a_used_tag_are_told(monkeypatch):
    monkeypatch.setattr(release_check, "newest_section", lambda name: "0.0.9")
    stated = release_check.version("lampas")
    assert release_check.problems("lampas", {f"core-v{stated}"}) == [
        f"lampas is {stated}; its changelog's newest section: 0.0.9",
        f"lampas {stated} is released already: raise _version.py",
    ]


def test_an_unknown_package_is_refused(capsys):
    assert release_check.main(["lampas-video"]) == 2
    assert "lampas-video" in capsys.readouterr().out
