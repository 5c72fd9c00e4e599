"""A small convolutional network that tells which word is in a short recording.

Read it in the order block, network, builder. Bands are channels, so convolutions run
over time only: a band's height in the spectrum tells vowels apart and must not be
averaged away.
"""

from __future__ import annotations

from collections.abc import Sequence

import lampas
from lampas import Tensor, nn
from lampas.errors import ShapeError
from lampas_audio.transforms import FixedLength, LogMelSpectrogram

__all__ = ["KeywordCNN", "block", "keyword_cnn", "keyword_features"]


def block(inputs: int, outputs: int, pool: bool) -> nn.Sequential:
    """Convolution over five frames, norm, ReLU; half as many frames if pooled."""
    layers = [
        nn.Conv1d(inputs, outputs, 5, padding=2, bias=False),
        nn.BatchNorm1d(outputs),
        nn.ReLU(),
    ]
    return nn.Sequential(*layers, *([nn.MaxPool1d(2)] if pool else []))


class KeywordCNN(nn.Module):
    """Three blocks over time, the largest value of each channel, and a linear layer.

    Args:
        num_classes: words to tell apart.
        n_mels: bands of the input.
        widths: channels of the blocks.
        dropout: probability that a feature is dropped in training.

    >>> import lampas
    >>> KeywordCNN(num_classes=10, n_mels=40)(lampas.zeros(2, 40, 63)).shape
    lampas.Size([2, 10])
    """

    def __init__(
        self,
        num_classes: int = 10,
        n_mels: int = 40,
        widths: Sequence[int] = (64, 64, 96),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.n_mels = n_mels
        # of the training data's bands; they travel with the weights
        self.register_buffer("mean", lampas.zeros(()))
        self.register_buffer("deviation", lampas.ones(()))
        sizes = (n_mels, *widths)
        last = len(widths) - 1
        self.features = nn.Sequential(
            *(block(sizes[i], sizes[i + 1], i < last) for i in range(len(widths)))
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(sizes[-1], num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map logarithmic mel bands ``(batch, n_mels, frames)`` to scores."""
        if x.ndim != 3 or x.shape[1] != self.n_mels:
            raise ShapeError(
                f"KeywordCNN: expected (batch, {self.n_mels}, frames), "
                f"got {tuple(x.shape)}"
            )
        x = self.features((x - self.mean) / self.deviation)
        return self.head(self.dropout(x.amax(dim=2)))


def keyword_features(
    sample_rate: int = 8000, seconds: float = 1.0, n_mels: int = 40
) -> nn.Sequential:
    """What makes the input: ``(..., time)`` to ``(..., n_mels, frames)``.

    Args:
        sample_rate: of the recordings, in hertz.
        seconds: length to which they are cut or padded.
        n_mels: bands.

    >>> import lampas
    >>> keyword_features()(lampas.zeros(3000)).shape
    lampas.Size([40, 63])
    """
    return nn.Sequential(
        FixedLength(round(sample_rate * seconds)),
        LogMelSpectrogram(
            sample_rate,
            offset=1e-5,
            n_fft=256,
            hop_length=128,
            f_min=20.0,
            n_mels=n_mels,
        ),
    )


def keyword_cnn(num_classes: int = 10, n_mels: int = 40) -> KeywordCNN:
    """The network of the recipe ``keyword``, 65 thousand parameters."""
    return KeywordCNN(num_classes, n_mels)
