"""How much memory is free: of the host, of the process, of a card."""

from __future__ import annotations

from pathlib import Path

from lampas.backend import cupy as cupy_backend

try:
    import resource
except ImportError:  # Windows has no limits of this kind
    resource = None  # type: ignore[assignment]

__all__ = ["free_memory"]

# The limit of a container, and what it uses, in both forms that Linux has had.
_GROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)


def _number(path: str) -> int | None:
    """The number that a file of the system holds; None if it holds none."""
    try:
        return int(Path(path).read_text("ascii"))
    except (OSError, ValueError):
        return None


def _available() -> int | None:
    """What the host can give without swapping."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(found[0]) * 1024 if found else None


def _left_to_group() -> int | None:
    for limit, used in _GROUPS:
        most, now = _number(limit), _number(used)
        if most is not None and now is not None:
            return max(0, most - now)
    return None


def _left_to_process() -> int | None:
    """What the limit of the process's addresses leaves."""
    if resource is None:
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return None
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except OSError:
        return None
    return max(0, limit - pages * resource.getpagesize())


def free_memory(device: str = "cpu") -> list[str]:
    """What is free, each amount in words; what the system doesn't tell is left out.

    Args:
        device: ``"cpu"`` or ``"cuda"``, of which the card in use is meant.
    """
    if device == "cuda":
        free, total = cupy_backend.namespace().cuda.runtime.memGetInfo()
        return [f"{free:,} of the card's {total:,} bytes"]
    amounts = (
        ("{:,} bytes of the host", _available()),
        ("{:,} under the limit of its control group", _left_to_group()),
        ("{:,} under the process's own limit (ulimit -v)", _left_to_process()),
    )
    # A group without a limit says a number beyond all memory.
    return [t.format(n) for t, n in amounts if n is not None and n < 2**60]
