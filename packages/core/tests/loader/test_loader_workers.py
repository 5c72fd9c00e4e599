"""Workers that die, hang, raise or are left behind; and how batches travel."""

from __future__ import annotations

import faulthandler
import gc
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

import lampas
from lampas.errors import WorkerError
from lampas.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info
from lampas.utils.data import _pool as pool_module
from lampas.utils.data import _transport as transport


class Numbers(Dataset):
    """Its indices; subclasses do something else with one of them."""

    def __len__(self) -> int:
        return 40

    def __getitem__(self, index):
        if index == 21:
            self.misbehave()
        return index

    def misbehave(self) -> None:
        return


class Raises(Numbers):
    def misbehave(self) -> None:
        {}["the missing key"]


class OddError(Exception):
    def __init__(self, one, two) -> None:
        super().__init__(one, two)


class RaisesOddly(Numbers):
    def misbehave(self) -> None:
        raise OddError(1, 2)


class Dies(Numbers):
    def __init__(self, number: int) -> None:
        self.number = number

    def misbehave(self) -> None:
        faulthandler.disable()  # pytest's would print where
        os.kill(os.getpid(), self.number)


class Leaves(Numbers):
    def misbehave(self) -> None:
        os._exit(3)


class Hangs(Numbers):
    def misbehave(self) -> None:
        time.sleep(60)


class Unpicklable(Numbers):
    def __getitem__(self, index):
        return [lambda: index]


class Pids(Dataset):
    def __len__(self) -> int:
        return 64

    def __getitem__(self, index):
        return os.getpid()


def keep(samples):
    return samples


def gone(pid: int, seconds: float = 5.0) -> bool:
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(
    ("dataset", "text"),
    [
        (Dies(signal.SIGKILL), r"worker 1 .*pid \d+.*exit code -9 \(signal SIGKILL"),
        (Dies(signal.SIGSEGV), r"worker 1 .*exit code -11 \(signal SIGSEGV\)"),
        (Leaves(), r"worker 1 .*exit code 3"),
    ],
)
def test_a_dead_worker_is_named_within_seconds(dataset, text):
    loader = DataLoader(dataset, batch_size=4, num_workers=2)
    start, seen = time.monotonic(), []
    with pytest.raises(WorkerError, match=text):
        for batch in loader:
            seen += batch.tolist()
    assert time.monotonic() - start < 5
    assert seen == list(range(len(seen)))  # what came was in order
    assert not multiprocessing.active_children()


def test_killed_from_outside_between_batches():
    loader = DataLoader(Pids(), batch_size=1, num_workers=2)
    iterator = iter(loader)
    os.kill(int(next(iterator)), signal.SIGKILL)
    with pytest.raises(RuntimeError, match="worker 0 .*SIGKILL"):
        list(iterator)


def test_a_silent_worker_is_named_after_the_timeout():
    loader = DataLoader(Hangs(), batch_size=4, num_workers=2, timeout=1)
    start = time.monotonic()
    with pytest.raises(WorkerError, match=r"worker 1 .*1 seconds .* batch 5"):
        list(loader)
    assert time.monotonic() - start < 5
    assert not multiprocessing.active_children()


def test_an_exception_carries_the_traceback_and_the_next_batch_goes_on():
    loader = DataLoader(Raises(), batch_size=4, num_workers=2)
    iterator = iter(loader)
    for _ in range(5):
        next(iterator)
    with pytest.raises(KeyError) as caught:
        next(iterator)
    text = str(caught.value)
    assert "sample 21 of batch 5 in worker 1 of the DataLoader" in text
    assert "line" in text and "in misbehave" in text and "\n" in text
    assert next(iterator).tolist() == [24, 25, 26, 27]
    with pytest.raises(RuntimeError, match="OddError in sample 21"):
        list(DataLoader(RaisesOddly(), num_workers=1))


def test_the_main_process_raises_as_it_is():
    iterator = iter(DataLoader(Raises(), batch_size=4))
    with pytest.raises(KeyError, match="'the missing key'"):
        for _ in range(6):
            next(iterator)
    assert next(iterator).tolist() == [24, 25, 26, 27]


