"""Weights kept at a norm, a spectral norm or orthogonal, as parametrisations."""

from __future__ import annotations

from typing import Any

from lampas.engine.modes import no_grad
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.nn.functional import normalize
from lampas.nn.module import Module
from lampas.nn.modules.conv import _ConvTransposeNd
from lampas.nn.utils._norms import norm_except, power_method, start_vectors
from lampas.nn.utils._orthogonal import MAPS, Orthogonal
from lampas.nn.utils.parametrize import register_parametrization

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


def _tensor_of(module: Any, name: str) -> Tensor:
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ArgumentError(
            f"module {type(module).__name__} has no parameter or buffer with name "
            f"{name!r}"
        )
    return weight


class _WeightNorm(Module):
    def __init__(self, dim: int | None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return weight_v * (weight_g / norm_except(weight_v, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except(weight, self.dim), weight


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """Keep length and direction of a weight apart: ``w = g v / ||v||``.

    Source: Salimans and Kingma 2016. The parameters are
    ``parametrizations.weight.original0`` (g) and ``original1`` (v); a checkpoint of
    the older form, ``weight_g`` and ``weight_v``, loads too.

    Args:
        module: the module.
        name: the weight's name.
        dim: the dimension along which there is a length for each entry; None has one
            length for the whole weight.

    >>> import lampas
    >>> layer = weight_norm(lampas.nn.Linear(4, 2))
    >>> layer.parametrizations.weight.original0.shape
    lampas.Size([2, 1])
    """
    _tensor_of(module, name)
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def rename(owner: Any, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        old = (f"{prefix}{name}_g", f"{prefix}{name}_v")
        if all(key in state for key in old):
            for i, key in enumerate(old):
                new = f"{prefix}parametrizations.{name}.original{i}"
                state[new] = state.pop(key)

    module.register_load_state_dict_pre_hook(rename)
    return module


class _SpectralNorm(Module):
    def __init__(self, weight: Tensor, steps: int, dim: int, eps: float) -> None:
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(
                f"dim must be in [{-weight.ndim}, {weight.ndim - 1}], got {dim}"
            )
        if steps <= 0:
            raise ArgumentError(f"n_power_iterations must be positive, got {steps}")
        self.dim = dim % weight.ndim
        self.eps = eps
        self.n_power_iterations = steps
        if weight.ndim > 1:
            matrix = self._matrix(weight.detach())
            u, v = start_vectors(matrix, eps)
            self.register_buffer("_u", u)
            self.register_buffer("_v", v)
            self._improve(matrix, 15)

    def _matrix(self, weight: Tensor) -> Tensor:
        return weight.transpose(0, self.dim).flatten(1)

    def _improve(self, matrix: Tensor, steps: int) -> None:
        with no_grad():
            u, v = power_method(matrix, self._u, self._v, steps, self.eps)
            self._u.copy_(u)
            self._v.copy_(v)

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return normalize(weight, dim=0, eps=self.eps)
        matrix = self._matrix(weight)
        if self.training:
            self._improve(matrix.detach(), self.n_power_iterations)
        # Copies: the next call changes the buffers before this one's backward.
        return weight / (self._u.clone() @ (matrix @ self._v.clone()))

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def spectral_norm(
    module: Any,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Any:
    """Divide a weight by its largest singular value, found by power iteration.

    Source: Miyato et al. 2018. The vectors are improved at each reading while the
    module trains.

    Args:
        module: the module.
        name: the weight's name.
        n_power_iterations: steps at each reading.
        eps: the least norm that a vector is divided by.
        dim: the dimension of outputs: 1 for transposed convolutions, else 0.

    >>> import lampas
    >>> layer = spectral_norm(lampas.nn.Linear(4, 2))
    >>> list(layer.state_dict())[2:]
    ['parametrizations.weight.0._u', 'parametrizations.weight.0._v']
    """
    weight = _tensor_of(module, name)
    if dim is None:
        dim = 1 if isinstance(module, _ConvTransposeNd) else 0
    part = _SpectralNorm(weight, n_power_iterations, dim, eps)
    return register_parametrization(module, name, part)


def orthogonal(
    module: Any,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> Any:
    """Keep a matrix orthogonal (unitary, if complex): ``Q^H Q = 1``.

    A tall matrix has orthonormal columns, a wide one orthonormal rows; a batch is
    treated matrix by matrix. Source: Lezcano-Casado 2019.

    Args:
        module: the module.
        name: the weight's name.
        orthogonal_map: ``"matrix_exp"`` (of a skew-symmetric matrix; the default for
            square and complex ones), ``"cayley"`` or ``"householder"`` (a product of
            reflections; the default otherwise).
        use_trivialization: start from the weight's value and let values be assigned,
            at the cost of one product with a constant matrix.

    Raises:
        ValueError: the weight has fewer than two dimensions, or an unknown map.

    >>> import lampas
    >>> layer = orthogonal(lampas.nn.Linear(3, 3))
    >>> w = layer.weight
    >>> lampas.allclose(w @ w.T, lampas.eye(3), atol=1e-5)
    True
    """
    weight = _tensor_of(module, name)
    if weight.ndim < 2:
        raise ArgumentError(
            f"expected a matrix or batch of matrices, got shape {tuple(weight.shape)}"
        )
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1] or weight.is_complex()
        orthogonal_map = "matrix_exp" if square else "householder"
    if orthogonal_map not in MAPS:
        raise ArgumentError(
            f"orthogonal_map must be one of {', '.join(map(repr, MAPS))}, got "
            f"{orthogonal_map!r}"
        )
    part = Orthogonal(weight, orthogonal_map, use_trivialization)
    return register_parametrization(module, name, part, unsafe=True)
