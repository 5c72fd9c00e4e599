"""Processes of ``lampas.multiprocessing``: what they get, and how they fail."""

from __future__ import annotations

import os
import signal
import time

import pytest

import lampas
import lampas.multiprocessing as mp


def fill(rank, results, base):
    results[rank] = base + rank


def fail(rank):
    if rank == 1:
        raise KeyError("no such thing")
    time.sleep(60)


def leave(rank, code):
    os._exit(code)


def kill_itself(rank):
    os.kill(os.getpid(), signal.SIGKILL)


def send(rank, queue):
    queue.put(lampas.arange(3) * 2)


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_each_process_has_its_rank_and_shares_memory(start_method):
    results = lampas.zeros(2).share_memory_()
    mp.start_processes(fill, (results, 5), nprocs=2, start_method=start_method)
    assert results.tolist() == [5.0, 6.0]


def test_what_a_process_raised_arrives_with_its_traceback_and_ends_the_others():
    began = time.monotonic()
    with pytest.raises(mp.ProcessRaisedException, match="process 1 raised") as caught:
        mp.start_processes(fail, nprocs=2, start_method="fork")
    assert "KeyError: 'no such thing'" in str(caught.value)
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("fn", "args", "text"),
    [
        (leave, (3,), "process 0 ended with exit code 3"),
        (kill_itself, (), "process 0 ended by signal SIGKILL"),
    ],
)
def test_a_process_that_ends_by_itself_is_told(fn, args, text):
    with pytest.raises(mp.ProcessExitedException, match=text):
        mp.start_processes(fn, args, start_method="fork")


def test_without_join_the_processes_are_given():
    queue = mp.get_context("fork").SimpleQueue()
    started = mp.start_processes(send, (queue,), join=False, start_method="fork")
    assert queue.get().tolist() == [0, 2, 4]
    while not started.join(timeout=10):
        pass
    assert len(started.pids()) == 1


def test_arguments_that_do_not_fit():
    with pytest.raises(ValueError, match="nprocs must not be negative, got -1"):
        mp.spawn(fill, nprocs=-1)
    with pytest.raises(ValueError, match="new_strategy must be"):
        mp.set_sharing_strategy("by post")


def test_it_is_pythons_module_otherwise():
    assert mp.Process is __import__("multiprocessing").Process
    assert mp.get_sharing_strategy() in mp.get_all_sharing_strategies()
