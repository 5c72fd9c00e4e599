"""The loader: order, randomness and position are the same with any workers."""

from __future__ import annotations

import random
import time

import numpy as np
import pytest

import lampas
from lampas import Generator, default_generator
from lampas.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Sampler,
    TensorDataset,
    WeightedRandomSampler,
    get_worker_info,
    random_split,
)

WORKERS = [0, 1, 4]


class Noisy(Dataset):
    """Index and one number of each global generator."""

    def __init__(self, length: int = 11) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index):
        ours = default_generator.uniform(1, np.float64)[0]
        return np.array([index, random.random(), np.random.rand(), ours])


class Shuffled(Sampler):
    """A sampler of somebody else, who draws from all three."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __iter__(self):
        order = list(range(self.n))
        random.shuffle(order)
        for i in order:
            yield int(i if np.random.rand() < 0.5 else default_generator.bits(1)[0] % 5)

    def __len__(self) -> int:
        return self.n


class Stream(IterableDataset):
    """Each worker gives its residue class."""

    def __iter__(self):
        info = get_worker_info()
        start, step = (info.id, info.num_workers) if info else (0, 1)
        for i in range(start, 14, step):
            yield np.array([i, random.random()])


def arrays(loader) -> list[np.ndarray]:
    return [batch.numpy().copy() for batch in loader]


def same(first, second) -> bool:
    return len(first) == len(second) and all(map(np.array_equal, first, second))


def global_states():
    ours = default_generator.get_state()
    numpy = np.random.get_state()
    return [*map(int, np.asarray(ours)), *numpy[1], *numpy[2:], *random.getstate()[1]]


@pytest.fixture(autouse=True)
def seed():
    with lampas.random.fork_rng():
        lampas.manual_seed(5)
        yield


def options(kind: str) -> dict:
    return {
        "shuffle": {"shuffle": True, "batch_size": 3},
        "drop": {"shuffle": True, "batch_size": 3, "drop_last": True},
        "samples": {"shuffle": True, "batch_size": None},
        "random": {"sampler": RandomSampler(range(11)), "batch_size": 2},
        "generator": {
            "sampler": WeightedRandomSampler(
                np.arange(11.0), 9, generator=Generator().manual_seed(3)
            ),
            "batch_size": 2,
        },
        "foreign": {"sampler": Shuffled(11), "batch_size": 2},
        "lists": {"batch_sampler": [[3, 1], [2], [0, 0]]},
        "collate": {"collate_fn": noisy_collate, "batch_size": 4},
    }[kind]


def noisy_collate(samples):
    return lampas.from_numpy(np.stack(samples) + np.random.rand())


KINDS = "shuffle drop samples random generator foreign lists collate".split()


@pytest.mark.parametrize("kind", KINDS)
def test_workers_do_not_change_the_data(kind):
    def epochs(workers: int):
        loader = DataLoader(Noisy(), num_workers=workers, **options(kind))
        first, second = arrays(loader), arrays(loader)
        assert len(first) == len(loader) == len(second)
        assert not same(first, second)  # an epoch is not the other
        return first + second

    expected = epochs(0)
    assert same(epochs(1), expected) and same(epochs(4), expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("workers", WORKERS)
def test_resumes_at_every_batch(kind, workers):
    whole = DataLoader(Noisy(), **options(kind))
    expected = arrays(whole) + arrays(whole)
    for stop in range(len(whole) + 1):
        loader = DataLoader(Noisy(), num_workers=workers, **options(kind))
        iterator = iter(loader)
        got = [next(iterator).numpy().copy() for _ in range(stop)]
        state = loader.state_dict()
        del iterator
        lampas.manual_seed(99)  # the key comes from the state
        other = DataLoader(Noisy(), num_workers=(workers + 1) % 3, **options(kind))
        other.load_state_dict(state)
        assert other.state_dict() == state
        got += arrays(other) + arrays(other)
        assert same(got, expected), stop
        lampas.manual_seed(5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("workers", WORKERS)
def test_resumes_between_two_epochs(kind, workers):
    loader = DataLoader(Noisy(), num_workers=workers, **options(kind))
    arrays(loader)
    state = loader.state_dict()
    expected = arrays(loader) + arrays(loader)
    other = DataLoader(Noisy(), num_workers=workers, **options(kind))
    other.load_state_dict(state)
    assert same(arrays(other) + arrays(other), expected)


@pytest.mark.parametrize("workers", WORKERS)
def test_streams_resume_too(workers):
    loader = DataLoader(Stream(), batch_size=3, num_workers=workers)
    expected = arrays(loader)
    # every sample once
    seen = np.concatenate(expected)[:, 0].astype(int).tolist()
    assert sorted(seen) == list(range(14))
    for stop in range(len(expected) + 1):
        loader = DataLoader(Stream(), batch_size=3, num_workers=workers)
        iterator = iter(loader)
        got = [next(iterator).numpy().copy() for _ in range(stop)]
        other = DataLoader(Stream(), batch_size=3, num_workers=workers)
        other.load_state_dict(loader.state_dict())
        assert same(got + arrays(other), expected)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_pass_leaves_the_global_streams_alone(workers):
    loader = DataLoader(Noisy(), batch_size=2, shuffle=True, num_workers=workers)
    np.random.randn(1)  # leaves a second normal number in NumPy's pocket
    before = global_states()
    arrays(loader)
    assert global_states() == before
    next(iter(DataLoader(Stream(), num_workers=workers)))
    arrays(DataLoader(Noisy(), sampler=Shuffled(9), num_workers=workers))
    assert global_states() == before


def test_a_pass_over_other_data_does_not_move_the_order():
    def order(evaluate: bool):
        lampas.manual_seed(5)
        loader, other = (
            DataLoader(Noisy(), shuffle=True, batch_size=4) for _ in range(2)
        )
        result = []
        for _ in range(2):
            result += arrays(loader)
            if evaluate:
                arrays(other)
        return result

    assert same(order(True), order(False))


def test_the_key_comes_from_the_seed_or_the_generator():
    def order(**kwargs):
        loader = DataLoader(range(50), 50, shuffle=True, **kwargs)
        return next(iter(loader)).tolist()

    expected = order()
    default_generator.bits(100)
    assert order() == expected  # what was drawn before does not matter
    lampas.manual_seed(6)
    assert order() != expected
    with_generator = [order(generator=Generator().manual_seed(s)) for s in (1, 1, 2)]
    assert with_generator[0] == with_generator[1] != with_generator[2]


def test_one_sample_is_the_same_in_any_batch():
    rows = {}
    for size in (1, 4, 11):
        for row in np.concatenate(arrays(DataLoader(Noisy(), batch_size=size))):
            rows.setdefault(int(row[0]), set()).add(tuple(row))
    assert all(len(found) == 1 for found in rows.values())


def test_two_iterators_at_once_have_epochs_of_their_own():
    loader = DataLoader(Noisy(), batch_size=2, shuffle=True)
    expected = arrays(loader), arrays(loader)
    loader = DataLoader(Noisy(), batch_size=2, shuffle=True)
    pairs = [(a.numpy(), b.numpy()) for a, b in zip(loader, loader, strict=True)]
    assert same([a for a, _ in pairs], expected[0])
    assert same([b for _, b in pairs], expected[1])


def test_a_left_epoch_is_over():
    loader = DataLoader(Noisy(), batch_size=2, shuffle=True)
    expected = arrays(loader), arrays(loader)
    loader = DataLoader(Noisy(), batch_size=2, shuffle=True)
    next(iter(loader))
    assert loader.state_dict()["batches"] == 1
    assert same(arrays(loader), expected[1])


def test_tensor_datasets_are_gathered_at_once():
    x, y = lampas.tensor(np.random.rand(20, 3)), lampas.tensor(np.arange(20))
    dataset = TensorDataset(x, y)
    part, _ = random_split(dataset, [15, 5], Generator().manual_seed(0))
    for data in (dataset, part):
        fast = list(DataLoader(data, batch_size=4))
        slow = list(DataLoader([data[i] for i in range(len(data))], batch_size=4))
        for a, b in zip(fast, slow, strict=True):
            assert type(a) is type(b)
            assert all(map(np.array_equal, map(np.asarray, a), map(np.asarray, b)))
    with pytest.raises(IndexError):
        next(iter(DataLoader(dataset, batch_sampler=[[25]])))


@pytest.mark.budget
def test_seeding_a_batch_costs_about_a_millisecond():
    class Plain(Dataset):
        def __len__(self):
            return 64

        def __getitem__(self, index):
            return index

    def best(dataset) -> float:
        loader, times = DataLoader(dataset, batch_size=64), []
        for _ in range(20):
            start = time.perf_counter()
            list(loader)
            times.append(time.perf_counter() - start)
        return min(times)

    extra = best(Plain()) - best(range(64))
    assert extra < 3e-3  # measured: 0.8 to 1 ms; a busy machine takes longer


@pytest.mark.parametrize(
    ("kwargs", "text"),
    [
        ({"shuffle": True, "sampler": [0]}, "not both"),
        ({"batch_sampler": [[0]], "batch_size": 2}, "excludes"),
        ({"batch_size": None, "drop_last": True}, "batch_size=None"),
        ({"num_workers": -1}, "negative"),
        ({"prefetch_factor": 2}, "num_workers > 0"),
        ({"persistent_workers": True}, "num_workers > 0"),
        ({"num_workers": 1, "prefetch_factor": 0}, "at least 1, got 0"),
        ({"batch_size": 0}, "batch_size must be a positive integer, got 0"),
    ],
)
def test_arguments_that_do_not_fit(kwargs, text):
    with pytest.raises(ValueError, match=text):
        DataLoader(range(3), **kwargs)


def test_data_that_is_none():
    with pytest.raises(TypeError, match="got int"):
        DataLoader(5)
    with pytest.raises(ValueError, match="its own order"):
        DataLoader(Stream(), shuffle=True)


def test_a_state_of_other_data_is_refused():
    state = DataLoader(range(10), batch_size=2).state_dict()
    with pytest.raises(ValueError, match="'samples': 10.*'samples': 12"):
        DataLoader(range(12), batch_size=2).load_state_dict(state)
    with pytest.raises(ValueError, match="must be what state_dict"):
        DataLoader(range(10)).load_state_dict({"epoch": 1})
