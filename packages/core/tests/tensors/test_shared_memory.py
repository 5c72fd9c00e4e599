"""Memory that processes share, and memory that is a file."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys

import pytest

import lampas


def test_a_file_is_read_and_written(tmp_path):
    path = tmp_path / "numbers"
    x = lampas.from_file(path, shared=True, size=3, dtype=lampas.int32)
    assert x.tolist() == [0, 0, 0]
    x += 7
    again = lampas.from_file(str(path), size=2, dtype=lampas.int32)
    assert again.tolist() == [7, 7]
    again.zero_()
    assert lampas.from_file(path, False, 3, dtype=lampas.int32).tolist() == [7, 7, 7]
    longer = lampas.from_file(path, shared=True, size=4, dtype=lampas.int32)
    assert longer.tolist() == [7, 7, 7, 0]
    assert lampas.from_file(path).shape == (0,)


def test_files_that_do_not_fit(tmp_path):
    with pytest.raises(RuntimeError, match="can't open"):
        lampas.from_file(tmp_path / "none", size=1)
    (tmp_path / "short").write_bytes(b"1234567")
    with pytest.raises(RuntimeError, match="7 bytes, 8 are"):
        lampas.from_file(tmp_path / "short", size=2)
    with pytest.raises(RuntimeError, match="host memory"):
        lampas.from_file(tmp_path / "short", size=1, device="sim")
    with pytest.raises(ValueError, match="negative"):
        lampas.from_file(tmp_path / "short", size=-1)


def test_a_forked_process_changes_a_shared_tensor():
    plain = lampas.zeros(3)
    shared = lampas.zeros(3).share_memory_()
    assert (plain.is_shared(), shared.is_shared(), shared[1:].is_shared()) == (
        False,
        True,
        True,
    )
    assert shared.share_memory_() is shared
    child = os.fork()
    if not child:
        plain += 1
        shared[1:] += 1
        os._exit(0)
    os.waitpid(child, 0)
    assert plain.tolist() == [0.0, 0.0, 0.0]
    assert shared.tolist() == [0.0, 1.0, 1.0]


def test_sharing_keeps_values_and_histories():
    weight = lampas.nn.Parameter(lampas.tensor([[1.0, 2.0], [3.0, 4.0]]).t())
    weight.share_memory_()
    assert weight.tolist() == [[1.0, 3.0], [2.0, 4.0]]
    (weight * 2).sum().backward()
    assert weight.grad.tolist() == [[2.0, 2.0], [2.0, 2.0]]
    assert lampas.empty(0).share_memory_().shape == (0,)
    with pytest.raises(TypeError, match="sim"):
        lampas.ones(1, device="sim").share_memory_()


_SPAWNED = """
import multiprocessing, sys
import lampas

def work(given, queue):
    shared, view, copied = given
    shared.zero_()
    copied.zero_()
    queue.put((shared.is_shared(), view.tolist(), shared.requires_grad))

def pass_on(queue, done):
    queue.get().fill_(8)
    done.put(True)

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    shared, copied = lampas.ones(2, 3).share_memory_(), lampas.ones(2)
    queue = context.Queue()
    given = shared, shared[1, ::2], copied
    process = context.Process(target=work, args=(given, queue))
    process.start()
    print(queue.get(timeout=60))
    process.join()
    print(shared.sum().item(), copied.sum().item())
    tensors, done = context.Queue(), context.Queue()
    process = context.Process(target=pass_on, args=(tensors, done))
    process.start()
    tensors.put(shared)
    done.get(timeout=60)
    process.join()
    print(shared.sum().item())
"""


def test_a_spawned_process_changes_a_shared_tensor(tmp_path):
    script = tmp_path / "program.py"
    script.write_text(_SPAWNED)
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == [
        "(True, [0.0, 0.0], False)",
        "0.0 2.0",
        "48.0",
    ], done.stderr


def test_descriptors_are_closed():
    folder = "/proc/self/fd"
    if os.path.isdir(folder):
        before = len(os.listdir(folder))
        for _ in range(20):
            lampas.ones(10).share_memory_()
        assert len(os.listdir(folder)) <= before + 1


def test_several_processes_train_one_model():
    model = lampas.nn.Linear(1, 1, bias=False).share_memory()
    lampas.nn.init.zeros_(model.weight)

    def train():
        optimizer = lampas.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(100):
            optimizer.zero_grad()
            ((model(lampas.ones(1, 1)) - 3) ** 2).sum().backward()
            optimizer.step()

    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=train) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert model.weight.item() == pytest.approx(3.0, abs=1e-3)
