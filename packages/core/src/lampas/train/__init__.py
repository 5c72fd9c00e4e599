"""Bricks for a training loop that stays visible.

A recipe writes its loop out and takes from here what every run needs: a typed
configuration, a folder, a progress bar, checkpoints that resume bit for bit, a check
for values that are not finite, and pictures. None of them calls the loop back.
"""

from __future__ import annotations

from lampas.train.checkpoint import Checkpoint, load_checkpoint
from lampas.train.config import (
    ConfigError,
    build_config,
    config_dict,
    describe_config,
    load_config,
    option,
    split_options,
)
from lampas.train.finite import check_finite, find_nonfinite
from lampas.train.plots import confusion_matrix, curves, prediction_sheet, spectrogram
from lampas.train.progress import Progress, Table
from lampas.train.run import Run, newest_folder, next_folder

__all__ = [
    "Checkpoint",
    "ConfigError",
    "Progress",
    "Run",
    "Table",
    "build_config",
    "check_finite",
    "config_dict",
    "confusion_matrix",
    "curves",
    "describe_config",
    "find_nonfinite",
    "load_checkpoint",
    "load_config",
    "newest_folder",
    "next_folder",
    "option",
    "prediction_sheet",
    "spectrogram",
    "split_options",
]
