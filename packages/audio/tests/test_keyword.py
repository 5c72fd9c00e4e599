"""The keyword recipe: a short run on words of its own, and the weights that ship."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

import lampas
import lampas_audio
import lampas_hub
from lampas.cli import main
from lampas.train import load_checkpoint
from lampas_audio.datasets import FSDD
from lampas_audio.models import KeywordCNN, keyword_features
from lampas_audio.recipes import keyword

RECIPE = keyword.__file__
SMALL = (
    "--epochs 4 --batch-size 8 --widths 8,8,8 --held-out 0.25 --save-every 5".split()
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Tones of two pitches as words, and the run of a small model on them."""
    folder = tmp_path_factory.mktemp("keyword")
    rng = np.random.default_rng(0)
    for word, pitch in (("high", 1500), ("low", 300)):
        (folder / "words" / word).mkdir(parents=True)
        for i in range(24):
            time = np.arange(rng.integers(2000, 5000)) / 8000
            tone = 0.3 * np.sin(2 * np.pi * pitch * rng.uniform(0.9, 1.1) * time)
            tone += 0.01 * rng.standard_normal(time.size)
            sound = lampas.from_numpy(tone.astype(np.float32)[None])
            lampas_audio.save(folder / "words" / word / f"{i}.wav", sound, 8000)
    options = ["--data", str(folder / "words"), "--run", str(folder / "run")]
    assert main(["train", RECIPE, *options, *SMALL]) == 0
    return folder


def test_the_run_folder_has_all_a_person_looks_at(folder):
    run = folder / "run"
    for name in ("curves.png", "samples/confusion.png", "samples/spectrograms.png"):
        assert (run / name).read_bytes().startswith(b"\x89PNG")
    text = (run / "metrics.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["step"] for line in lines] == [5, 10, 15, 20]
    assert lines[-1]["test_accuracy"] == 1.0


def test_eval_and_predict(folder, capsys):
    checkpoint = ["--checkpoint", str(folder / "run" / "best.pt")]
    assert main(["eval", RECIPE, *checkpoint]) == 0
    assert "test_accuracy: 1.0000" in capsys.readouterr().out
    path = str(folder / "words" / "low" / "0.wav")
    assert main(["predict", RECIPE, *checkpoint, path]) == 0
    assert capsys.readouterr().out.startswith(f"{path}: low (")
    assert main(["predict", RECIPE, *checkpoint, "nowhere.wav"]) == 2
    assert "nowhere.wav" in capsys.readouterr().err


def test_workers_do_not_change_the_weights(folder, tmp_path):
    options = ["--data", str(folder / "words"), "--run", str(tmp_path / "run")]
    assert main(["train", RECIPE, *options, *SMALL, "--workers", "2"]) == 0
    ours = load_checkpoint(tmp_path / "run" / "last.pt")["model"]
    theirs = load_checkpoint(folder / "run" / "last.pt")["model"]
    for name, value in theirs.items():
        assert np.array_equal(ours[name].numpy(), value.numpy()), name


def test_the_network_names_the_shape_it_wants():
    with pytest.raises(RuntimeError, match=r"\(batch, 40, frames\), got \(2, 30, 9\)"):
        KeywordCNN()(lampas.zeros(2, 30, 9))


# The weights that come with the package


@pytest.fixture
def registered():
    lampas_hub.register("lampas_audio:weights")


def test_weights_are_small_and_say_where_they_are_from(registered):
    entry = lampas_hub.info("keyword-fsdd")
    assert entry.size < 500_000
    assert entry.licence == entry.data_licence == "CC-BY-SA-4.0"
    assert entry.metric.value >= 0.985
    card = entry.folder / "weights" / "keyword-fsdd.md"
    assert entry.commit in card.read_text()


@pytest.mark.skipif("LAMPAS_DATA" not in os.environ, reason="LAMPAS_DATA is not set")
def test_weights_score_what_the_card_says(registered, capsys):
    assert main(["eval", RECIPE, "--checkpoint", "pretrained"]) == 0
    value = lampas_hub.info("keyword-fsdd").metric.value
    assert f"test_accuracy: {value:.4f}" in capsys.readouterr().out


@pytest.mark.skipif("LAMPAS_DATA" not in os.environ, reason="LAMPAS_DATA is not set")
def test_the_model_by_its_name_hears_a_digit(registered):
    model = lampas_hub.load("keyword-fsdd")
    data = FSDD(split="test", transform=keyword_features())
    bands, digit = data[77]
    assert int(model(bands).argmax()) == digit
    assert not model.training


@pytest.mark.slow
@pytest.mark.skipif("LAMPAS_DATA" not in os.environ, reason="LAMPAS_DATA is not set")
def test_spoken_digits(tmp_path):
    assert main(["train", RECIPE, "--run", str(tmp_path / "run")]) == 0
    text = (tmp_path / "run" / "metrics.jsonl").read_text()
    assert json.loads(text.splitlines()[-1])["test_accuracy"] >= 0.985
