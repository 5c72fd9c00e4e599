"""What every test and example of core starts with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import lampas
from lampas.backend import native
from lampas.ops import with_out

_PATHS = native.extension.paths() if native.extension is not None else []


@pytest.fixture(autouse=True)
def _same_start() -> Iterator[None]:
    """One seed, PyTorch's defaults, and NumPy's own warnings as errors."""
    lampas.manual_seed(0)
    with np.errstate(all="warn"):
        yield
    lampas.set_default_dtype(lampas.float32)
    lampas.set_printoptions(profile="default")


@pytest.fixture(params=_PATHS)
def path(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each instruction set that the kernels were built for and this machine has."""
    before = native.extension.path()
    native.extension.set_path(request.param)
    yield request.param
    native.extension.set_path(before)


@pytest.fixture(autouse=True)
def _names_of_examples(doctest_namespace: dict[str, Any]) -> None:
    doctest_namespace["lampas"] = lampas


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the examples of functions given on to where they are written.

    ``lampas`` holds those that take ``out=`` from their first use on, so which of them
    were found would depend on what ran before.
    """
    given_on = {f"lampas.{name}" for name in with_out.__all__}
    items[:] = [
        item
        for item in items
        if not (isinstance(item, pytest.DoctestItem) and item.name in given_on)
    ]
