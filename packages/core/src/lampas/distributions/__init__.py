"""Probability distributions, under the names of ``torch.distributions``.

>>> import lampas
>>> from lampas.distributions import Normal
>>> Normal(lampas.zeros(3), 1.0).sample((2,)).shape
lampas.Size([2, 3])
"""

from __future__ import annotations

from lampas.distributions import constraints
from lampas.distributions.bernoulli import Bernoulli
from lampas.distributions.categorical import Categorical
from lampas.distributions.cauchy import Cauchy
from lampas.distributions.distribution import Distribution
from lampas.distributions.exponential import Exponential, Laplace
from lampas.distributions.independent import Independent
from lampas.distributions.kl import kl_divergence, register_kl
from lampas.distributions.normal import Normal
from lampas.distributions.one_hot_categorical import (
    OneHotCategorical,
    OneHotCategoricalStraightThrough,
)
from lampas.distributions.uniform import Uniform

__all__ = [
    "Bernoulli",
    "Categorical",
    "Cauchy",
    "Distribution",
    "Exponential",
    "Independent",
    "Laplace",
    "Normal",
    "OneHotCategorical",
    "OneHotCategoricalStraightThrough",
    "Uniform",
    "constraints",
    "kl_divergence",
    "register_kl",
]
