"""The recipe from settings to predictions, on few images."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import lampas
from lampas.train import Run, load_checkpoint
from lampas_vision.datasets import Digits
from lampas_vision.quickstart import quickstart
from lampas_vision.recipes import classify


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """One epoch on the digits."""
    config = classify.Config(epochs=1)
    run = Run(tmp_path_factory.mktemp("run"), config)
    classify.train(config, run)
    return config, run


def test_a_run_leaves_what_a_person_looks_at(trained):
    _, run = trained
    (record,) = run.metrics()
    # ten classes: chance is 0.1
    assert record["test_accuracy"] > 0.3
    assert record["step"] == 1438 // 64
    for path in (
        run.folder / "curves.png",
        run.samples / "predictions.png",
        run.samples / "confusion.png",
    ):
        with Image.open(path) as image:
            assert min(image.size) > 200


def test_evaluate_predict_and_training_agree(trained, tmp_path):
    config, run = trained
    checkpoint = load_checkpoint(run.last)
    scores = classify.evaluate(config, checkpoint)
    record = run.metrics()[-1]
    assert scores["test_accuracy"] == record["test_accuracy"]
    assert abs(scores["test_loss"] - record["test_loss"]) < 1e-6
    test = Digits(train=False)
    paths = []
    for index in range(len(test)):
        paths.append(str(tmp_path / f"{index}.png"))
        test[index][0].save(paths[-1])
    lines = list(classify.predict(config, checkpoint, paths))
    answers = [int(line.split(": ")[1].split(" ")[0]) for line in lines]
    assert (np.array(answers) == test.targets).mean() == scores["test_accuracy"]


def test_a_run_that_stopped_goes_on_bit_for_bit(trained, tmp_path, monkeypatch):
    config, whole = trained
    settings = classify.Config(epochs=1, save_every=5)
    step = classify.Checkpoint.end_step

    def fail(self):
        step(self)
        if self.step == 12:
            raise OSError("stopped")

    with monkeypatch.context() as patch:
        patch.setattr(classify.Checkpoint, "end_step", fail)
        with pytest.raises(OSError, match="stopped"):
            classify.train(settings, Run(tmp_path, settings))
    lampas.manual_seed(99)
    run = Run(tmp_path, settings, resume=True)
    classify.train(settings, run)
    one, two = (load_checkpoint(r.last)["model"] for r in (whole, run))
    for key in one:
        assert np.array_equal(one[key].numpy(), two[key].numpy()), key


def test_fine_tuning_takes_weights_and_preprocessing_from_a_run(
    trained, tmp_path, capsys
):
    _, run = trained
    config = classify.Config(epochs=1, weights=str(run.last), parity=True, lr=1e-3)
    tuned = Run(tmp_path, config)
    classify.train(config, tuned)
    assert "fc starts afresh" in capsys.readouterr().err
    about = load_checkpoint(tuned.last)["about"]
    assert about["classes"] == ["even", "odd"]
    assert about["preprocess"] == load_checkpoint(run.last)["about"]["preprocess"]


def test_a_folder_of_images(tmp_path):
    rng = np.random.default_rng(0)
    for part in ("train", "test"):
        for name, low in (("bright", 128), ("dark", 0)):
            folder = tmp_path / "data" / part / name
            folder.mkdir(parents=True)
            for index in range(4):
                pixels = rng.integers(low, low + 128, (20, 24, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{index}.png")
    config = classify.Config(
        dataset="folder", data=tmp_path / "data", model="resnet18", size=32, epochs=1,
        batch_size=4, optimizer="sgd", lr=0.01, schedule="cosine",
    )  # fmt: skip
    run = Run(tmp_path / "run", config)
    classify.train(config, run)
    checkpoint = load_checkpoint(run.last)
    assert checkpoint["about"]["classes"] == ["bright", "dark"]
    path = str(tmp_path / "data" / "test" / "dark" / "0.png")
    (line,) = classify.predict(config, checkpoint, [path])
    assert line.startswith(f"{path}: ") and line.endswith("%)")


def test_no_folder_is_named(monkeypatch, tmp_path):
    monkeypatch.delenv("LAMPAS_DATA", raising=False)
    config = classify.Config(dataset="mnist")
    with pytest.raises(ValueError, match="--data or in the environment variable"):
        classify.train(config, Run(tmp_path, config))


def test_quickstart(tmp_path, capsys):
    accuracy = quickstart(tmp_path / "run", epochs=1)
    said = capsys.readouterr().out
    assert accuracy > 0.3
    for words in ("[1/4]", "[4/4]", "curves.png", "predictions.png", "it is a "):
        assert words in said
    with pytest.raises(ValueError, match="exists already"):
        quickstart(tmp_path / "run")
