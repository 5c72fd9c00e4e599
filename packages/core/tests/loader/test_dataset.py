"""Datasets, samplers and collate, without a loader."""

from __future__ import annotations

from collections import Counter, namedtuple

import numpy as np
import pytest

import lampas
from lampas import Generator
from lampas.utils.data import (
    BatchSampler,
    ConcatDataset,
    RandomSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    default_convert,
    random_split,
)

Point = namedtuple("Point", "x label")


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def test_tensor_dataset_gives_rows():
    dataset = TensorDataset(lampas.tensor([[1, 2], [3, 4]]), lampas.tensor([5, 6]))
    assert len(dataset) == 2
    assert [part.tolist() for part in dataset[1]] == [[3, 4], 6]
    with pytest.raises(ValueError, match=r"same number of rows, got \(2,\), \(3,\)"):
        TensorDataset(lampas.zeros(2), lampas.zeros(3))


def test_concat_subset_and_stack():
    both = ConcatDataset([[1, 2], [3, 4, 5]])
    assert [both[i] for i in range(5)] == [1, 2, 3, 4, 5]
    assert both[-1] == 5 and len(both) == 5
    with pytest.raises(IndexError, match=r"\[-5, 4\] for 5 samples, got 5"):
        both[5]
    assert Subset(both, [4, 0])[0] == 5
    assert StackDataset(x=[1, 2], y="ab")[1] == {"x": 2, "y": "b"}
    with pytest.raises(ValueError, match=r"got \[1, 2\]"):
        StackDataset([1], [1, 2])


def test_random_split_covers_everything_once():
    parts = random_split(range(10), [0.5, 0.25, 0.25], seeded(1))
    assert [len(part) for part in parts] == [6, 2, 2]
    assert sorted(sample for part in parts for sample in part) == list(range(10))
    again = random_split(range(10), [6, 2, 2], seeded(1))
    assert [list(p) for p in again] == [list(p) for p in parts]
    with pytest.raises(ValueError, match="length 10, got"):
        random_split(range(10), [3, 3], seeded())


def test_random_sampler():
    sampler = RandomSampler(range(20), generator=seeded(2))
    first, second = list(sampler), list(sampler)
    assert sorted(first) == sorted(second) == list(range(20)) and first != second
    twice = list(RandomSampler(range(4), num_samples=10, generator=seeded()))
    assert max(Counter(twice).values()) == 3 and len(twice) == 10
    many = RandomSampler(range(4), True, 4000, seeded(3))
    assert all(abs(count - 1000) < 120 for count in Counter(many).values())
    assert sorted(SubsetRandomSampler([9, 4, 6], seeded())) == [4, 6, 9]


def test_weighted_sampler_follows_the_weights():
    drawn = Counter(WeightedRandomSampler([1, 0, 3], 8000, generator=seeded(4)))
    assert drawn[1] == 0 and abs(drawn[2] - 6000) < 160  # 4 standard deviations
    apart = [
        next(iter(WeightedRandomSampler([1, 3, 0], 2, False, seeded(i))))
        for i in range(400)
    ]
    assert abs(sum(apart) - 300) < 36 and set(apart) == {0, 1}
    with pytest.raises(ValueError, match="at most 2"):
        WeightedRandomSampler([1, 3, 0], 3, replacement=False)
    with pytest.raises(ValueError, match="not all zero"):
        WeightedRandomSampler([0.0], 1)


def test_batch_sampler_counts():
    for drop, count in ((False, 4), (True, 3)):
        batches = BatchSampler(range(10), 3, drop)
        assert len(list(batches)) == len(batches) == count
    with pytest.raises(ValueError, match="batch_size must be a positive integer"):
        BatchSampler(range(3), 0, False)


def test_collate_goes_through_containers():
    samples = [
        {
            "x": lampas.tensor([1.0, 2.0]),
            "meta": (i, f"s{i}"),
            "p": Point([i, 2], i / 2),
        }
        for i in range(3)
    ]
    batch = default_collate(samples)
    assert batch["x"].shape == (3, 2)
    assert batch["meta"][0].tolist() == [0, 1, 2] and batch["meta"][1] == [
        "s0",
        "s1",
        "s2",
    ]
    assert type(batch["p"]) is Point
    assert [part.tolist() for part in batch["p"].x] == [[0, 1, 2], [2, 2, 2]]
    assert batch["p"].label.dtype is lampas.float64


@pytest.mark.parametrize(
    ("samples", "dtype"),
    [
        ([True, False], lampas.bool),
        ([1, 2], lampas.int64),
        ([1.5, 2.0], lampas.float64),
        ([np.float32(1), np.float32(2)], lampas.float32),
        ([np.zeros(2, np.uint8)] * 2, lampas.uint8),
    ],
)
def test_collate_keeps_what_a_number_is(samples, dtype):
    assert default_collate(samples).dtype is dtype


@pytest.mark.parametrize(
    ("samples", "error", "text"),
    [
        ([np.zeros(3), np.zeros(4)], RuntimeError, r"\(3,\) .*0\) and \(4,\) .*1\)"),
        (
            [{"a": (1, np.zeros(2))}, {"a": (1, np.zeros((2, 1)))}],
            RuntimeError,
            r"sample\['a'\]\[1\]",
        ),
        ([[1, 2], [1]], RuntimeError, "lengths"),
        ([{"a": 1}, {"b": 1}], RuntimeError, "keys"),
        ([object()], TypeError, "got object. Pass collate_fn"),
        ([np.array(["a"])], TypeError, "<U1"),
        ([], ValueError, "at least one"),
    ],
)
def test_collate_names_what_does_not_fit(samples, error, text):
    with pytest.raises(error, match=text):
        default_collate(samples)


def test_convert_leaves_what_is_no_array():
    converted = default_convert([np.arange(2), "text", None, Point(np.ones(1), 2)])
    assert converted[0].tolist() == [0, 1] and converted[1:3] == ["text", None]
    assert isinstance(converted[3].x, lampas.Tensor)


def test_collate_keeps_gradients():
    rows = [lampas.tensor([1.0, 2.0], requires_grad=True) for _ in range(2)]
    (default_collate(rows) * lampas.tensor([[1.0], [3.0]])).sum().backward()
    assert [row.grad.tolist() for row in rows] == [[1.0, 1.0], [3.0, 3.0]]
