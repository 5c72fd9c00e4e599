"""One step of a recurrent layer: RNNCell, LSTMCell, GRUCell."""

from __future__ import annotations

import math
from typing import Any

from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, ShapeError
from lampas.nn import init
from lampas.nn.module import Module
from lampas.nn.parameter import Parameter
from lampas.ops.create import empty, zeros
from lampas.ops.recurrent import GATES, run_cell

__all__ = ["GRUCell", "LSTMCell", "RNNCell"]


class RNNCellBase(Module):
    """One step of a recurrent layer, with weights of its own."""

    mode = ""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = GATES[self.mode] * hidden_size

        def make(*shape: int) -> Tensor:
            return Parameter(empty(shape, device=device, dtype=dtype))

        self.weight_ih = make(rows, input_size)
        self.weight_hh = make(rows, hidden_size)
        self.bias_ih = make(rows) if bias else None
        self.bias_hh = make(rows) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights from U(-1/sqrt(hidden_size), 1/sqrt(hidden_size))."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def extra_repr(self) -> str:
        """The sizes, as in PyTorch."""
        bias = "" if self.bias else ", bias=False"
        return f"{self.input_size}, {self.hidden_size}{bias}"

    def _step(
        self, input: Tensor, h: Tensor | None, c: Tensor | None, mode: str
    ) -> tuple[Tensor, Tensor]:
        if input.ndim not in (1, 2) or input.shape[-1] != self.input_size:
            raise ShapeError(
                f"{type(self).__name__}: input must be (B, {self.input_size}) or "
                f"({self.input_size},), got shape {tuple(input.shape)}"
            )
        batched = input.ndim == 2
        x = input if batched else input.unsqueeze(0)
        states = []
        for state in (h, c):
            if state is None:
                size = (x.shape[0], self.hidden_size)
                state = zeros(size, dtype=x.dtype, device=x.device)
            elif not batched:
                state = state.unsqueeze(0)
            if tuple(state.shape) != (x.shape[0], self.hidden_size):
                raise ShapeError(
                    f"{type(self).__name__}: the state must have shape "
                    f"{(x.shape[0], self.hidden_size)}, got {tuple(state.shape)}"
                )
            states.append(state)
        weights = [self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh]
        h, c = run_cell(mode, x, states[0], states[1], weights)
        return (h, c) if batched else (h.squeeze(0), c.squeeze(0))


class RNNCell(RNNCellBase):
    """One step of :class:`RNN`, on (B, input_size) or (input_size,).

    >>> import lampas
    >>> lampas.nn.RNNCell(3, 4)(lampas.zeros(2, 3)).shape
    lampas.Size([2, 4])
    """

    mode = "RNN_TANH"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ArgumentError(
                f"nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}"
            )
        super().__init__(input_size, hidden_size, bias, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The next state."""
        return self._step(input, hx, None, f"RNN_{self.nonlinearity.upper()}")[0]


class GRUCell(RNNCellBase):
    """One step of :class:`GRU`, on (B, input_size) or (input_size,).

    >>> import lampas
    >>> lampas.nn.GRUCell(3, 4)(lampas.zeros(2, 3)).shape
    lampas.Size([2, 4])
    """

    mode = "GRU"

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The next state."""
        return self._step(input, hx, None, self.mode)[0]


class LSTMCell(RNNCellBase):
    """One step of :class:`LSTM`, on (B, input_size) or (input_size,).

    >>> import lampas
    >>> h, c = lampas.nn.LSTMCell(3, 4)(lampas.zeros(2, 3))
    >>> c.shape
    lampas.Size([2, 4])
    """

    mode = "LSTM"

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """The next state (h, c)."""
        h, c = (None, None) if hx is None else hx
        return self._step(input, h, c, self.mode)
