"""A published count: ResNet-18 has 11,689,512 weights and 1.81 G multiply-adds."""

from __future__ import annotations

from lampas.utils import summary
from lampas_vision.models import resnet18


def test_resnet18_costs_what_is_published():
    # Torchvision's table of weights: 11689512 parameters, 1.81 GFLOPS at 224 x 224.
    found = summary(resnet18(), (1, 3, 224, 224))
    assert found.parameters == 11_689_512
    assert round(found.multiply_adds / 1e9, 2) == 1.81