def test_what_cannot_be_sent_is_said():
    loader = DataLoader(Unpicklable(), num_workers=1, collate_fn=keep)
    with pytest.raises(Exception, match="sending batch 0 from worker 0"):
        next(iter(loader))


def test_init_runs_in_each_worker_and_may_fail():
    def init(worker: int) -> None:
        get_worker_info().dataset.extra = worker + 10

    class Extra(Numbers):
        def __getitem__(self, index):
            info = get_worker_info()
            return (self.extra, info.id, info.num_workers)

    loader = DataLoader(Extra(), 20, num_workers=2, worker_init_fn=init)
    rows = [[column.tolist()[0] for column in batch] for batch in loader]
    assert rows == [[10, 0, 2], [11, 1, 2]]

    def fails(worker: int) -> None:
        raise ValueError(f"no luck {worker}")

    with pytest.raises(ValueError, match="worker_init_fn of worker 0(.|\n)*no luck 0"):
        list(DataLoader(Numbers(), num_workers=1, worker_init_fn=fails))


def test_workers_end_with_the_epoch_the_iterator_and_the_loader():
    loader = DataLoader(Pids(), batch_size=1, num_workers=2)
    pids = {int(batch) for batch in loader}
    assert len(pids) == 2 and all(map(gone, pids))
    iterator = iter(loader)
    first = int(next(iterator))
    del iterator
    assert gone(first)
    loader = DataLoader(Pids(), num_workers=1, persistent_workers=True)
    pids = {int(batch) for _ in range(2) for batch in loader}
    assert len(pids) == 1
    next(iter(loader))
    del loader
    gc.collect()
    assert all(map(gone, pids))


def test_a_hanging_worker_does_not_keep_the_program():
    iterator = iter(DataLoader(Hangs(), batch_size=21, num_workers=2))
    next(iterator)
    start = time.monotonic()
    del iterator
    assert time.monotonic() - start < 3
    assert not multiprocessing.active_children()


def test_persistent_workers_forget_an_epoch_that_was_left():
    kwargs = {"batch_size": 4, "shuffle": True}
    lampas.manual_seed(1)
    loader = DataLoader(Numbers(), **kwargs)
    expected = [[b.tolist() for b in loader] for _ in range(2)][1]
    loader = DataLoader(Numbers(), num_workers=2, persistent_workers=True, **kwargs)
    old = iter(loader)
    next(old)
    assert [batch.tolist() for batch in loader] == expected
    with pytest.raises(WorkerError, match="serve a newer one"):
        list(old)


class Big(Dataset):
    def __len__(self) -> int:
        return 6

    def __getitem__(self, index):
        return {
            "image": lampas.from_numpy(np.full((3, 70, 70), index, np.float32)),
            "empty": np.empty((0, 2)),
            "text": "x" * 100_000,
        }


@pytest.mark.parametrize("shared", [True, False])
def test_large_batches_arrive_whole_and_writable(monkeypatch, shared):
    monkeypatch.setattr(transport, "HAS_SHARED_MEMORY", shared)
    batches = list(DataLoader(Big(), batch_size=3, num_workers=2))
    expected = list(DataLoader(Big(), batch_size=3))
    for got, want in zip(batches, expected, strict=True):
        image = got["image"].numpy()
        assert np.array_equal(image, want["image"].numpy())
        image += 1  # it is ours to change
        assert got["empty"].shape == (3, 0, 2)
        assert got["text"] == want["text"]


def test_long_requests_and_answers_do_not_wait_for_each_other(monkeypatch):
    monkeypatch.setattr(transport, "HAS_SHARED_MEMORY", False)
    # longer than what a socket holds, in both directions
    indices = [list(range(300)) * 500 for _ in range(4)]
    loader = DataLoader(range(300), batch_sampler=indices, num_workers=1)
    assert [len(batch) for batch in loader] == [150_000] * 4


class Threads(Dataset):
    def __len__(self) -> int:
        return 1

    def __getitem__(self, index):
        tasks = set(os.listdir("/proc/self/task"))
        a = np.ones((600, 600))
        for _ in range(3):
            a @ a
        return len(os.listdir("/proc/self/task")) - len(tasks)


