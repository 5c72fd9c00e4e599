"""Short-time Fourier transforms: spectra of a signal's overlapping pieces, and back."""

from __future__ import annotations

from lampas.engine.autocast import computes_in
from lampas.engine.record import RECORDS
from lampas.engine.tensor import Tensor, method
from lampas.errors import DTypeError, ShapeError
from lampas.ops.complex import view_as_real
from lampas.ops.create import ones
from lampas.ops.fourier_complex import fft, ifft
from lampas.ops.fourier_real import irfft, rfft
from lampas.ops.pad import pad
from lampas.ops.replace import unfold
from lampas.ops.shape import transpose

__all__ = ["istft", "stft"]


def _lengths(
    name: str, n_fft: int, hop_length: int | None, win_length: int | None
) -> tuple[int, int]:
    """The distance between pieces and the length of the window."""
    hop = n_fft // 4 if hop_length is None else hop_length
    win = n_fft if win_length is None else win_length
    if n_fft < 1:
        raise ShapeError(f"{name}: n_fft must be positive, got {n_fft}")
    if hop < 1:
        raise ShapeError(f"{name}: hop_length must be positive, got {hop}")
    if not 0 < win <= n_fft:
        raise ShapeError(f"{name}: win_length must be in [1, {n_fft}], got {win}")
    return hop, win


def _window(
    name: str, window: Tensor | None, win: int, n_fft: int, like: Tensor
) -> Tensor | None:
    """The window in the middle of ``n_fft`` places; None if it is 1 everywhere."""
    if window is None:
        if win == n_fft:
            return None
        window = ones(win, dtype=like.dtype.to_real(), device=like.device)
    if window._data.shape != (win,):
        raise ShapeError(
            f"{name}: window must have shape ({win},), that of win_length, got "
            f"{tuple(window.shape)}"
        )
    left = (n_fft - win) // 2
    return window if win == n_fft else pad(window, (left, n_fft - win - left))


