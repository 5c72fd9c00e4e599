"""Fourier transforms of real numbers, and of spectra that are real.

The spectrum of real numbers is its own conjugate mirror image, so half of it is enough.
The ``h`` transforms change the sides: there the input is the half of such numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

from lampas.engine.autocast import computes_in
from lampas.engine.tensor import Tensor
from lampas.ops.fourier import from_half, to_half
from lampas.ops.unary import conj

__all__ = [
    "hfft",
    "hfft2",
    "hfftn",
    "ihfft",
    "ihfft2",
    "ihfftn",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftn",
]


@computes_in("float")
def rfft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None
) -> Tensor:
    """The first half of the Fourier transform of real numbers.

    Args:
        input: any shape, real. float16 and bfloat16 are refused.
        n, dim, norm: as for :func:`lampas.fft.fft`.

    Returns:
        complex64 or complex128, the input's shape with size ``n // 2 + 1`` at ``dim``.

    Raises:
        RuntimeError: the input is complex or of half precision, ``n`` is less than 1
            or ``norm`` unknown.

    >>> lampas.fft.rfft(lampas.tensor([1.0, 2.0, 3.0, 4.0]))
    tensor([10.+0.j, -2.+2.j, -2.+0.j])
    """
    return to_half("rfft", input, n, dim, norm)


@computes_in("float")
def irfft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None
) -> Tensor:
    """The inverse of :func:`rfft`: real numbers from the first half of their spectrum.

    Args:
        input: any shape; the imaginary part of the first entry, and for even n of the
            last, is taken for 0.
        n: how many numbers to give; ``2 * (size - 1)`` by default.
        dim, norm: as for :func:`lampas.fft.ifft`.

    Returns:
        float32 or float64, the input's shape with size n at ``dim``.

    >>> lampas.fft.irfft(lampas.tensor([10.0, -2 + 2j, -2.0]))
    tensor([1., 2., 3., 4.])
    """
    return from_half("irfft", input, n, dim, norm)


@computes_in("float")
def rfft2(
    input: Tensor,
    s: Sequence[int] | None = None,
    dim: Sequence[int] | None = (-2, -1),
    norm: str | None = None,
) -> Tensor:
    """:func:`rfftn` over two dimensions, by default the last.

    >>> lampas.fft.rfft2(lampas.ones(2, 2))
    tensor([[4.+0.j, 0.+0.j],
            [0.+0.j, 0.+0.j]])
    """
    return to_half("rfft2", input, s, dim, norm)


@computes_in("float")
def irfft2(
    input: Tensor,
    s: Sequence[int] | None = None,
    dim: Sequence[int] | None = (-2, -1),
    norm: str | None = None,
) -> Tensor:
    """:func:`irfftn` over two dimensions, by default the last.

    >>> lampas.fft.irfft2(lampas.tensor([[4 + 0j, 0], [0, 0]]))
    tensor([[1., 1.],
            [1., 1.]])
    """
    return from_half("irfft2", input, s, dim, norm)


@computes_in("float")
def rfftn(
    input: Tensor,
    s: int | Sequence[int] | None = None,
    dim: int | Sequence[int] | None = None,
    norm: str | None = None,
) -> Tensor:
    """Half of the Fourier transform of real numbers over several dimensions.

    The last of ``dim`` is halved, as by :func:`rfft`.

    Args:
        input: any shape, real.
        s, dim, norm: as for :func:`lampas.fft.fftn`; at least one dimension.

    >>> lampas.fft.rfftn(lampas.ones(2, 2)).shape
    lampas.Size([2, 2])
    """
    return to_half("rfftn", input, s, dim, norm)


@computes_in("float")
def irfftn(
    input: Tensor,
    s: int | Sequence[int] | None = None,
    dim: int | Sequence[int] | None = None,
    norm: str | None = None,
) -> Tensor:
    """The inverse of :func:`rfftn`.

    Args:
        input: any shape.
        s: sizes of the result; of the last dimension ``2 * (size - 1)`` by default.
        dim, norm: as for :func:`lampas.fft.ifftn`; at least one dimension.

    >>> lampas.fft.irfftn(lampas.fft.rfftn(lampas.ones(2, 3)), s=(2, 3))
    tensor([[1., 1., 1.],
            [1., 1., 1.]])
    """
    return from_half("irfftn", input, s, dim, norm)


@computes_in("float")
def hfft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None
) -> Tensor:
    """The real Fourier transform of numbers of which the first half is given.

    The other half is the conjugate mirror image.

    Args:
        input: any shape.
        n: how many numbers to give; ``2 * (size - 1)`` by default.
        dim, norm: as for :func:`lampas.fft.fft`.

    >>> lampas.fft.hfft(lampas.tensor([1.0, 2.0, 3.0]))
    tensor([ 8., -2.,  0., -2.])
    """
    return from_half("hfft", conj(input), n, dim, norm, across=True)


@computes_in("float")
def ihfft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None
) -> Tensor:
    """The inverse of :func:`hfft`: half of the numbers whose transform is real.

    Args:
        input: any shape, real.
        n, dim, norm: as for :func:`lampas.fft.ifft`.

    >>> lampas.fft.ihfft(lampas.tensor([8.0, -2.0, 0.0, -2.0]))
    tensor([1.-0.j, 2.-0.j, 3.-0.j])
    """
    return conj(to_half("ihfft", input, n, dim, norm, across=True))


def hfft2(
    input: Tensor,
    s: Sequence[int] | None = None,
    dim: Sequence[int] | None = (-2, -1),
    norm: str | None = None,
) -> Tensor:
    """:func:`hfftn` over two dimensions, by default the last.

    >>> lampas.fft.hfft2(lampas.ones(1, 2))
    tensor([[2., 0.]])
    """
    return from_half("hfft2", conj(input), s, dim, norm, across=True)


def ihfft2(
    input: Tensor,
    s: Sequence[int] | None = None,
    dim: Sequence[int] | None = (-2, -1),
    norm: str | None = None,
) -> Tensor:
    """:func:`ihfftn` over two dimensions, by default the last.

    >>> lampas.fft.ihfft2(lampas.tensor([[2.0, 0.0]]))
    tensor([[1.-0.j, 1.-0.j]])
    """
    return conj(to_half("ihfft2", input, s, dim, norm, across=True))


def hfftn(
    input: Tensor,
    s: int | Sequence[int] | None = None,
    dim: int | Sequence[int] | None = None,
    norm: str | None = None,
) -> Tensor:
    """:func:`hfft` over the last of several dimensions, after ``fft`` over the others.

    Args:
        input: any shape.
        s: sizes of the result; of the last dimension ``2 * (size - 1)`` by default.
        dim, norm: as for :func:`lampas.fft.fftn`; at least one dimension.

    >>> lampas.fft.hfftn(lampas.ones(1, 2))
    tensor([[2., 0.]])
    """
    return from_half("hfftn", conj(input), s, dim, norm, across=True)


def ihfftn(
    input: Tensor,
    s: int | Sequence[int] | None = None,
    dim: int | Sequence[int] | None = None,
    norm: str | None = None,
) -> Tensor:
    """The inverse of :func:`hfftn`.

    Args:
        input: any shape, real.
        s, dim, norm: as for :func:`lampas.fft.ifftn`; at least one dimension.

    >>> lampas.fft.ihfftn(lampas.tensor([[2.0, 0.0]]))
    tensor([[1.-0.j, 1.-0.j]])
    """
    return conj(to_half("ihfftn", input, s, dim, norm, across=True))
