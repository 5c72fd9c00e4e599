"""Fourier transforms of complex numbers."""

from __future__ import annotations

from collections.abc import Sequence

from lampas.engine.autocast import computes_in
from lampas.engine.tensor import Tensor
from lampas.ops.fourier import transformed

__all__ = ["fft", "fft2", "fftn", "ifft", "ifft2", "ifftn"]


@computes_in("float")
def fft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None
) -> Tensor:
    """The discrete Fourier transform: ``y[k] = sum_j x[j] exp(-2 pi i j k / n)``.

    Args:
        input: any shape; real numbers become complex. float16 and bfloat16 are refused.
        n: how many entries to transform: the input is cut off or filled up with zeros.
        dim: the dimension.
        norm: ``"forward"`` divides by n, ``"ortho"`` by its root, ``"backward"`` (the
            default) by nothing.

    Returns:
        complex64 or complex128, the input's shape with size n at ``dim``.

    Raises:
        RuntimeError: ``n`` is less than 1, ``norm`` unknown, or half precision.
        IndexError: ``dim`` is out of range.

    >>> lampas.fft.fft(lampas.tensor([1.0, 2.0]))
    tensor([ 3.+0.j, -1.+0.j])
    """
    return transformed("fft", input, n, dim, norm, inverse=False)


@computes_in("float")
def ifft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None
) -> Tensor:
    """The inverse of :func:`fft`: ``y[k] = sum_j x[j] exp(2 pi i j k / n) / n``.

    Args:
        input, n, dim: as for :func:`fft`.
        norm: ``"backward"`` (the default) divides by n, ``"ortho"`` by its root,
            ``"forward"`` by nothing.

    >>> lampas.fft.ifft(lampas.tensor([3.0, -1.0]))
    tensor([1.+0.j, 2.+0.j])
    """
    return transformed("ifft", input, n, dim, norm, inverse=True)


@computes_in("float")
def fft2(
    input: Tensor,
    s: Sequence[int] | None = None,
    dim: Sequence[int] | None = (-2, -1),
    norm: str | None = None,
) -> Tensor:
    """:func:`fftn` over two dimensions, by default the last.

    >>> lampas.fft.fft2(lampas.ones(2, 2))
    tensor([[4.+0.j, 0.+0.j],
            [0.+0.j, 0.+0.j]])
    """
    return transformed("fft2", input, s, dim, norm, inverse=False)


@computes_in("float")
def ifft2(
    input: Tensor,
    s: Sequence[int] | None = None,
    dim: Sequence[int] | None = (-2, -1),
    norm: str | None = None,
) -> Tensor:
    """:func:`ifftn` over two dimensions, by default the last.

    >>> lampas.fft.ifft2(lampas.ones(2, 2))
    tensor([[1.+0.j, 0.+0.j],
            [0.+0.j, 0.+0.j]])
    """
    return transformed("ifft2", input, s, dim, norm, inverse=True)


@computes_in("float")
def fftn(
    input: Tensor,
    s: int | Sequence[int] | None = None,
    dim: int | Sequence[int] | None = None,
    norm: str | None = None,
) -> Tensor:
    """The Fourier transform over several dimensions, one after the other.

    Args:
        input: any shape; real numbers become complex.
        s: how many entries to transform of each dimension: the input is cut off or
            filled up with zeros; -1 keeps a size.
        dim: the dimensions; by default the last ``len(s)``, or all.
        norm: as for :func:`fft`, with the product of the sizes for n.

    Raises:
        RuntimeError: ``s`` and ``dim`` do not fit, a size is less than 1, a dimension
            is named twice, ``norm`` is unknown, or half precision.
        IndexError: a dimension is out of range.

    >>> lampas.fft.fftn(lampas.ones(3), s=(2,))
    tensor([2.+0.j, 0.+0.j])
    """
    return transformed("fftn", input, s, dim, norm, inverse=False)


@computes_in("float")
def ifftn(
    input: Tensor,
    s: int | Sequence[int] | None = None,
    dim: int | Sequence[int] | None = None,
    norm: str | None = None,
) -> Tensor:
    """The inverse of :func:`fftn`; arguments as there, ``norm`` as for :func:`ifft`.

    >>> lampas.fft.ifftn(lampas.ones(2, 2))
    tensor([[1.+0.j, 0.+0.j],
            [0.+0.j, 0.+0.j]])
    """
    return transformed("ifftn", input, s, dim, norm, inverse=True)
