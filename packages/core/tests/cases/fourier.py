"""Cases of the Fourier transforms; oracles are the sums of the definition.

Inputs and results are real: complex ones go in and come out as two parts.
"""

from __future__ import annotations

import math

import numpy as np
from case import Case, Via, normal

import lampas

WIDE = ("float64", "float32")
INVERSE = {"backward": "forward", "forward": "backward", "ortho": "ortho"}


def waves(n, sign):
    k = np.arange(n)
    return np.exp(sign * 2j * np.pi * np.outer(k, k) / n)


def sized(x, n, dim):
    """``x`` with size n at ``dim``, cut off or filled up with zeros."""
    moved = np.moveaxis(x, dim, 0)
    out = np.zeros((n, *moved.shape[1:]), np.complex128)
    kept = min(n, len(moved))
    out[:kept] = moved[:kept]
    return np.moveaxis(out, 0, dim)


def transform(x, n, dim, norm, sign):
    n = x.shape[dim] if n is None else n
    out = np.moveaxis(np.moveaxis(sized(x, n, dim), dim, -1) @ waves(n, sign), -1, dim)
    backward = norm if sign < 0 else INVERSE[norm]
    return out / {"backward": 1, "forward": n, "ortho": math.sqrt(n)}[backward]


def several(x, s, dims, norm, sign):
    for i, dim in enumerate(dims):
        x = transform(x, None if s is None else s[i], dim, norm, sign)
    return x


def whole(x, n, dim):
    """The n numbers of which the first half is given, the rest their mirror image."""
    half = np.moveaxis(sized(x, n // 2 + 1, dim), dim, 0).copy()
    half[0] = half[0].real
    if n % 2 == 0:
        half[-1] = half[-1].real
    out = [half[k] if k <= n // 2 else half[n - k].conj() for k in range(n)]
    return np.moveaxis(np.array(out), 0, dim)


def halved(x, dim):
    return np.moveaxis(np.moveaxis(x, dim, 0)[: x.shape[dim] // 2 + 1], 0, dim)


def pairs(z):
    return np.stack([z.real, z.imag], axis=-1)


def complex_transform(sign):
    def oracle(re, im, n=None, dim=-1, norm="backward"):
        return pairs(transform(re + 1j * im, n, dim, norm, sign))

    return oracle


def complex_transforms(sign):
    def oracle(re, im, s=None, dim=None, norm="backward"):
        first = re.ndim - (re.ndim if s is None else len(s))
        dims = range(first, re.ndim) if dim is None else dim
        return pairs(several(re + 1j * im, s, dims, norm, sign))

    return oracle


def real_transforms(sign):
    """Of real numbers, halved; an integer dim is one dimension."""

    def oracle(x, n=None, s=None, dim=-1, norm="backward"):
        dims = (dim,) if isinstance(dim, int) else dim
        sizes = s if n is None else (n,)
        return pairs(halved(several(x, sizes, dims, norm, sign), dims[-1]))

    return oracle


def back_transforms(sign):
    """To real numbers; the last dimension is given by half."""

    def oracle(re, im, n=None, s=None, dim=-1, norm="backward"):
        dims = (dim,) if isinstance(dim, int) else dim
        z = re + 1j * im
        n = (2 * z.shape[dims[-1]] - 2 if n is None else n) if s is None else s[-1]
        z = several(z, None if s is None else s[:-1], dims[:-1], norm, sign)
        return transform(whole(z, n, dims[-1]), n, dims[-1], norm, sign).real

    return oracle


def joined(op, re, im, **params):
    out = op(lampas.complex(re, im), **params)
    return lampas.view_as_real(out) if out.is_complex() else out


def paired(op, x, **params):
    return lampas.view_as_real(op(x, **params))


def of_complex(name, oracle, *shapes, **params):
    inputs = normal(*(shape for shape in shapes for _ in range(2)))
    return Via("fft." + name, inputs, oracle, params, dtypes=WIDE, call=joined)


def of_real(name, oracle, shape, **params):
    inputs = normal(shape)
    return Via("fft." + name, inputs, oracle, params, dtypes=WIDE, call=paired)


FORTH, BACK = complex_transform(-1), complex_transform(1)

CASES = [
    of_complex("fft", FORTH, (3, 5)),
    of_complex("fft", FORTH, (5, 3), n=4, dim=0, norm="ortho"),
    of_complex("fft", FORTH, (4,), n=6, norm="forward"),
    of_complex("ifft", BACK, (3, 5)),
    of_complex("ifft", BACK, (4,), n=6, norm="forward"),
    of_complex("fft2", complex_transforms(-1), (3, 4), s=(4, 3), dim=(0, 1)),
    of_complex("ifft2", complex_transforms(1), (3, 4), norm="ortho"),
    of_complex("fftn", complex_transforms(-1), (2, 3, 4)),
    of_complex("fftn", complex_transforms(-1), (2, 3, 4), s=(2, 5)),
    of_complex("ifftn", complex_transforms(1), (2, 3, 4), dim=(0, 2)),
    of_real("rfft", real_transforms(-1), (3, 5)),
    of_real("rfft", real_transforms(-1), (6, 3), n=4, dim=0, norm="ortho"),
    of_real("rfft", real_transforms(-1), (3,), n=6, norm="forward"),
    of_real("rfft", real_transforms(-1), (3, 1)),
    of_real("rfft2", real_transforms(-1), (2, 3, 4), dim=(0, 2)),
    of_real("rfftn", real_transforms(-1), (3, 4), s=(4, 5), dim=(0, 1)),
    of_real("ihfft", real_transforms(1), (3, 5)),
    of_real("ihfft2", real_transforms(1), (2, 4), dim=(0, 1), norm="ortho"),
    of_real("ihfftn", real_transforms(1), (3, 4), dim=(0,), norm="forward"),
    of_complex("irfft", back_transforms(1), (3, 4)),
    of_complex("irfft", back_transforms(1), (3, 4), n=5, norm="ortho"),
    of_complex("irfft", back_transforms(1), (3, 4), n=1, dim=0),
    of_complex("irfft2", back_transforms(1), (2, 3, 3), dim=(0, 2)),
    of_complex("irfftn", back_transforms(1), (3, 3), s=(4, 7), dim=(0, 1)),
    of_complex("hfft", back_transforms(-1), (3, 4)),
    of_complex("hfft", back_transforms(-1), (3, 4), n=5, norm="forward"),
    of_complex("hfft2", back_transforms(-1), (2, 3), dim=(0, 1)),
    of_complex("hfftn", back_transforms(-1), (3, 3), dim=(1, 0), norm="ortho"),
    Case("fft.fftshift", normal((5, 4)), lambda x: np.roll(x, (2, 2), (0, 1))),
    Case(
        "fft.ifftshift",
        normal((5, 4)),
        lambda x, dim: np.roll(x, 3, 0),
        {"dim": 0},
    ),
]
