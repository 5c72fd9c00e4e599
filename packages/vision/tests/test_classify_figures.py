"""The figures that the recipe reaches on real data; minutes each."""

from __future__ import annotations

import os

import pytest

from lampas.train import Run
from lampas_vision.recipes import classify

DATA = os.environ.get("LAMPAS_DATA", "")


def last_accuracy(config, folder):
    run = Run(folder, config)
    classify.train(config, run)
    return run.metrics()[-1]["test_accuracy"]


@pytest.mark.slow
def test_recipe_on_digits(tmp_path):
    assert last_accuracy(classify.Config(), tmp_path) >= 0.98


@pytest.mark.slow
@pytest.mark.skipif(not DATA, reason="LAMPAS_DATA names no folder with data sets")
def test_recipe_on_mnist(tmp_path):
    """The first 8,000 of the 10,000 images to train, the last 2,000 to test."""
    config = classify.Config(dataset="mnist", epochs=6)
    assert last_accuracy(config, tmp_path) >= 0.985
