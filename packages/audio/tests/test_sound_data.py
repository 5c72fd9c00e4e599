"""Folders of sounds and the spoken digits."""

from __future__ import annotations

import os

import pytest

import lampas
import lampas_audio
from lampas_audio.datasets import FSDD, DatasetNotFoundError, SoundFolder


def write(path, frames: int = 100, rate: int = 8000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lampas_audio.save(path, lampas.full((1, frames), 0.5), rate)


def test_folders_are_classes(tmp_path):
    for name in ("yes/1.wav", "no/deep/2.flac", "no/1.wav"):
        write(tmp_path / name)
    (tmp_path / "no" / "notes.txt").write_text("not a sound")
    data = SoundFolder(tmp_path, transform=lambda wave: wave.shape[1])
    assert data.classes == ["no", "yes"] and data.targets == [0, 0, 1]
    assert [data[i] for i in range(3)] == [(100, 0), (100, 0), (100, 1)]
    with pytest.raises(RuntimeError, match="expected a sample rate of 16000, got 8000"):
        SoundFolder(tmp_path, sample_rate=16000)[0]


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(DatasetNotFoundError, match="there is no folder .*nowhere"):
        SoundFolder(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="no class folder"):
        SoundFolder(tmp_path)
    (tmp_path / "yes").mkdir()
    with pytest.raises(FileNotFoundError, match="no sound for class yes"):
        SoundFolder(tmp_path)


def test_recordings_are_divided_by_their_number(tmp_path):
    for digit, speaker, number in ((3, "ann", 0), (3, "ann", 5), (7, "bo", 4)):
        write(tmp_path / "recordings" / f"{digit}_{speaker}_{number}.wav")
    assert FSDD(tmp_path, "train").targets == [3]
    test = FSDD(tmp_path, "test")
    assert test.targets == [3, 7] and test.speakers == ["ann", "bo"]
    assert len(FSDD(tmp_path, "all")) == 3
    assert test[0][0].tolist() == [[0.5] * 100]
    with pytest.raises(ValueError, match="got 'valid'"):
        FSDD(tmp_path, "valid")
    write(tmp_path / "recordings" / "three.wav")
    with pytest.raises(DatasetNotFoundError, match="7_jackson_32"):
        FSDD(tmp_path)


def test_where_the_digits_are_looked_for(tmp_path, monkeypatch):
    monkeypatch.delenv("LAMPAS_DATA", raising=False)
    with pytest.raises(DatasetNotFoundError, match="set LAMPAS_DATA"):
        FSDD()
    monkeypatch.setenv("LAMPAS_DATA", str(tmp_path))
    with pytest.raises(DatasetNotFoundError, match="free-spoken-digit-dataset"):
        FSDD()


@pytest.mark.skipif("LAMPAS_DATA" not in os.environ, reason="LAMPAS_DATA is not set")
def test_the_published_recordings():
    train, test = FSDD(split="train"), FSDD(split="test")
    assert (len(train), len(test)) == (1800, 200)
    assert sorted(set(test.speakers)) == ["george", "jackson", "nicolas", "yweweler"]
    assert [test.targets.count(digit) for digit in range(10)] == [20] * 10
    wave, _ = train[0]
    assert wave.shape[0] == 1 and 0 < float(wave.abs().max()) <= 1
