"""The parametrisation behind :func:`parametrizations.orthogonal`."""

from __future__ import annotations

from lampas.dtypes import finfo
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.nn.module import Module
from lampas.ops.create import eye, zeros
from lampas.ops.decompose import geqrf, householder_product, qr
from lampas.ops.join import cat
from lampas.ops.matrix_exp import matrix_exp
from lampas.ops.random import randn
from lampas.ops.solve import solve

__all__ = ["MAPS", "Orthogonal"]

MAPS = ("matrix_exp", "cayley", "householder")


def _orthonormal(x: Tensor) -> Tensor:
    """Orthonormal columns that span what those of ``x`` do; itself if they are."""
    q, r = qr(x)
    return q * r.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


def _is_orthonormal(x: Tensor) -> bool:
    size = x.shape[-1]
    eps = 10 * max(x.shape[-2], size) * finfo(x.dtype).eps
    product = x.mH @ x - eye(size, dtype=x.dtype, device=x.device)
    return bool((product.abs() < eps).all())


class Orthogonal(Module):
    """Makes a matrix with orthonormal columns (rows, if it is wide) of any matrix.

    Args:
        weight: its shape and dtype.
        orthogonal_map: one of ``MAPS``.
        use_trivialization: multiply by a constant orthogonal matrix, so that any value
            can be assigned and training starts from it.
    """

    base: Tensor | None

    def __init__(
        self, weight: Tensor, orthogonal_map: str, use_trivialization: bool
    ) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map == "householder":
            raise ArgumentError(
                "the householder parametrization does not support complex tensors"
            )
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        self.use_trivialization = use_trivialization
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, weight: Tensor) -> Tensor:
        """The orthogonal matrix."""
        rows, columns = weight.shape[-2:]
        x = weight.mT if rows < columns else weight
        q = (
            self._reflected(x)
            if self.orthogonal_map == "householder"
            else self._turn(x)
        )
        if self.use_trivialization:
            q = self.base @ q
        return q.mT if rows < columns else q

    def _reflected(self, x: Tensor) -> Tensor:
        """A product of reflections whose vectors stand below the diagonal."""
        vectors = x.tril(-1)
        tau = 2.0 / (1.0 + (vectors * vectors).sum(-2))
        signs = x.diagonal(dim1=-2, dim2=-1).detach().sign().unsqueeze(-2)
        return householder_product(vectors, tau) * signs

    def _turn(self, x: Tensor) -> Tensor:
        """A function of a skew-symmetric matrix; its first columns if ``x`` is tall."""
        rows, columns = x.shape[-2:]
        a = x.tril()
        if rows != columns:
            more = (*a.shape[:-1], rows - columns)
            a = cat([a, zeros(more, dtype=a.dtype, device=a.device)], -1)
        a = a - a.mH
        if self.orthogonal_map == "matrix_exp":
            q = matrix_exp(a)
        else:
            one = eye(rows, dtype=a.dtype, device=a.device)
            q = solve(one - 0.5 * a, one + 0.5 * a)
        return q[..., :columns]

    def right_inverse(self, value: Tensor) -> Tensor:
        """The original that gives ``value``, or the nearest of orthonormal columns."""
        if value.shape != self.shape:
            raise ArgumentError(
                f"expected a matrix or batch of matrices of shape {tuple(self.shape)}, "
                f"got a tensor of shape {tuple(value.shape)}"
            )
        rows, columns = value.shape[-2:]
        wide = rows < columns
        q = value.mT if wide else value
        if not self.use_trivialization:
            q = self._vectors(q)
            return q.mT if wide else q
        self.base = self._basis(q)
        start = zeros(q.shape, dtype=q.dtype, device=q.device)
        one = eye(*q.shape[-2:], dtype=q.dtype, device=q.device)
        # Minus one on the diagonal is the identity under each of the maps.
        start = start - one
        return start.mT if wide else start

    def _vectors(self, q: Tensor) -> Tensor:
        if self.orthogonal_map != "householder":
            raise NotImplementedError(
                "a value can be assigned to the matrix exponential or the Cayley map "
                "only with use_trivialization=True"
            )
        vectors, tau = geqrf(q)
        signs = vectors.diagonal(dim1=-2, dim2=-1).sign()
        signs = signs.where(tau != 0, -signs)
        one = eye(*q.shape[-2:], dtype=q.dtype, device=q.device)
        return vectors.tril(-1) + vectors.triu(1) + one * signs.unsqueeze(-2)

    def _basis(self, q: Tensor) -> Tensor:
        """A square orthogonal matrix that begins with the columns of ``q``."""
        rows, columns = q.shape[-2:]
        if rows == columns:
            return q.clone() if _is_orthonormal(q) else _orthonormal(q)
        more = randn(*q.shape[:-1], rows - columns, dtype=q.dtype, device=q.device)
        return _orthonormal(cat([q, more], -1))
