"""What every test and example of core starts with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import lampas


@pytest.fixture(autouse=True)
def _same_start() -> Iterator[None]:
    """One seed, PyTorch's defaults, and NumPy's own warnings as errors."""
    lampas.manual_seed(0)
    with np.errstate(all="warn"):
        yield
    lampas.set_default_dtype(lampas.float32)
    lampas.set_printoptions(profile="default")


@pytest.fixture(autouse=True)
def _names_of_examples(doctest_namespace: dict[str, Any]) -> None:
    doctest_namespace["lampas"] = lampas
