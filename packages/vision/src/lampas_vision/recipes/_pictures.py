"""What a run of classification leaves for a person to look at."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from lampas import Tensor
from lampas.errors import MissingExtraError
from lampas.train import Run, confusion_matrix, prediction_sheet
from lampas_vision.transforms import Preprocess

__all__ = ["save_pictures"]


def save_pictures(
    run: Run,
    images: Any,
    scores: Tensor,
    labels: Tensor,
    classes: Sequence[str],
    preprocess: Preprocess,
    count: int = 40,
) -> None:
    """Draw predictions, wrong and uncertain ones first, and which classes are mixed up.

    Args:
        run: where to; ``predictions.png`` and ``confusion.png`` of its samples.
        images: a dataset of prepared images ``(C, H, W)``, in the order of ``scores``.
        scores: ``(N, classes)``, as the model gave them.
        labels: ``(N,)``.
        classes: names.
        preprocess: how the images were prepared, to be undone.
        count: how many images to draw at most.
    """
    best = scores.softmax(1).max(1)
    chances, answers, truth = (v.numpy() for v in (best[0], best[1], labels))
    order = np.lexsort((chances, answers == truth))[:count]
    pictures = np.stack([images[int(i)][0].numpy() for i in order])
    spread, centre = (
        np.reshape(v, (-1, 1, 1)) for v in (preprocess.std, preprocess.mean)
    )
    said, true = ([classes[int(c)] for c in part[order]] for part in (answers, truth))
    path = run.samples
    try:
        prediction_sheet(
            pictures * spread + centre, said, true, path / "predictions.png"
        )
        confusion_matrix(answers, truth, path / "confusion.png", classes)
    except MissingExtraError as error:
        print(f"no pictures in {path}: {error}", file=sys.stderr)
