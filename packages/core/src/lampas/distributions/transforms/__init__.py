"""Differentiable maps with the logarithm of their Jacobian's determinant.

>>> import lampas
>>> from lampas.distributions.transforms import SigmoidTransform
>>> SigmoidTransform()(lampas.tensor(0.0))
tensor(0.5000)
"""

from __future__ import annotations

from lampas.distributions.transforms.base import (
    ComposeTransform,
    Transform,
    identity_transform,
)
from lampas.distributions.transforms.elementwise import (
    AbsTransform,
    AffineTransform,
    CumulativeDistributionTransform,
    ExpTransform,
    PowerTransform,
    SigmoidTransform,
    SoftplusTransform,
    TanhTransform,
)
from lampas.distributions.transforms.matrices import (
    CorrCholeskyTransform,
    LowerCholeskyTransform,
    PositiveDefiniteTransform,
)
from lampas.distributions.transforms.structural import (
    CatTransform,
    IndependentTransform,
    ReshapeTransform,
    StackTransform,
)
from lampas.distributions.transforms.vectors import (
    SoftmaxTransform,
    StickBreakingTransform,
)

__all__ = [
    "AbsTransform",
    "AffineTransform",
    "CatTransform",
    "ComposeTransform",
    "CorrCholeskyTransform",
    "CumulativeDistributionTransform",
    "ExpTransform",
    "IndependentTransform",
    "LowerCholeskyTransform",
    "PositiveDefiniteTransform",
    "PowerTransform",
    "ReshapeTransform",
    "SigmoidTransform",
    "SoftmaxTransform",
    "SoftplusTransform",
    "StackTransform",
    "StickBreakingTransform",
    "TanhTransform",
    "Transform",
    "identity_transform",
]
