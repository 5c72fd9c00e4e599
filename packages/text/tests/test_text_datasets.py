"""Text as windows, and the two published sets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import lampas
from lampas.errors import ArgumentError, FileFormatError
from lampas_text.datasets import (
    SST2,
    DatasetNotFoundError,
    TextFile,
    TextWindows,
    read_text,
    tinyshakespeare,
)
from lampas_text.tokenizers import ByteTokenizer

needs_data = pytest.mark.skipif(
    "LAMPAS_DATA" not in os.environ, reason="LAMPAS_DATA is not set"
)


def test_every_window_and_its_shift():
    data = TextWindows([1, 2, 3, 4, 5], length=3)
    assert len(data) == 2
    assert [[part.tolist() for part in data[i]] for i in range(2)] == [
        [[1, 2, 3], [2, 3, 4]],
        [[2, 3, 4], [3, 4, 5]],
    ]
    assert data[0][0].dtype == lampas.int64


def test_windows_without_overlap_leave_out_a_short_end():
    data = TextWindows(list(range(11)), length=3, stride=3)
    assert [data[i][0].tolist() for i in range(len(data))] == [
        [0, 1, 2],
        [3, 4, 5],
        [6, 7, 8],
    ]
    with pytest.raises(IndexError, match="window 3 of 3"):
        data[3]


@pytest.mark.parametrize(
    ("ids", "length", "stride", "message"),
    [
        ([1, 2, 3], 3, 1, "3 tokens are too few for a window of 3"),
        ([1, 2, 3], 0, 1, "at least 1, got 0 and 1"),
        ([1, 2, 3], 1, 0, "at least 1, got 1 and 0"),
        ([1.0, 2.0], 1, 1, "one row of integers"),
        ([[1, 2]], 1, 1, r"got shape \(1, 2\)"),
    ],
)
def test_windows_that_cannot_be(ids, length, stride, message):
    with pytest.raises(ArgumentError, match=message):
        TextWindows(ids, length, stride)


def test_a_file_as_windows(tmp_path):
    (tmp_path / "a.txt").write_text("hello")
    data = TextFile(tmp_path / "a.txt", ByteTokenizer(), length=4)
    assert bytes(data[0][1].tolist()) == b"ello"


def test_a_file_that_is_missing_or_no_text(tmp_path):
    with pytest.raises(DatasetNotFoundError, match=r"absent\.txt, it is not there"):
        read_text(tmp_path / "absent.txt")
    (tmp_path / "bad.txt").write_bytes(b"ab\xff")
    with pytest.raises(FileFormatError, match="not UTF-8: byte 2 is 0xff"):
        read_text(tmp_path / "bad.txt")


def test_a_set_that_is_not_there_says_where_it_should_be(tmp_path, monkeypatch):
    monkeypatch.setenv("LAMPAS_DATA", str(tmp_path))
    expected = Path("tinyshakespeare") / "input.txt"
    with pytest.raises(DatasetNotFoundError, match=str(tmp_path / expected)):
        tinyshakespeare()
    with pytest.raises(DatasetNotFoundError, match=str(tmp_path / "dev.tsv")):
        SST2(tmp_path, "dev")
    monkeypatch.delenv("LAMPAS_DATA")
    with pytest.raises(DatasetNotFoundError, match="set LAMPAS_DATA"):
        tinyshakespeare()


def test_sst2_lines(tmp_path):
    (tmp_path / "train.tsv").write_text("a fine film\t1\ndull\t0\n")
    data = SST2(tmp_path)
    assert [data[i] for i in range(len(data))] == [("a fine film", 1), ("dull", 0)]
    with pytest.raises(ArgumentError, match="train or dev, got 'test'"):
        SST2(tmp_path, "test")


def test_a_broken_line_is_named(tmp_path):
    (tmp_path / "train.tsv").write_text("fine\t1\nno label\n")
    with pytest.raises(FileFormatError, match="line 2: expected a sentence"):
        SST2(tmp_path)


@needs_data
def test_published_sets_have_their_published_sizes():
    text = tinyshakespeare()
    assert len(text) == 1_115_394
    assert len(set(text)) == 65
    assert (len(SST2()), len(SST2(split="dev"))) == (6920, 872)
