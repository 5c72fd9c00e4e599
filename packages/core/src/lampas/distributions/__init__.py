"""Probability distributions, under the names of ``torch.distributions``.

>>> import lampas
>>> from lampas.distributions import Normal
>>> Normal(lampas.zeros(3), 1.0).sample((2,)).shape
lampas.Size([2, 3])

========================  ======================================================
on real numbers           Normal, Laplace, Cauchy, Gumbel
above a bound             Exponential, HalfNormal, HalfCauchy, LogNormal, Pareto,
                          GeneralizedPareto, Weibull
on an interval            Uniform, Kumaraswamy, RelaxedBernoulli
on the simplex            LogisticNormal, RelaxedOneHotCategorical
discrete                  Bernoulli, Categorical, OneHotCategorical,
                          OneHotCategoricalStraightThrough
made of others            Independent, TransformedDistribution
========================  ======================================================

``kl_divergence(p, q)`` compares two of them. ``transforms`` are the maps that make
one distribution of another; ``biject_to`` and ``transform_to`` give those that lead
from all real numbers into one of the sets of ``constraints``.
"""

from __future__ import annotations

from lampas.distributions import (
    constraints,
    kl_mixed,  # loaded, it registers its formulas
    kl_transformed,  # loaded, it registers its formulas
    transforms,
)
from lampas.distributions.bernoulli import Bernoulli
from lampas.distributions.categorical import Categorical
from lampas.distributions.cauchy import Cauchy
from lampas.distributions.constraint_registry import biject_to, transform_to
from lampas.distributions.distribution import Distribution
from lampas.distributions.exponential import Exponential, Laplace
from lampas.distributions.generalized_pareto import GeneralizedPareto
from lampas.distributions.gumbel import Gumbel
from lampas.distributions.half_cauchy import HalfCauchy
from lampas.distributions.half_normal import HalfNormal
from lampas.distributions.independent import Independent
from lampas.distributions.kl import kl_divergence, register_kl
from lampas.distributions.kumaraswamy import Kumaraswamy
from lampas.distributions.log_normal import LogNormal
from lampas.distributions.logistic_normal import LogisticNormal
from lampas.distributions.normal import Normal
from lampas.distributions.one_hot_categorical import (
    OneHotCategorical,
    OneHotCategoricalStraightThrough,
)
from lampas.distributions.pareto import Pareto
from lampas.distributions.relaxed_bernoulli import RelaxedBernoulli
from lampas.distributions.relaxed_categorical import RelaxedOneHotCategorical
from lampas.distributions.transformed_distribution import TransformedDistribution
from lampas.distributions.transforms import (
    AbsTransform,
    AffineTransform,
    CatTransform,
    ComposeTransform,
    CorrCholeskyTransform,
    CumulativeDistributionTransform,
    ExpTransform,
    IndependentTransform,
    LowerCholeskyTransform,
    PositiveDefiniteTransform,
    PowerTransform,
    ReshapeTransform,
    SigmoidTransform,
    SoftmaxTransform,
    SoftplusTransform,
    StackTransform,
    StickBreakingTransform,
    TanhTransform,
    Transform,
    identity_transform,
)
from lampas.distributions.uniform import Uniform
from lampas.distributions.weibull import Weibull

__all__ = [
    "AbsTransform",
    "AffineTransform",
    "Bernoulli",
    "CatTransform",
    "Categorical",
    "Cauchy",
    "ComposeTransform",
    "CorrCholeskyTransform",
    "CumulativeDistributionTransform",
    "Distribution",
    "ExpTransform",
    "Exponential",
    "GeneralizedPareto",
    "Gumbel",
    "HalfCauchy",
    "HalfNormal",
    "Independent",
    "IndependentTransform",
    "Kumaraswamy",
    "Laplace",
    "LogNormal",
    "LogisticNormal",
    "LowerCholeskyTransform",
    "Normal",
    "OneHotCategorical",
    "OneHotCategoricalStraightThrough",
    "Pareto",
    "PositiveDefiniteTransform",
    "PowerTransform",
    "RelaxedBernoulli",
    "RelaxedOneHotCategorical",
    "ReshapeTransform",
    "SigmoidTransform",
    "SoftmaxTransform",
    "SoftplusTransform",
    "StackTransform",
    "StickBreakingTransform",
    "TanhTransform",
    "Transform",
    "TransformedDistribution",
    "Uniform",
    "Weibull",
    "biject_to",
    "constraints",
    "identity_transform",
    "kl_divergence",
    "register_kl",
    "transform_to",
    "transforms",
]
