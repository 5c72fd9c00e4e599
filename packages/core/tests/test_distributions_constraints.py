"""Constraints of matrices, and constraints made of others."""

from __future__ import annotations

import pytest

import lampas
from lampas.distributions import constraints as c

_EYE = [[1.0, 0.0], [0.0, 1.0]]
_LOWER = [[1.0, 0.0], [0.6, 0.8]]
_FULL = [[2.0, 1.0], [1.0, 2.0]]
_UPPER = [[1.0, 2.0], [0.0, 1.0]]
_FLAT = [[1.0, 1.0], [1.0, 1.0]]
_DOWN = [[-1.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lower_triangular", [1, 1, 0, 0, 0, 1]),
        ("lower_cholesky", [1, 1, 0, 0, 0, 0]),
        ("corr_cholesky", [1, 1, 0, 0, 0, 0]),
        ("square", [1, 1, 1, 1, 1, 1]),
        ("symmetric", [1, 0, 1, 0, 1, 1]),
    ],
)
def test_matrices(name: str, expected: list[int]) -> None:
    batch = lampas.tensor([_EYE, _LOWER, _FULL, _UPPER, _FLAT, _DOWN])
    constraint = getattr(c, name)
    assert constraint.event_dim == 2
    assert constraint.check(batch).tolist() == expected


def test_definite_matrices() -> None:
    batch = lampas.tensor([_EYE, _FULL, _FLAT, _DOWN], dtype=lampas.float64)
    assert c.positive_definite.check(batch).tolist() == [1, 1, 0, 0]
    assert c.positive_semidefinite.check(batch + 1e-9).tolist() == [1, 1, 1, 0]
    assert not c.positive_definite.check(lampas.tensor(_LOWER)).item()
    assert not c.symmetric.check(lampas.ones(2, 3)).item()


def test_constraints_of_parts() -> None:
    x = lampas.tensor([[-1.0, 2.0], [3.0, -4.0]])
    parts = [c.positive, c.real]
    assert c.cat(parts, dim=1).check(x).tolist() == [[0, 1], [1, 1]]
    assert c.stack(parts, dim=0).check(x).tolist() == [[0, 1], [1, 1]]
    assert c.cat([c.positive], lengths=[2]).check(x).tolist() == x.gt(0).tolist()
    assert c.stack([c.positive, c.real_vector], dim=-2).event_dim == 2
    assert c.stack([c.positive, c.real_vector], dim=-1).event_dim == 1
    assert c.cat([c.real, c.boolean]).is_discrete
    with pytest.raises(ValueError, match="as many as"):
        c.cat(parts, lengths=[1])
    with pytest.raises(ValueError, match="out of range"):
        c.stack(parts, dim=2).check(x)
    with pytest.raises(ValueError, match="must hold constraints"):
        c.stack([0])  # type: ignore[list-item]


def test_constraints_of_vectors() -> None:
    x = lampas.tensor([[0.0, 1.0], [1.0, 1.0], [0.5, 0.5]])
    assert c.one_hot.check(x).tolist() == [1, 0, 0]
    assert c.multinomial(1).check(x).tolist() == [1, 0, 1]
    mixed = c.MixtureSameFamilyConstraint(c.independent(c.unit_interval, 1))
    assert mixed.check(x).tolist() == [1, 1, 1]
    assert mixed.check(x * 2).tolist() == [0, 0, 1]
    assert mixed.event_dim == 1


def test_dependent_constraints_tell_what_is_known() -> None:
    assert c.is_dependent(c.dependent) and not c.is_dependent(c.real)
    assert c.dependent(event_dim=2, is_discrete=True).event_dim == 2
    with pytest.raises(NotImplementedError, match="event_dim"):
        _ = c.dependent.event_dim
    with pytest.raises(NotImplementedError, match="is_discrete"):
        _ = c.dependent.is_discrete
    with pytest.raises(ValueError, match="dependent"):
        c.dependent.check(lampas.ones(1))
