"""``torch.distributed``: questions, answered truly. There are no process groups."""

from __future__ import annotations

import enum
from typing import Any, NoReturn

from lampas.compat._absent import AbsentNameError
from lampas.errors import ArgumentError

__all__ = [
    "ReduceOp",
    "all_gather",
    "all_gather_into_tensor",
    "all_gather_object",
    "all_reduce",
    "barrier",
    "broadcast",
    "broadcast_object_list",
    "destroy_process_group",
    "gather",
    "get_backend",
    "get_rank",
    "get_world_size",
    "init_process_group",
    "is_available",
    "is_gloo_available",
    "is_initialized",
    "is_mpi_available",
    "is_nccl_available",
    "is_torchelastic_launched",
    "new_group",
    "recv",
    "reduce",
    "reduce_scatter",
    "scatter",
    "send",
]


class ReduceOp(enum.IntEnum):
    """How the numbers of several processes become one."""

    SUM = 0
    AVG = 1
    PRODUCT = 2
    MIN = 3
    MAX = 4
    BAND = 5
    BOR = 6
    BXOR = 7
    PREMUL_SUM = 8


def is_available() -> bool:
    """Whether processes can form a group: no."""
    return False


def is_initialized() -> bool:
    """Whether this process belongs to a group: no."""
    return False


def is_gloo_available() -> bool:
    """Whether that transport is there: no."""
    return False


def is_mpi_available() -> bool:
    """Whether that transport is there: no."""
    return False


def is_nccl_available() -> bool:
    """Whether that transport is there: no."""
    return False


def is_torchelastic_launched() -> bool:
    """Whether ``torchrun`` started this process: no."""
    return False


def init_process_group(*args: Any, **kwargs: Any) -> NoReturn:
    """Refuse: lampas has no process groups.

    Raises:
        NotImplementedError: always.
    """
    raise AbsentNameError(
        "torch.distributed.init_process_group: lampas trains in one process; run the "
        "program without it (is_available() is False), not under torchrun"
    )


def _no_group(*args: Any, **kwargs: Any) -> NoReturn:
    """Refuse, as PyTorch does before ``init_process_group``.

    Raises:
        ValueError: always.
    """
    raise ArgumentError(
        "Default process group has not been initialized, and lampas has none: ask "
        "torch.distributed.is_initialized(), which is False, before"
    )


all_gather = all_gather_into_tensor = all_gather_object = all_reduce = _no_group
barrier = broadcast = broadcast_object_list = destroy_process_group = _no_group
gather = get_backend = get_rank = get_world_size = new_group = _no_group
recv = reduce = reduce_scatter = scatter = send = _no_group
