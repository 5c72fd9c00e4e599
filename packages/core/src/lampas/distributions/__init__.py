"""Probability distributions, under the names of ``torch.distributions``.

>>> import lampas
>>> from lampas.distributions import Normal
>>> Normal(lampas.zeros(3), 1.0).sample((2,)).shape
lampas.Size([2, 3])

========================  ======================================================
on real numbers           Normal, StudentT, Laplace, Cauchy, Gumbel, VonMises
above a bound             Exponential, Gamma, Chi2, InverseGamma, FisherSnedecor,
                          HalfNormal, HalfCauchy, LogNormal, Pareto,
                          GeneralizedPareto, Weibull
on an interval            Uniform, Beta, ContinuousBernoulli, Kumaraswamy,
                          RelaxedBernoulli
on the simplex            Dirichlet, LogisticNormal, RelaxedOneHotCategorical
vectors and matrices      MultivariateNormal, LowRankMultivariateNormal, Wishart,
                          LKJCholesky
discrete                  Bernoulli, Categorical, OneHotCategorical,
                          OneHotCategoricalStraightThrough, Binomial, Multinomial,
                          Geometric, NegativeBinomial, Poisson
made of others            Independent, MixtureSameFamily, TransformedDistribution
========================  ======================================================

``kl_divergence(p, q)`` compares two of them. ``transforms`` are the maps that make
one distribution of another; ``biject_to`` and ``transform_to`` give those that lead
from all real numbers into one of the sets of ``constraints``.
"""

from __future__ import annotations

from lampas.distributions import (
    constraints,
    kl_gamma,  # loaded, it registers its formulas
    kl_gamma_mixed,  # loaded, it registers its formulas
    kl_mixed,  # loaded, it registers its formulas
    kl_multivariate,  # loaded, it registers its formulas
    kl_transformed,  # loaded, it registers its formulas
    transforms,
)
from lampas.distributions.bernoulli import Bernoulli
from lampas.distributions.binomial import Binomial
from lampas.distributions.categorical import Categorical
from lampas.distributions.cauchy import Cauchy
from lampas.distributions.constraint_registry import biject_to, transform_to
from lampas.distributions.continuous_bernoulli import ContinuousBernoulli
from lampas.distributions.dirichlet import Beta, Dirichlet
from lampas.distributions.distribution import Distribution
from lampas.distributions.exponential import Exponential
from lampas.distributions.exponential_family import ExponentialFamily
from lampas.distributions.fisher_snedecor import FisherSnedecor
from lampas.distributions.gamma import Chi2, Gamma
from lampas.distributions.generalized_pareto import GeneralizedPareto
from lampas.distributions.geometric import Geometric
from lampas.distributions.gumbel import Gumbel
from lampas.distributions.half_cauchy import HalfCauchy
from lampas.distributions.half_normal import HalfNormal
from lampas.distributions.independent import Independent
from lampas.distributions.inverse_gamma import InverseGamma
from lampas.distributions.kl import kl_divergence, register_kl
from lampas.distributions.kumaraswamy import Kumaraswamy
from lampas.distributions.laplace import Laplace
from lampas.distributions.lkj_cholesky import LKJCholesky
from lampas.distributions.log_normal import LogNormal
from lampas.distributions.logistic_normal import LogisticNormal
from lampas.distributions.lowrank_multivariate_normal import LowRankMultivariateNormal
from lampas.distributions.mixture_same_family import MixtureSameFamily
from lampas.distributions.multinomial import Multinomial
from lampas.distributions.multivariate_normal import MultivariateNormal
from lampas.distributions.negative_binomial import NegativeBinomial
from lampas.distributions.normal import Normal
from lampas.distributions.one_hot_categorical import (
    OneHotCategorical,
    OneHotCategoricalStraightThrough,
)
from lampas.distributions.pareto import Pareto
from lampas.distributions.poisson import Poisson
from lampas.distributions.relaxed_bernoulli import RelaxedBernoulli
from lampas.distributions.relaxed_categorical import RelaxedOneHotCategorical
from lampas.distributions.student_t import StudentT
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
from lampas.distributions.von_mises import VonMises
from lampas.distributions.weibull import Weibull
from lampas.distributions.wishart import Wishart

__all__ = [
    "AbsTransform",
    "AffineTransform",
    "Bernoulli",
    "Beta",
    "Binomial",
    "CatTransform",
    "Categorical",
    "Cauchy",
    "Chi2",
    "ComposeTransform",
    "ContinuousBernoulli",
    "CorrCholeskyTransform",
    "CumulativeDistributionTransform",
    "Dirichlet",
    "Distribution",
    "ExpTransform",
    "Exponential",
    "ExponentialFamily",
    "FisherSnedecor",
    "Gamma",
    "GeneralizedPareto",
    "Geometric",
    "Gumbel",
    "HalfCauchy",
    "HalfNormal",
    "Independent",
    "IndependentTransform",
    "InverseGamma",
    "Kumaraswamy",
    "LKJCholesky",
    "Laplace",
    "LogNormal",
    "LogisticNormal",
    "LowRankMultivariateNormal",
    "LowerCholeskyTransform",
    "MixtureSameFamily",
    "Multinomial",
    "MultivariateNormal",
    "NegativeBinomial",
    "Normal",
    "OneHotCategorical",
    "OneHotCategoricalStraightThrough",
    "Pareto",
    "Poisson",
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
    "StudentT",
    "TanhTransform",
    "Transform",
    "TransformedDistribution",
    "Uniform",
    "VonMises",
    "Weibull",
    "Wishart",
    "biject_to",
    "constraints",
    "identity_transform",
    "kl_divergence",
    "register_kl",
    "transform_to",
    "transforms",
]
