"""Finding the operation whose gradient is NaN, and the line that called it."""

from __future__ import annotations

from lampas.engine.modes import anomaly
from lampas.engine.watch import watch_anomaly

__all__ = ["detect_anomaly", "set_detect_anomaly"]


class set_detect_anomaly:
    """Switch anomaly detection: from here on, or as a context manager.

    While it is on, each operation remembers the line that called it; a gradient that
    has NaN then raises an error that names the operation and that line, and any other
    error of the backward pass names them too. It costs much: use it to find a fault.

    Args:
        mode: on or off.
        check_nan: search gradients for NaN.

    >>> import lampas
    >>> with lampas.autograd.set_detect_anomaly(False):
    ...     pass
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = (anomaly.on, anomaly.check_nan)
        watch_anomaly(bool(mode), bool(check_nan))

    def __enter__(self) -> None:
        """Everything was set when this was made."""

    def __exit__(self, *exc: object) -> None:
        watch_anomaly(*self._before)


class detect_anomaly:
    """Context manager: anomaly detection for the forward and backward inside.

    Args:
        check_nan: search gradients for NaN.

    Raises:
        RuntimeError: on a backward pass inside, if a gradient has NaN.

    >>> import lampas
    >>> x = lampas.zeros(1, requires_grad=True)
    >>> with detect_anomaly():
    ...     y = (x / x).sum()
    ...     try:
    ...         y.backward()
    ...     except RuntimeError as error:
    ...         print(str(error).splitlines()[0].partition(";")[0])
    DivBackward0 returned nan values for its input 1
    """

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan
        self._before = [(False, True)]

    def __enter__(self) -> None:
        self._before.append((anomaly.on, anomaly.check_nan))
        watch_anomaly(True, self.check_nan)

    def __exit__(self, *exc: object) -> None:
        watch_anomaly(*self._before.pop())
