"""Pretrained weights: what is shipped, and what happens where weights do not fit."""

from __future__ import annotations

import numpy as np
import pytest

import lampas
import lampas_hub
from lampas_vision import models
from lampas_vision.datasets import Digits
from lampas_vision.recipes import classify
from lampas_vision.transforms import Preprocess

# known also where the package is not installed
lampas_hub.register("lampas_vision:weights")

NAME = "digits-convnet"


def test_the_score_in_the_registry_is_measured_again():
    entry = lampas_hub.info(NAME)
    model = models.convnet(weights=NAME).eval()
    test = Digits(train=False, transform=Preprocess.from_dict(entry.preprocessing))
    images = lampas.stack([image for image, _ in test])
    with lampas.no_grad():
        answers = model(images).argmax(1).numpy()
    assert (answers == test.targets).mean() == pytest.approx(
        entry.metric.value, abs=1e-4
    )
    assert entry.metric.value >= 0.98


def test_the_file_is_small_and_has_a_card():
    entry = lampas_hub.info(NAME)
    assert entry.size <= 2_000_000
    card = (entry.folder / "weights" / f"{NAME}.md").read_text(encoding="utf-8")
    for fact in (entry.licence, entry.data_licence, entry.commit, entry.recipe):
        assert fact in card


def test_hub_builds_the_same_model():
    one, two = lampas_hub.load(NAME), models.convnet(weights=NAME)
    for key, value in one.state_dict().items():
        assert np.array_equal(value.numpy(), two.state_dict()[key].numpy()), key


def test_another_number_of_classes_swaps_the_head_and_says_so(capsys):
    lampas.manual_seed(0)
    model = models.convnet(weights=NAME, num_classes=3)
    said = capsys.readouterr().err
    assert "know 10 classes, the model has 3: fc starts afresh" in said
    assert len(said.splitlines()) == 1
    state = lampas_hub.load_state_dict(NAME)
    own = model.state_dict()
    assert tuple(own["fc.weight"].shape) == (3, 128)
    for key in state:
        if not key.startswith("fc."):
            assert np.array_equal(own[key].numpy(), state[key].numpy()), key


def test_weights_from_a_file(tmp_path, capsys):
    lampas.manual_seed(1)
    source = models.convnet(num_classes=4)
    for name in ("a.safetensors", "a.pt"):
        lampas.save(source.state_dict(), tmp_path / name)
        model = models.convnet(weights=str(tmp_path / name))
        assert tuple(model.fc.weight.shape) == (4, 128)
        assert np.array_equal(
            model.hidden.weight.detach().numpy(), source.hidden.weight.detach().numpy()
        )
    assert capsys.readouterr().err == ""


def test_preprocessing_travels_with_the_weights(tmp_path):
    path = str(tmp_path / "a.pt")
    stored = Preprocess((8, 8), 1).to_dict()
    lampas.save({"model": {}, "about": {"preprocess": stored}}, path)
    assert models.preprocessing_of(path) == stored
    lampas.save({"fc.weight": lampas.zeros(2)}, path)
    assert models.preprocessing_of(path) is None
    assert models.preprocessing_of(NAME) == lampas_hub.info(NAME).preprocessing
    with pytest.raises(FileNotFoundError, match=r"nowhere\.pt"):
        models.preprocessing_of("nowhere.pt")


def test_another_model_is_refused_in_few_lines():
    model = models.resnet18(num_classes=10)
    before = model.conv1.weight.detach().numpy().copy()
    state = {
        f"stage{i}.{j}.weight": lampas.zeros(1) for i in range(20) for j in range(10)
    }
    with pytest.raises(RuntimeError) as caught:
        models.load_weights(model, state)
    text = str(caught.value)
    assert len(text.splitlines()) < 15
    assert "do not fit ResNet in 322 keys" in text and "and 19 more parts" in text
    assert np.array_equal(model.conv1.weight.detach().numpy(), before)


def test_unknown_names_and_paths():
    with pytest.raises(RuntimeError, match="digits-convnet"):
        models.convnet(weights="digit-convnet")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.pt"):
        models.convnet(weights="nowhere.pt")


def test_convnet_takes_small_and_large_images():
    model = models.convnet(in_channels=3, num_classes=5).eval()
    for size in (8, 28, 33):
        with lampas.no_grad():
            assert tuple(model(lampas.zeros(2, 3, size, size)).shape) == (2, 5)
    with pytest.raises(ValueError, match="widths: expected at least one"):
        models.ConvNet(widths=())


def test_the_weights_of_the_package_predict(tmp_path):
    checkpoint = classify.pretrained()
    assert classify.evaluate(classify.Config(), checkpoint)["test_accuracy"] >= 0.98
    image, label = Digits(train=False)[0]
    image.save(tmp_path / "digit.png")
    paths = [str(tmp_path / "digit.png")]
    (line,) = classify.predict(classify.Config(), checkpoint, paths)
    assert line.startswith(f"{paths[0]}: {label} (")


def test_fine_tuning_from_a_registered_name():
    config = classify.Config(weights="digits-convnet")
    assert classify.prepare_for(config).size == (8, 8)
