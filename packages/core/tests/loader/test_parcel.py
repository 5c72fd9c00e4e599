"""What travels to spawned workers: arrays once for all, files by their place."""

from __future__ import annotations

import mmap
import multiprocessing
import os

import numpy as np
import pytest

import lampas
from lampas.utils.data import DataLoader, Dataset, TensorDataset

pytestmark = pytest.mark.skipif(
    not hasattr(os, "memfd_create"), reason="the system has no anonymous files"
)
LARGE = 40_000_000  # bytes


def private_bytes() -> int:
    """Memory that is this process's alone, and of no file."""
    with open("/proc/self/smaps_rollup") as lines:
        fields = (line.split() for line in lines)
        return 1024 * sum(int(f[1]) for f in fields if f[0] == "Anonymous:")


class Rows(Dataset):
    """Rows of an array, and how much memory the worker has to itself."""

    def __init__(self, array):
        self.array = array

    def __len__(self):
        return len(self.array)

    def __getitem__(self, index):
        return index, float(self.array[index].sum()), private_bytes()


def read(dataset, workers=2):
    loader = DataLoader(
        dataset,
        batch_size=None,
        num_workers=workers,
        multiprocessing_context="spawn",
        shuffle=False,
    )
    return list(loader)


def numbers(rows=100):
    width = LARGE // 8 // rows
    return np.arange(rows * width, dtype=np.float64).reshape(rows, width)


def check(found, array):
    assert [row[0] for row in found] == list(range(len(array)))
    assert [row[1] for row in found] == [float(row.sum()) for row in array]


@pytest.mark.parametrize("view", ["whole", "rows", "columns", "plain"])
def test_an_array_in_a_file_is_opened_again(tmp_path, view):
    np.save(tmp_path / "numbers.npy", numbers())
    array = np.load(tmp_path / "numbers.npy", mmap_mode="r")
    if view == "rows":
        array = array[10:90:3]
    elif view == "columns":
        array = array[:, 1::7]
    elif view == "plain":
        array = np.asarray(array)[5:]
    found = read(Rows(array))
    check(found, array)


@pytest.mark.parametrize("where", ["file", "memory"])
def test_no_worker_has_a_copy(tmp_path, where):
    small = read(Rows(np.zeros((4, 2))))
    array = numbers()
    if where == "file":
        np.save(tmp_path / "numbers.npy", array)
        array = np.load(tmp_path / "numbers.npy", mmap_mode="r")
    found = read(Rows(array))
    check(found, array)
    most = max(row[2] for row in found) - max(row[2] for row in small)
    assert most < LARGE / 10


def test_a_map_whose_changes_are_private_is_sent_as_it_is(tmp_path):
    np.save(tmp_path / "numbers.npy", numbers())
    array = np.load(tmp_path / "numbers.npy", mmap_mode="c")
    array[3] = 7.0
    check(read(Rows(array), 1), array)


def test_tensors_and_small_arrays_arrive_too():
    x = lampas.arange(300_000, dtype=lampas.float32).reshape(3, 100_000)
    y = lampas.tensor([5, 6, 7])
    loader = DataLoader(
        TensorDataset(x, y), num_workers=2, multiprocessing_context="spawn"
    )
    found = list(loader)
    assert [int(b) for _, b in found] == [5, 6, 7]
    assert all(lampas.equal(a[0], row) for (a, _), row in zip(found, x, strict=True))


class Writer(Dataset):
    def __init__(self, array):
        self.array = array

    def __len__(self):
        return 2

    def __getitem__(self, index):
        before = float(self.array[0])
        self.array[0] = -1.0
        return before


def test_what_a_worker_writes_is_its_own():
    array = np.ones(100_000)
    assert [float(v) for v in read(Writer(array), 2)] == [1.0, 1.0]
    assert array[0] == 1.0


def test_a_parcel_is_sent_under_forkserver_as_well():
    if "forkserver" not in multiprocessing.get_all_start_methods():
        pytest.skip("the system has no forkserver")
    array = numbers(4)
    loader = DataLoader(
        Rows(array), None, num_workers=1, multiprocessing_context="forkserver"
    )
    check(list(loader), array)


def test_the_parts_start_where_pages_do():
    # Two arrays: the second does not start at the end of the first.
    odd = np.arange(mmap.ALLOCATIONGRANULARITY * 3 + 1, dtype=np.uint8)
    x, y = lampas.from_numpy(odd[None]), lampas.from_numpy(odd[None, ::-1].copy())
    loader = DataLoader(
        TensorDataset(x, y), num_workers=1, multiprocessing_context="spawn"
    )
    ((a, b),) = loader
    assert lampas.equal(a, x)
    assert lampas.equal(b, y)