@method()
@computes_in("float")
def stft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:
    """The Fourier transform of each of a signal's overlapping pieces.

    ``y[f, t] = sum_k window[k] x[t hop_length + k] exp(-2 pi i f k / n_fft)``

    Args:
        input: (L,) or (N, L), floating or complex.
        n_fft: the length of a piece.
        hop_length: from the start of one piece to the next; ``n_fft // 4`` by default.
        win_length: the length of the window, in the middle of the piece; ``n_fft`` by
            default.
        window: (win_length,); ones by default.
        center: fill up the signal at both ends, so that piece t has its middle at
            ``t * hop_length``.
        pad_mode: how: a mode of :func:`lampas.nn.functional.pad`.
        normalized: divide by the root of ``n_fft``.
        onesided: give only the frequencies up to half of ``n_fft``; by default if
            input and window are real.
        return_complex: False gives pairs of real numbers instead; must be said where
            input and window are real.
        align_to_window: without ``center``: piece t begins with its window at
            ``t * hop_length``, not with its zeros.

    Returns:
        (frequencies, pieces) complex, or (frequencies, pieces, 2); with N in front.

    Raises:
        RuntimeError: arguments that do not fit, each named.

    >>> lampas.stft(lampas.ones(8), 4, center=False, return_complex=True).shape
    lampas.Size([3, 5])
    """
    hop, win = _lengths("stft", n_fft, hop_length, win_length)
    both = input.is_complex() or (window is not None and window.is_complex())
    _check_signal(input, both, onesided, return_complex)
    weights = _window("stft", window, win, n_fft, input)
    if center and align_to_window is not None:
        raise ShapeError("stft: align_to_window is only for center=False")
    if center:
        input = _padded(input, n_fft // 2, pad_mode)
    elif align_to_window:
        left = (n_fft - win) // 2
        input = pad(input, (left, n_fft - win - left))
    if input._data.shape[-1] < n_fft:
        raise ShapeError(
            f"stft: n_fft must be at most the signal's length {input._data.shape[-1]}, "
            f"got {n_fft}"
        )
    pieces = unfold(input, -1, n_fft, hop)
    if weights is not None:
        pieces = pieces * weights
    one = not both if onesided is None else onesided
    norm = "ortho" if normalized else None
    spectra = rfft(pieces, norm=norm) if one else fft(pieces, norm=norm)
    result = transpose(spectra, -2, -1)
    return view_as_real(result) if return_complex is False else result


def _check_signal(
    input: Tensor, both: bool, onesided: bool | None, return_complex: bool | None
) -> None:
    if input._data.ndim not in (1, 2) or not input._data.shape[-1]:
        raise ShapeError(
            f"stft: input must be (L,) or (N, L), not empty, got {tuple(input.shape)}"
        )
    if input.dtype.category < 2:
        raise DTypeError(f"stft: input must be floating or complex, got {input.dtype}")
    if both and onesided:
        raise DTypeError("stft: onesided needs a real input and a real window")
    if return_complex is None and not both:
        raise DTypeError(
            "stft: return_complex must be given for real inputs; True gives complex "
            "numbers, False pairs of real ones"
        )


def _padded(input: Tensor, size: int, mode: str) -> Tensor:
    """The signal with ``size`` more at both ends, under three dimensions as it asks."""
    shape = input._data.shape
    wide = pad(input.reshape(*(1,) * (3 - len(shape)), *shape), (size, size), mode)  # type: ignore[attr-defined]
    return wide.reshape(*shape[:-1], wide._data.shape[-1])  # type: ignore[attr-defined]


# A sum of squared windows below this is taken for none.
_NOTHING = 1e-11


@method()
@computes_in("float")
def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """The signal of which these are the spectra: the inverse of :func:`stft`.

    The pieces are weighted with the window again, added where they overlap, and
    divided by what the squared windows add up to: the least squares solution.

    Args:
        input: (frequencies, pieces) or (N, frequencies, pieces), complex.
        n_fft, hop_length, win_length, window, center, normalized: as for the
            :func:`stft` that made ``input``.
        onesided: the frequencies go up to half of ``n_fft`` only; by default if their
            number is not ``n_fft``.
        length: cut the signal off or fill it up with zeros to this length.
        return_complex: give complex numbers; needs all frequencies.

    Returns:
        (L,) or (N, L).

    Raises:
        RuntimeError: arguments that do not fit, each named, or a place that no window
            covers.

    >>> window = lampas.hann_window(4)
    >>> x = lampas.stft(lampas.arange(6.0), 4, window=window, return_complex=True)
    >>> lampas.istft(x, 4, window=window, length=6)
    tensor([0., 1., 2., 3., 4., 5.])
    """
    hop, win = _lengths("istft", n_fft, hop_length, win_length)
    _check_spectra(input, n_fft, hop, win, onesided, return_complex)
    weights = _window("istft", window, win, n_fft, input)
    if weights is not None and weights.is_complex() and not return_complex:
        raise DTypeError("istft: a complex window needs return_complex=True")
    spectra = transpose(input, -2, -1)
    if spectra._data.ndim == 2:
        spectra = spectra.unsqueeze(0)  # type: ignore[attr-defined]
    norm = "ortho" if normalized else None
    if return_complex:
        pieces = ifft(spectra, norm=norm)
    else:
        pieces = irfft(spectra, n_fft, norm=norm)
    if weights is None:
        weights = ones(n_fft, dtype=input.dtype.to_real(), device=input.device)
    count = pieces._data.shape[1]
    covered = _overlapped((weights * weights).expand(1, count, n_fft), hop)  # type: ignore[attr-defined]
    signal = _overlapped(pieces * weights, hop)
    signal = _divided(signal, covered, n_fft // 2 if center else 0, center, length)
    return signal if input._data.ndim == 3 else signal.squeeze(0)  # type: ignore[attr-defined]


def _check_spectra(
    input: Tensor,
    n_fft: int,
    hop: int,
    win: int,
    onesided: bool | None,
    return_complex: bool,
) -> None:
    shape = input._data.shape
    if not input.is_complex():
        raise DTypeError(
            f"istft: input must be complex, as stft(..., return_complex=True) gives, "
            f"got {input.dtype}"
        )
    if len(shape) not in (2, 3) or 0 in shape:
        raise ShapeError(
            "istft: input must be (frequencies, pieces) or (N, frequencies, pieces), "
            f"not empty, got {tuple(shape)}"
        )
    if hop > win:
        raise ShapeError(f"istft: hop_length must be in [1, {win}], got {hop}")
    one = shape[-2] != n_fft if onesided is None else onesided
    expected = n_fft // 2 + 1 if one else n_fft
    if shape[-2] != expected:
        raise ShapeError(
            f"istft: input must have {expected} frequencies for n_fft={n_fft} and "
            f"onesided={one}, got {shape[-2]}"
        )
    if return_complex and one:
        raise ShapeError("istft: return_complex=True needs all frequencies")


def _overlapped(pieces: Tensor, hop: int) -> Tensor:
    """Pieces (N, count, size) added up to a signal (N, L)."""
    n, count, size = pieces._data.shape
    shape = (n, (count - 1) * hop + size)
    fold = RECORDS["fold_windows"].call
    return fold(pieces, shape=shape, dim=1, size=size, step=hop)


def _divided(
    signal: Tensor, covered: Tensor, start: int, center: bool, length: int | None
) -> Tensor:
    """The asked part of the signal, by what the squared windows add up to there."""
    whole = signal._data.shape[1]
    if length is not None:
        end = start + length
    else:
        end = whole - start if center else whole
    stop = min(end, whole)
    if stop <= start:
        raise ShapeError(f"istft: no part of the signal is left, length is {length}")
    signal, covered = signal[:, start:stop], covered[:, start:stop]  # type: ignore[index]
    if bool((covered.abs() < _NOTHING).any()):  # type: ignore[attr-defined]
        raise ShapeError(
            "istft: the windows leave places uncovered; use center=True, a shorter "
            "hop_length, or a window that is not zero at its ends"
        )
    result = signal / covered
    return pad(result, (0, end - stop)) if end > stop else result
