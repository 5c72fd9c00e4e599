"""The position in an IterableDataset, whose samples workers share out."""

from __future__ import annotations

import itertools

import pytest

from lampas.utils.data import DataLoader, IterableDataset, get_worker_info


class Shared(IterableDataset):
    """Numbers, of which each worker gives every so-manieth."""

    def __init__(self, count):
        self.count = count

    def __iter__(self):
        info = get_worker_info()
        first, step = (0, 1) if info is None else (info.id, info.num_workers)
        return iter(range(first, self.count, step))


def loader(workers):
    return DataLoader(Shared(23), batch_size=2, num_workers=workers)


def read(batches):
    return [int(x) for batch in batches for x in batch]


@pytest.mark.parametrize("workers", [0, 1, 2, 3])
@pytest.mark.parametrize("done", [1, 5, 9])
def test_the_rest_follows_what_was_read(workers, done):
    whole = read(loader(workers))
    assert sorted(whole) == list(range(23))
    first = loader(workers)
    before = read(itertools.islice(first, done))
    second = loader(workers)
    second.load_state_dict(first.state_dict())
    assert before + read(second) == whole


@pytest.mark.parametrize(("before", "after"), [(2, 3), (3, 2), (0, 2), (2, 1)])
def test_another_number_of_workers_is_refused_inside_an_epoch(before, after):
    first = loader(before)
    next(iter(first))
    with pytest.raises(ValueError, match="as many, or save between epochs"):
        loader(after).load_state_dict(first.state_dict())


def test_no_worker_and_one_worker_read_the_same():
    first, second = loader(0), loader(1)
    before = read(itertools.islice(first, 4))
    second.load_state_dict(first.state_dict())
    assert before + read(second) == list(range(23))


def test_between_epochs_any_number_of_workers_goes_on():
    first, second = loader(2), loader(3)
    read(first)
    second.load_state_dict(first.state_dict())
    assert sorted(read(second)) == list(range(23))
