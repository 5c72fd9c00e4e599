"""The character recipe: a short run on a text of its own, by the command line."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys

import pytest

import lampas
import lampas_hub
from lampas.cli import main
from lampas.train import load_checkpoint
from lampas_text.recipes import char_gpt

RECIPE = char_gpt.__file__
SMALL = (
    "--epochs 2 --epoch-steps 20 --layers 1 --heads 2 --width 16 --context 16 "
    "--warmup 5 --length 40"
).split()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a text and the run of a small model on it."""
    folder = tmp_path_factory.mktemp("char")
    (folder / "text.txt").write_text(
        "all work and no play makes jack a dull boy\n" * 99
    )
    options = ["--text", str(folder / "text.txt"), "--run", str(folder / "run")]
    assert main(["train", RECIPE, *options, *SMALL]) == 0
    return folder


def test_run_folder_has_all_a_person_looks_at(folder):
    run = folder / "run"
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert len((run / "samples" / "text.txt").read_text()) == 41
    metrics = (run / "metrics.jsonl").read_text().splitlines()
    lines = [json.loads(line) for line in metrics]
    assert [line["step"] for line in lines] == [20, 40]
    assert lines[1]["test_loss"] < lines[0]["test_loss"] < math.log(21)


def test_eval_gives_the_loss_of_the_last_epoch(folder, capsys):
    best = load_checkpoint(folder / "run" / "best.pt")
    assert main(["eval", RECIPE, "--checkpoint", str(folder / "run" / "best.pt")]) == 0
    assert capsys.readouterr().out == f"test_loss: {best['score']:.4f}\n"


def test_predict_goes_on_with_a_text(folder, capsys):
    checkpoint = str(folder / "run" / "best.pt")
    options = ["--checkpoint", checkpoint, "--length", "5"]
    assert main(["predict", RECIPE, *options, "all work"]) == 0
    first = capsys.readouterr().out
    assert first.startswith("all work")
    assert len(first) == len("all work") + 5 + 1
    assert main(["predict", RECIPE, *options, "all work"]) == 0
    assert capsys.readouterr().out == first


@pytest.mark.parametrize(
    ("text", "message"),
    [("é", "text[0] is 'é'"), ("", "at least one character")],
)
def test_predict_refuses_what_it_cannot_go_on_with(folder, capsys, text, message):
    checkpoint = str(folder / "run" / "best.pt")
    assert main(["predict", RECIPE, "--checkpoint", checkpoint, text]) == 2
    assert message in capsys.readouterr().err


def test_rate_rises_then_falls_along_a_cosine():
    config = char_gpt.Config()
    assert char_gpt.rate(0, config) == pytest.approx(1 / 101)
    assert char_gpt.rate(100, config) == pytest.approx(1.0)
    assert char_gpt.rate(1050, config) == pytest.approx(0.55)
    assert char_gpt.rate(2000, config) == pytest.approx(0.1)


def curve(folder, text, threads: int, workers: int) -> str:
    """The metrics of a few steps at the recipe's own width, in another process."""
    command = [sys.executable, "-m", "lampas.cli", "train", RECIPE, "--run", folder]
    command += ["--text", text, "--workers", str(workers)]
    command += "--epochs 2 --epoch-steps 4 --layers 2 --length 1".split()
    limit = {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    subprocess.run(
        list(map(str, command)), env={**os.environ, **limit}, check=True, timeout=120
    )
    return (folder / "metrics.jsonl").read_text()


def test_threads_and_workers_do_not_change_the_curve(folder, tmp_path):
    text = folder / "text.txt"
    expected = curve(tmp_path / "a", text, threads=1, workers=0)
    assert curve(tmp_path / "b", text, threads=1, workers=1) == expected
    same(curve(tmp_path / "c", text, threads=2, workers=0), expected)
    same(curve(tmp_path / "d", text, threads=2, workers=4), expected)


def same(found, expected):
    """Equal to the bit, but where NumPy's library divides its sums among threads."""
    if lampas.kernels.is_available():
        assert found == expected
        return
    lines = [[json.loads(x) for x in text.splitlines()] for text in (found, expected)]
    for one, other in zip(*lines, strict=True):
        assert one == pytest.approx(other, rel=1e-5)


@pytest.mark.slow
@pytest.mark.skipif("LAMPAS_DATA" not in os.environ, reason="LAMPAS_DATA is not set")
def test_tinyshakespeare_in_2000_steps(tmp_path):
    assert main(["train", RECIPE, "--run", str(tmp_path / "run")]) == 0
    assert load_checkpoint(tmp_path / "run" / "best.pt")["score"] <= 1.92


# The weights that came with the package


@pytest.fixture(scope="module")
def entry():
    lampas_hub.register("lampas_text:weights")
    return lampas_hub.info("char-gpt-shakespeare")


def test_weights_are_small_and_have_a_card(entry):
    assert entry.size <= 2_000_000
    card = (entry.folder / "weights" / "char-gpt-shakespeare.md").read_text()
    assert f"{entry.metric.value:.4f} nats per character" in card
    assert entry.commit in card


def test_weights_write_english_words(entry, capsys):
    options = "--checkpoint pretrained --temperature 0.5 --length 300".split()
    assert main(["predict", RECIPE, *options, "ROMEO:\nI will"]) == 0
    words = capsys.readouterr().out.lower().split()
    common = {"the", "to", "that", "me", "and", "not", "with", "my", "of", "a", "in"}
    # English has about a quarter of these; characters drawn blindly next to none
    assert sum(word in common for word in words) >= 6


@pytest.mark.skipif("LAMPAS_DATA" not in os.environ, reason="LAMPAS_DATA is not set")
def test_weights_reach_the_score_of_their_entry(entry):
    scores = char_gpt.evaluate(char_gpt.Config(), char_gpt.pretrained())
    assert entry.metric.value <= 1.92
    assert scores["test_loss"] == pytest.approx(entry.metric.value, abs=1e-4)