def test_a_worker_computes_with_one_thread():
    assert int(next(iter(DataLoader(Threads(), num_workers=1)))) == 0


def test_a_fork_beside_cuda_is_refused(monkeypatch):
    class Driver:
        @staticmethod
        def ctxGetCurrent() -> int:
            return 1

    cupy = type(sys)("cupy")
    cupy.cuda = type("cuda", (), {"driver": Driver})
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    with pytest.raises(WorkerError, match='multiprocessing_context="spawn"'):
        iter(DataLoader(Numbers(), num_workers=1, multiprocessing_context="fork"))


def test_spawn_names_what_cannot_be_pickled():
    loader = DataLoader(
        Numbers(),
        num_workers=1,
        multiprocessing_context="spawn",
        worker_init_fn=lambda worker: None,
    )
    with pytest.raises(TypeError, match="must be picklable: .*lambda"):
        iter(loader)


def test_the_program_chooses_the_start_method(monkeypatch):
    monkeypatch.setattr(
        multiprocessing, "get_start_method", lambda allow_none=False: "spawn"
    )
    assert pool_module.context_of(None).get_start_method() == "spawn"
    assert pool_module.context_of("fork").get_start_method() == "fork"


def script(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "training.py"
    path.write_text(textwrap.dedent(text))
    return path


def start(path: Path, **kwargs) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **kwargs,
    )


def test_spawn_without_a_guard_shows_the_two_lines_to_add(tmp_path):
    path = script(
        tmp_path,
        """
        from lampas.utils.data import DataLoader
        loader = DataLoader(range(8), num_workers=2, multiprocessing_context="spawn")
        for batch in loader:
            print(batch)
        """,
    )
    process = start(path)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and out == ""
    assert len(err.splitlines()) < 10, err
    assert 'if __name__ == "__main__":\n        main()' in err


def test_spawn_with_a_guard_gives_the_same_batches(tmp_path):
    path = script(
        tmp_path,
        """
        import random, numpy as np, lampas
        from lampas.utils.data import DataLoader, Dataset

        class Noisy(Dataset):
            def __len__(self):
                return 8
            def __getitem__(self, index):
                return np.array([index, random.random(), np.random.rand()])

        def main():
            lampas.manual_seed(5)
            for workers, how in ((0, None), (2, "fork"), (2, "spawn")):
                loader = DataLoader(Noisy(), 3, shuffle=True, num_workers=workers,
                                    multiprocessing_context=how)
                print([batch.tolist() for batch in loader])

        if __name__ == "__main__":
            main()
        """,
    )
    out, err = start(path).communicate(timeout=60)
    lines = out.splitlines()
    assert len(lines) == 3 and len(set(lines)) == 1, err


SLOW = """
    import os, signal, sys, time
    # A shell's background job, as tests may be, starts with Ctrl-C ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from lampas.utils.data import DataLoader, Dataset

    class Slow(Dataset):
        def __len__(self):
            return 1000
        def __getitem__(self, index):
            if index > 5:
                time.sleep(60)
            return os.getpid()

    for batch in DataLoader(Slow(), num_workers=2):
        print(int(batch), flush=True)
    """


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_the_program(tmp_path, number):
    process = start(script(tmp_path, SLOW), start_new_session=True)
    pids = {int(process.stdout.readline()) for _ in range(6)}
    assert len(pids) == 2
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does
    else:
        process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert all(map(gone, pids))
    if number == signal.SIGINT:
        assert err.count("Traceback") == 1 and "KeyboardInterrupt" in err


class Uneven(IterableDataset):
    def __iter__(self):
        return iter(range(100 * get_worker_info().id, 100 * get_worker_info().id + 2))


def test_streams_of_workers_take_turns():
    loader = DataLoader(Uneven(), batch_size=None, num_workers=3)
    assert [int(sample) for sample in loader] == [0, 100, 200, 1, 101, 201]
    assert random.getstate()  # and the main process still has its own
