"""DistributedSampler: equal parts that cover the dataset."""

from __future__ import annotations

from typing import Any

import pytest

from lampas.utils.data import DataLoader, DistributedSampler


def _parts(length: int, replicas: int, **options: Any) -> list[list[int]]:
    ranks = range(replicas)
    data = range(length)
    return [list(DistributedSampler(data, replicas, r, **options)) for r in ranks]


def test_in_order_each_rank_takes_every_nth_and_the_first_are_repeated() -> None:
    assert _parts(5, 2, shuffle=False) == [[0, 2, 4], [1, 3, 0]]
    assert _parts(2, 5, shuffle=False) == [[0], [1], [0], [1], [0]]
    assert _parts(0, 2) == [[], []]


def test_drop_last_leaves_out_the_last() -> None:
    assert _parts(5, 2, shuffle=False, drop_last=True) == [[0, 2], [1, 3]]
    assert _parts(2, 5, drop_last=True) == [[]] * 5


@pytest.mark.parametrize("length", [1, 7, 12, 100])
@pytest.mark.parametrize("replicas", [1, 2, 3, 8])
def test_shuffled_parts_are_equal_and_cover_all(length: int, replicas: int) -> None:
    parts = _parts(length, replicas)
    assert {len(part) for part in parts} == {-(-length // replicas)}
    assert {i for part in parts for i in part} == set(range(length))


def test_dropping_no_index_comes_twice() -> None:
    indices = [i for part in _parts(103, 4, drop_last=True) for i in part]
    assert len(indices) == len(set(indices)) == 100


def test_epoch_and_seed_decide_the_order() -> None:
    sampler = DistributedSampler(range(50), 2, 0)
    first = list(sampler)
    assert list(sampler) == first
    sampler.set_epoch(1)
    assert list(sampler) != first
    assert list(sampler) == list(DistributedSampler(range(50), 2, 0, seed=1))


def test_a_loader_batches_the_part_of_its_rank() -> None:
    sampler = DistributedSampler(range(10), 2, 1, shuffle=False)
    loader = DataLoader(list(range(10)), batch_size=3, sampler=sampler)
    assert [batch.tolist() for batch in loader] == [[1, 3, 5], [7, 9]]
    assert len(loader) == 2


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ((None, 0), RuntimeError, "num_replicas must be given"),
        ((2, None), RuntimeError, "rank must be given"),
        ((0, 0), ValueError, "num_replicas must be positive, got 0"),
        ((2, 2), ValueError, "rank must be in .0, 1., got 2"),
        ((2, -1), ValueError, "rank must be in .0, 1., got -1"),
        ((2.0, 0), ValueError, "num_replicas must be an integer, got 2.0"),
    ],
)
def test_wrong_arguments(given: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        DistributedSampler(range(4), *given)
