"""Recurrent layers: RNN, LSTM, GRU."""

from __future__ import annotations

import math
import warnings
from typing import Any

from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, ArgumentTypeError, ShapeError
from lampas.nn import init
from lampas.nn.functional import dropout
from lampas.nn.module import Module
from lampas.nn.parameter import Parameter
from lampas.nn.utils.rnn import (
    PackedSequence,
    pack_padded_sequence,
    pad_packed_sequence,
)
from lampas.ops.create import empty, zeros
from lampas.ops.join import cat, stack
from lampas.ops.recurrent import GATES, run_direction, run_lengths

__all__ = ["GRU", "LSTM", "RNN", "RNNBase"]


class RNNBase(Module):
    """What RNN, LSTM and GRU share: layers, directions, weights and their names.

    Weights are ``weight_ih_l0``, ``weight_hh_l0``, ``bias_ih_l0``, ``bias_hh_l0``
    (and ``weight_hr_l0`` with a projection), with ``_reverse`` behind them for the
    other direction, drawn from U(-1/sqrt(hidden_size), 1/sqrt(hidden_size)).

    Args:
        mode: ``"LSTM"``, ``"GRU"``, ``"RNN_TANH"`` or ``"RNN_RELU"``.
        input_size, hidden_size: features of input and state.
        num_layers: layers on top of each other.
        bias: whether there are biases.
        batch_first: inputs and outputs are (B, T, ...) instead of (T, B, ...).
        dropout: of the outputs of all layers but the last.
        bidirectional: run from both ends and join the outputs.
        proj_size: project the outputs to this size (LSTM only); 0 does not.

    Raises:
        ValueError: a size is not positive, or a probability not in [0, 1].
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _check_options(mode, hidden_size, num_layers, dropout, proj_size)
        self.mode = mode
        self.input_size, self.hidden_size = input_size, hidden_size
        self.num_layers, self.bias, self.batch_first = num_layers, bias, batch_first
        self.dropout, self.bidirectional = float(dropout), bidirectional
        self.proj_size = proj_size
        self._all_weights: list[list[str]] = []
        out = proj_size or hidden_size
        rows = GATES[mode] * hidden_size
        directions = 2 if bidirectional else 1
        for layer in range(num_layers):
            width = input_size if layer == 0 else out * directions
            shapes: dict[str, tuple[int, ...]]
            shapes = {"weight_ih": (rows, width), "weight_hh": (rows, out)}
            if bias:
                shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
            if proj_size:
                shapes["weight_hr"] = (proj_size, hidden_size)
            for direction in range(directions):
                suffix = f"_l{layer}" + ("_reverse" if direction else "")
                for name, shape in shapes.items():
                    weight = Parameter(empty(shape, device=device, dtype=dtype))
                    setattr(self, name + suffix, weight)
                self._all_weights.append([name + suffix for name in shapes])
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The weights of each layer and direction."""
        return [[getattr(self, n) for n in names] for names in self._all_weights]

    def flatten_parameters(self) -> None:
        """Accepted for PyTorch's sake: weights need no common memory here."""

    def extra_repr(self) -> str:
        """The options that are not the default, as in PyTorch."""
        parts = [f"{self.input_size}, {self.hidden_size}"]
        if self.proj_size:
            parts.append(f"proj_size={self.proj_size}")
        if self.num_layers != 1:
            parts.append(f"num_layers={self.num_layers}")
        if not self.bias:
            parts.append(f"bias={self.bias}")
        if self.batch_first:
            parts.append(f"batch_first={self.batch_first}")
        if self.dropout:
            parts.append(f"dropout={self.dropout}")
        if self.bidirectional:
            parts.append(f"bidirectional={self.bidirectional}")
        return ", ".join(parts)

    def _run(
        self, input: Any, h0: Tensor | None, c0: Tensor | None
    ) -> tuple[Any, Tensor, Tensor]:
        """Outputs and the last states, for input with or without a batch, or packed."""
        if isinstance(input, PackedSequence):
            return self._run_packed(input, h0, c0)
        if input.ndim not in (2, 3):
            raise ShapeError(
                f"{type(self).__name__}: input must have 2 or 3 dimensions, got shape "
                f"{tuple(input.shape)}"
            )
        if input.shape[-1] != self.input_size:
            raise ShapeError(
                f"{type(self).__name__}: input's last dimension must be input_size "
                f"{self.input_size}, got shape {tuple(input.shape)}"
            )
        batched = input.ndim == 3
        x = input if batched else input.unsqueeze(1)
        if batched and self.batch_first:
            x = x.transpose(0, 1)
        if not len(x):
            raise ShapeError(
                f"{type(self).__name__}: input must have at least one step, got shape "
                f"{tuple(input.shape)}"
            )
        out = self.proj_size or self.hidden_size
        h0 = self._state("h_0", h0, x, out, batched)
        c0 = self._state("c_0", c0, x, self.hidden_size, batched)
        y, h, c = self._layers(x, h0, c0)
        if not batched:
            return y.squeeze(1), h.squeeze(1), c.squeeze(1)
        return (y.transpose(0, 1) if self.batch_first else y), h, c

    def _run_packed(
        self, packed: PackedSequence, h0: Tensor | None, c0: Tensor | None
    ) -> tuple[PackedSequence, Tensor, Tensor]:
        """Outputs and the last states, for packed sequences."""
        if packed.data.ndim != 2 or packed.data.shape[-1] != self.input_size:
            raise ShapeError(
                f"{type(self).__name__}: packed data must be (steps, input_size "
                f"{self.input_size}), got shape {tuple(packed.data.shape)}"
            )
        # In the packed order, sorted by length.
        x, lengths = pad_packed_sequence(PackedSequence(*packed[:2]))
        out = self.proj_size or self.hidden_size
        order, back = packed.sorted_indices, packed.unsorted_indices
        h0 = _in_order(self._state("h_0", h0, x, out, True), order)
        c0 = _in_order(self._state("c_0", c0, x, self.hidden_size, True), order)
        y, h, c = self._layers(x, h0, c0, lengths.numpy())
        data = pack_padded_sequence(y, lengths).data
        result = PackedSequence(data, *packed[1:])
        return result, _in_order(h, back), _in_order(c, back)

    def _state(
        self, name: str, state: Tensor | None, x: Tensor, size: int, batched: bool
    ) -> Tensor:
        shape = (len(self._all_weights), x.shape[1], size)
        if state is None:
            return zeros(shape, dtype=x.dtype, device=x.device)
        given = state if batched else state.unsqueeze(1)
        if tuple(given.shape) != shape:
            raise ShapeError(
                f"{type(self).__name__}: {name} must have shape {shape}, got "
                f"{tuple(state.shape)}"
            )
        return given

    def _layers(
        self, x: Tensor, h0: Tensor, c0: Tensor, lengths: Any = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        directions = 2 if self.bidirectional else 1
        weights = self.all_weights
        last_h, last_c = [], []
        for layer in range(self.num_layers):
            outputs = []
            for direction in range(directions):
                k = layer * directions + direction
                cell = c0[k] if self.mode == "LSTM" else None
                part = (self.mode, x, h0[k], cell, weights[k])
                how: dict[str, Any] = {"bias": self.bias, "reverse": bool(direction)}
                if lengths is None:
                    y, h, c = run_direction(*part, **how)
                else:
                    y, h, c = run_lengths(*part, lengths, **how)
                outputs.append(y)
                last_h.append(h)
                last_c.append(c)
            x = outputs[0] if directions == 1 else cat(outputs, 2)
            if self.dropout and layer < self.num_layers - 1:
                x = dropout(x, self.dropout, self.training)
        return x, stack(last_h), stack(last_c)


def _in_order(states: Tensor, order: Tensor | None) -> Tensor:
    """The states (layers, B, ...) of sequences in another order."""
    return states if order is None else states.index_select(1, order)


def _check_options(
    mode: str, hidden_size: int, num_layers: int, dropout: float, proj_size: int
) -> None:
    if not isinstance(hidden_size, int):
        raise ArgumentTypeError(f"hidden_size must be an int, got {hidden_size!r}")
    if hidden_size <= 0 or num_layers <= 0:
        raise ArgumentError(
            "hidden_size and num_layers must be positive, got "
            f"{hidden_size} and {num_layers}"
        )
    if isinstance(dropout, bool) or not 0 <= dropout <= 1:
        raise ArgumentError(f"dropout must be a number in [0, 1], got {dropout}")
    if proj_size < 0 or proj_size >= hidden_size or (proj_size and mode != "LSTM"):
        raise ArgumentError(
            f"proj_size must be in [0, hidden_size) and is for LSTM, got {proj_size}"
        )
    if dropout > 0 and num_layers == 1:
        warnings.warn(
            f"dropout={dropout} has no effect with num_layers=1: it is applied "
            "between layers",
            UserWarning,
            stacklevel=4,
        )


class RNN(RNNBase):
    """Elman network: ``h' = tanh(W_ih x + b_ih + W_hh h + b_hh)`` (or relu).

    Args:
        input_size, hidden_size, num_layers: sizes.
        nonlinearity: ``"tanh"`` or ``"relu"``.
        **options: as for :class:`RNNBase`.

    Shapes:
        input (T, B, input_size), h_0 (layers * directions, B, hidden_size); output
        (T, B, directions * hidden_size), h_n as h_0. B may be left out. A
        :class:`~lampas.nn.utils.rnn.PackedSequence` gives a packed output.

    >>> import lampas
    >>> y, h = lampas.nn.RNN(3, 4)(lampas.zeros(5, 2, 3))
    >>> y.shape, h.shape
    (lampas.Size([5, 2, 4]), lampas.Size([1, 2, 4]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        *args: Any,
        **options: Any,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ArgumentError(
                f"nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}"
            )
        mode = f"RNN_{nonlinearity.upper()}"
        super().__init__(mode, input_size, hidden_size, num_layers, *args, **options)
        self.nonlinearity = nonlinearity

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        """Outputs of the last layer at all steps, and the last state of each layer."""
        y, h, _ = self._run(input, hx, None)
        return y, h


class GRU(RNNBase):
    """Gated recurrent unit (Cho et al. 2014), in PyTorch's form.

    ``r, z = sigmoid(W_i x + b_i + W_h h + b_h)``,
    ``n = tanh(W_in x + b_in + r * (W_hn h + b_hn))``, ``h' = (1 - z) * n + z * h``.

    Args:
        input_size, hidden_size, num_layers: sizes.
        **options: as for :class:`RNNBase`.

    Shapes:
        as for :class:`RNN`.

    >>> import lampas
    >>> y, h = lampas.nn.GRU(3, 4)(lampas.zeros(5, 2, 3))
    >>> y.shape
    lampas.Size([5, 2, 4])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *args: Any,
        **options: Any,
    ) -> None:
        super().__init__("GRU", input_size, hidden_size, num_layers, *args, **options)

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        """Outputs of the last layer at all steps, and the last state of each layer."""
        y, h, _ = self._run(input, hx, None)
        return y, h


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter and Schmidhuber 1997).

    ``i, f, o = sigmoid(W x + b + W_h h + b_h)``, ``g = tanh(...)``,
    ``c' = f * c + i * g``, ``h' = o * tanh(c')``, projected if ``proj_size``.

    Args:
        input_size, hidden_size, num_layers: sizes.
        **options: as for :class:`RNNBase`.

    Shapes:
        as for :class:`RNN`; the state is a pair (h, c), and with a projection h has
        ``proj_size`` features.

    >>> import lampas
    >>> y, (h, c) = lampas.nn.LSTM(3, 4)(lampas.zeros(5, 2, 3))
    >>> y.shape, c.shape
    (lampas.Size([5, 2, 4]), lampas.Size([1, 2, 4]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *args: Any,
        **options: Any,
    ) -> None:
        super().__init__("LSTM", input_size, hidden_size, num_layers, *args, **options)

    def forward(
        self, input: Any, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Any, tuple[Tensor, Tensor]]:
        """Outputs of the last layer at all steps, and the last (h, c) of each layer."""
        h0, c0 = (None, None) if hx is None else hx
        y, h, c = self._run(input, h0, c0)
        return y, (h, c)
