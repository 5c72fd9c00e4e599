"""The von Mises distribution of angles."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

from lampas.distributions import constraints
from lampas.distributions.distribution import Distribution, broadcast_all
from lampas.dtypes import float64
from lampas.engine.modes import enable_grad, no_grad
from lampas.engine.tensor import Tensor
from lampas.ops.bessel_modified import i0e, i1e
from lampas.ops.with_out import rand, where

__all__ = ["VonMises"]


class VonMises(Distribution):
    """Angles with density ``exp(k cos(x - loc)) / (2 pi I0(k))``.

    Args:
        loc: the mean direction, in radians.
        concentration: ``k``, positive.
        validate_args: whether arguments are checked.

    >>> import lampas
    >>> VonMises(0.0, 1.0).log_prob(lampas.tensor(0.0))
    tensor(-1.0738)
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    loc: Tensor
    concentration: Tensor

    def __init__(
        self, loc: Any, concentration: Any, validate_args: bool | None = None
    ) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """The mean direction."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @cached_property
    @enable_grad()  # kept, even if first read while drawing
    def variance(self) -> Tensor:
        """The circular one: one less the length of the mean of unit vectors."""
        return 1 - i1e(self.concentration) / i0e(self.concentration)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        # From the top, where the cosine is 1: nothing overflows.
        below = -2 * (0.5 * (value - self.loc)).sin() ** 2
        top = (2 * math.pi * i0e(self.concentration)).log()
        return self.concentration * below - top

    def _envelope(self) -> Tensor:
        """The parameter of the wrapped Cauchy distribution that draws are taken from.

        Best and Fisher, Efficient simulation of the von Mises distribution, 1979.
        """
        k = self.concentration.to(float64)
        tau = 1 + (1 + 4 * k * k).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * k)
        return where(k < 1e-5, 1 / k + k, (1 + rho * rho) / (2 * rho))

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with no_grad():
            k, r = self.concentration.to(float64).expand(shape), self._envelope()
            angle = k * float("nan")
            while angle.isnan().any().item():
                u = rand((3, *shape), dtype=float64, device=k.device)
                z = (math.pi * u[0]).cos()
                f = (1 + r * z) / (r + z)
                c = k * (r - f)
                taken = (c * (2 - c) > u[1]) | ((c / u[1]).log() + 1 - c >= 0)
                side = where(u[2] < 0.5, -1.0, 1.0) * f.clamp(-1, 1).acos()
                angle = where(taken & angle.isnan(), side, angle)
            turned = angle + math.pi + self.loc.to(float64)
            return (turned % (2 * math.pi) - math.pi).to(self.loc.dtype)
