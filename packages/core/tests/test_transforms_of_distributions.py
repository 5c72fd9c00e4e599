"""Transforms: inverses, Jacobians, shapes, caches, and the constraints they reach."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lampas
from lampas import distributions as D
from lampas.autograd.functional import jacobian
from lampas.distributions import constraints
from lampas.distributions import transforms as T
from lampas.distributions.constraint_registry import ConstraintRegistry
from lampas.errors import LampasError

Make = Callable[[], T.Transform]


def _t(array: Any, **options: Any) -> lampas.Tensor:
    return lampas.tensor(np.asarray(array, np.float64), **options)


def _real(*shape: int) -> lampas.Tensor:
    return _t(np.random.default_rng(3).normal(size=shape))


def _affine(event_dim: int = 0) -> T.Transform:
    return T.AffineTransform(_t([1.0, 0.0, -1.0]), _t([2.0, -0.5, 3.0]), event_dim)


def _events(transform: T.Transform) -> T.Transform:
    return T.IndependentTransform(transform, 1)


_BIJECTIONS: dict[str, tuple[Make, lampas.Tensor]] = {
    "exp": (T.ExpTransform, _real(4, 3)),
    "log": (lambda: T.ExpTransform().inv, _real(4, 3).exp()),
    "softplus": (T.SoftplusTransform, _real(4, 3)),
    "sigmoid": (T.SigmoidTransform, _real(4, 3)),
    "tanh": (T.TanhTransform, _real(4, 3)),
    "affine": (lambda: T.AffineTransform(1.0, -2.0), _real(4, 3)),
    "affine of tensors": (_affine, _real(4, 3)),
    "affine of events": (lambda: _affine(1), _real(4, 3)),
    "power": (lambda: T.PowerTransform(1.7), _real(4, 3).exp()),
    "power of tensors": (lambda: T.PowerTransform(_t([0.5, -1, 3])), _real(3).exp()),
    "cdf": (
        lambda: T.CumulativeDistributionTransform(D.Normal(_t(0.5), _t(2.0))),
        _real(4, 3),
    ),
    "identity": (lambda: T.identity_transform, _real(4, 3)),
    "compose": (
        lambda: T.ComposeTransform(
            [T.AffineTransform(0.0, 0.5), T.TanhTransform(), T.ExpTransform()]
        ),
        _real(4, 3),
    ),
    "compose of vectors": (
        lambda: T.ComposeTransform(
            [T.TanhTransform(), _affine(), T.StickBreakingTransform()]
        ),
        _real(4, 3),
    ),
    "independent": (lambda: _events(T.ExpTransform()), _real(4, 3)),
    "reshape": (lambda: T.ReshapeTransform((2, 3), (3, 2)), _real(4, 2, 3)),
    "cat": (
        lambda: T.CatTransform([T.ExpTransform(), T.TanhTransform()], -1, [1, 2]),
        _real(4, 3),
    ),
    "cat of batches": (
        lambda: T.CatTransform(
            [_events(T.ExpTransform()), _events(T.TanhTransform())], 0, [3, 1]
        ),
        _real(4, 3),
    ),
    "cat of events": (
        lambda: T.CatTransform(
            [_events(T.ExpTransform()), _events(T.TanhTransform())], -1, [1, 2]
        ),
        _real(4, 3),
    ),
    "stack": (
        lambda: T.StackTransform([T.ExpTransform(), T.TanhTransform()], 1),
        _real(3, 2),
    ),
    "stick breaking": (T.StickBreakingTransform, _real(4, 3)),
    "correlations": (T.CorrCholeskyTransform, _real(2, 6)),
}
_OTHERS: dict[str, tuple[Make, lampas.Tensor]] = {
    "abs": (T.AbsTransform, _real(4, 3)),
    "softmax": (T.SoftmaxTransform, _real(4, 3)),
    "lower cholesky": (T.LowerCholeskyTransform, _real(2, 3, 3)),
    "positive definite": (T.PositiveDefiniteTransform, _real(2, 3, 3)),
}
_ALL = _BIJECTIONS | _OTHERS


def _close(found: lampas.Tensor, expected: lampas.Tensor, rtol: float = 1e-9) -> None:
    assert found.shape == expected.shape and found.dtype == expected.dtype
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol, 1e-9)


@pytest.mark.parametrize("name", _BIJECTIONS)
def test_inverses_lead_back(name: str) -> None:
    make, x = _BIJECTIONS[name]
    t = make()
    assert t.bijective and t.inv.bijective
    y = t(x)
    _close(t.inv(y), x)
    _close(t.inv.inv(x), y)
    assert t.inv.inv is t


@pytest.mark.parametrize("name", _OTHERS)
def test_inverses_of_the_rest_are_inverses_from_the_right(name: str) -> None:
    make, x = _OTHERS[name]
    t = make()
    y = t(x)
    assert not t.bijective
    _close(t(t.inv(y)), y)
    with pytest.raises(NotImplementedError, match="no log_abs_det_jacobian"):
        t.log_abs_det_jacobian(x, y)
    with pytest.raises(NotImplementedError, match="no sign"):
        t.sign  # noqa: B018


@pytest.mark.parametrize("name", _ALL)
def test_values_lie_in_the_codomain_and_shapes_are_foretold(name: str) -> None:
    make, x = _ALL[name]
    t = make()
    y = t(x)
    assert t.domain.check(x).all().item() and t.codomain.check(y).all().item()
    assert tuple(t.forward_shape(x.shape)) == y.shape
    assert tuple(t.inverse_shape(y.shape)) == x.shape
    assert tuple(t.inv.forward_shape(y.shape)) == x.shape
    assert tuple(t.inv.inverse_shape(x.shape)) == y.shape
    assert repr(t.inv.domain) == repr(t.codomain)
    assert repr(t.inv.codomain) == repr(t.domain)


def _coordinates(name: str, y: lampas.Tensor) -> lampas.Tensor:
    """As many numbers of an output as its input has."""
    if name == "compose of vectors":
        return y[..., :-1]
    if name == "stick breaking":
        return y[..., :-1]
    if name == "correlations":
        row, column = np.tril_indices(y.shape[-1], -1)
        return y[..., lampas.tensor(row), lampas.tensor(column)]
    return y


@pytest.mark.parametrize("name", _BIJECTIONS)
def test_determinants_are_those_of_the_jacobian(name: str) -> None:
    make, x = _BIJECTIONS[name]
    t = make()
    y = t(x)
    found = t.log_abs_det_jacobian(x, y)
    # All of the batch at once: the determinant of the whole is the product.
    slopes = jacobian(lambda x: _coordinates(name, t(x)), x)
    square = slopes.reshape(x.numel(), x.numel())
    _close(found.sum(), lampas.linalg.slogdet(square).logabsdet)
    assert found.shape == x.shape[: x.ndim - t.domain.event_dim]
    _close(t.inv.log_abs_det_jacobian(y, x), -found)


def test_parts_of_fewer_event_dimensions_are_summed() -> None:
    x = _real(4, 3)
    mixed = T.CatTransform([T.ExpTransform(), _events(T.TanhTransform())], 0, [3, 1])
    whole, _ = _BIJECTIONS["cat of batches"]
    found = mixed.log_abs_det_jacobian(x, mixed(x))
    _close(found, whole().log_abs_det_jacobian(x, mixed(x)))


def test_determinants_stay_finite_far_out() -> None:
    x = _t([-1000.0, 1000.0])
    for t in (T.SigmoidTransform(), T.TanhTransform()):
        assert t.log_abs_det_jacobian(x, t(x)).isfinite().all().item()
    assert T.SigmoidTransform()(x).log().isfinite().all().item()
    assert T.SigmoidTransform().inv(_t([0.0, 1.0])).isfinite().all().item()


def test_small_entries_of_the_simplex_keep_their_digits() -> None:
    y = _t([0.5, 0.5 - 2e-12, 1e-12, 1e-12])
    x = T.StickBreakingTransform().inv(y)
    np.testing.assert_allclose(T.StickBreakingTransform()(x).numpy(), y.numpy(), 1e-9)


@pytest.mark.parametrize("name", _ALL)
def test_caches_return_the_very_input(name: str) -> None:
    make, x = _ALL[name]
    if name == "identity":
        return
    t = make().with_cache()
    y = t(x)
    assert t(x) is y and t.inv(y) is x
    assert t.with_cache() is t
    assert t.with_cache(0).inv(y) is not x
    found, plain = t.inv(y + 0), make().inv(y)
    assert found is not x
    _close(found, plain, 1e-7)


@pytest.mark.parametrize("name", _ALL)
def test_copies_compute_the_same(name: str) -> None:
    make, x = _ALL[name]
    t = make().with_cache()
    t(x.clone().requires_grad_())
    for other in (copy.deepcopy(t), pickle.loads(pickle.dumps(t))):
        assert type(other) is type(t) and repr(other) == repr(t)
        assert other._cached is None
        assert (other(x) == make()(x)).all().item()


@pytest.mark.parametrize("name", sorted(set(_ALL) - {"cdf"}))
def test_equal_are_those_of_one_kind_and_equal_parameters(name: str) -> None:
    make, _ = _ALL[name]
    assert make() == make() and make().inv == make().inv
    assert make() == make().with_cache()
    assert [other for other in _ALL if make() == _ALL[other][0]()] in (
        [name],
        ["affine of tensors", "affine of events"],  # compared by loc and scale
    )
    assert make().inv != T.PowerTransform(9.0)


def test_affine_and_power_transforms_differ_by_their_parameters() -> None:
    assert T.AffineTransform(0, 1) == T.AffineTransform(0.0, _t([1.0, 1.0]))
    assert T.AffineTransform(0, 1) != T.AffineTransform(0, 2)
    assert T.AffineTransform(1, 1) != T.AffineTransform(0, 1)
    assert T.PowerTransform(2) != T.PowerTransform(_t([2.0, 3.0]))
    assert T.ReshapeTransform((2,), (2,)) != T.ReshapeTransform((2,), (1, 2))


def test_signs() -> None:
    assert T.AffineTransform(0.0, -2.0).sign == -1
    assert T.AffineTransform(0.0, 2).sign == 1
    assert _affine().sign.tolist() == [1, -1, 1]
    assert T.PowerTransform(_t(-1.0)).sign.item() == -1
    down = T.ComposeTransform([T.ExpTransform(), T.AffineTransform(0.0, -1.0)])
    assert down.sign == -1 and down.inv.sign == -1
    assert _events(down).sign == -1
    assert T.identity_transform.sign == 1
    for kind in (T.ExpTransform, T.SigmoidTransform, T.SoftplusTransform):
        assert kind().inv.sign == 1


def test_event_dimensions() -> None:
    assert T.ExpTransform().event_dim == 0
    assert T.StickBreakingTransform().event_dim == 1
    assert _affine(1).event_dim == 1
    with pytest.raises(ValueError, match=r"domain\.event_dim or codomain\.event_dim"):
        T.CorrCholeskyTransform().event_dim  # noqa: B018
    chain = T.ComposeTransform(
        [T.ExpTransform(), T.ReshapeTransform((2, 3), (6,)), T.StickBreakingTransform()]
    )
    assert (chain.domain.event_dim, chain.codomain.event_dim) == (2, 1)
    assert repr(chain.domain) == "IndependentConstraint(Real(), 2)"


def test_they_print_as_pytorch_prints_them() -> None:
    assert repr(T.ExpTransform()) == "ExpTransform()"
    assert repr(T.ExpTransform().inv) == "_InverseTransform(ExpTransform())"
    assert repr(_events(T.ExpTransform())) == (
        "IndependentTransform(ExpTransform(), 1)"
    )
    chain = T.ComposeTransform([T.ExpTransform(), T.AffineTransform(0, 1)])
    assert repr(chain) == (
        "ComposeTransform(\n    ExpTransform(),\n    AffineTransform()\n)"
    )


def test_a_transform_of_ones_own() -> None:
    class Cube(T.Transform):
        domain = codomain = constraints.real
        bijective = True
        sign = 1

        def _call(self, x: lampas.Tensor) -> lampas.Tensor:
            return x**3

        def _inverse(self, y: lampas.Tensor) -> lampas.Tensor:
            return y.sign() * y.abs() ** (1 / 3)

        def log_abs_det_jacobian(
            self, x: lampas.Tensor, y: lampas.Tensor
        ) -> lampas.Tensor:
            return math.log(3) + 2 * x.abs().log()

    x = _real(5)
    d = D.TransformedDistribution(D.Normal(_t(0.0), 1.0), [Cube(), T.ExpTransform()])
    y = (x**3).exp()
    _close(d.cdf(y), D.Normal(_t(0.0), 1.0).cdf(x), 1e-6)
    assert Cube(cache_size=1).with_cache(0)._cache_size == 0

    class Shifted(Cube):
        def __init__(self, by: float) -> None:
            super().__init__()
            self.by = by

    with pytest.raises(NotImplementedError, match="Shifted has no with_cache"):
        Shifted(1.0).with_cache()
    for missing in (T.Transform(), T.Transform().inv):
        with pytest.raises(NotImplementedError, match="Transform has no"):
            missing(x)


@pytest.mark.parametrize(
    "make, kind, message",
    [
        (lambda: T.ExpTransform(2), ValueError, "cache_size must be 0 or 1, got 2"),
        (lambda: T.ReshapeTransform((2, 3), (5,)), ValueError, "different numbers"),
        (
            lambda: T.ReshapeTransform((2, 3), (6,))(_real(4, 2, 2)),
            ValueError,
            r"Shape mismatch: expected \(2, 3\).*\(4, 2, 2\)",
        ),
        (
            lambda: T.ReshapeTransform((2, 3), (6,))(_real(3)),
            ValueError,
            "Too few dimensions",
        ),
        (lambda: T.SoftmaxTransform().forward_shape(()), ValueError, "Too few"),
        (lambda: T.StickBreakingTransform()(_t(1.0)), ValueError, "Too few"),
        (lambda: T.CorrCholeskyTransform().forward_shape(()), ValueError, "Too few"),
        (lambda: T.CorrCholeskyTransform()(_real(4)), ValueError, "lower-diagonal"),
        (
            lambda: T.CorrCholeskyTransform().inv(_real(3, 2)),
            ValueError,
            "not square.*3, 2",
        ),
        (lambda: _events(T.ExpTransform())(_t(1.0)), ValueError, "Too few"),
        (lambda: _events(T.ExpTransform()).inv(_t(1.0)), ValueError, "Too few"),
        (lambda: T.CatTransform([1]), TypeError, "Transform instances, got 1"),  # type: ignore[list-item]
        (
            lambda: T.CatTransform([T.ExpTransform()], lengths=[1, 2]),
            ValueError,
            "one entry for each of 1 transforms, got 2",
        ),
        (
            lambda: T.CatTransform([T.ExpTransform()], 0, [2])(_real(3)),
            ValueError,
            "along dim 0 must be 2, got 3",
        ),
        (
            lambda: T.StackTransform([T.ExpTransform()])(_real(3)),
            ValueError,
            "must be 1, got 3",
        ),
        (
            lambda: T.StackTransform([T.ExpTransform()], 1)(_real(3)),
            ValueError,
            "dim is 1, but the input has 1 dimensions",
        ),
        (
            lambda: _affine().forward_shape((2,)),
            RuntimeError,
            "(2,)",
        ),
        (lambda: D.biject_to.register(3), TypeError, "Constraint subclass or instance"),
        (
            lambda: D.biject_to(constraints.boolean),
            NotImplementedError,
            "Cannot transform .*Boolean constraints",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    make: Callable[[], Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message) as caught:
        make()
    assert isinstance(caught.value, LampasError)


_C = constraints
_CONSTRAINTS: list[Any] = [
    _C.real,
    _C.positive,
    _C.nonnegative,
    _C.greater_than(2.0),
    _C.greater_than(_t([0.0, 1.0, 2.0])),
    _C.greater_than_eq(-1.5),
    _C.less_than(3.0),
    _C.unit_interval,
    _C.interval(-1.0, 2.0),
    _C.half_open_interval(_t([0.0, 1.0, 2.0]), _t(5.0)),
    _C.simplex,
    _C.corr_cholesky,
    _C.real_vector,
    _C.independent(_C.positive, 1),
    _C.cat([_C.positive, _C.real], -1, [1, 2]),
    _C.stack([_C.positive, _C.real, _C.less_than(0.0)], -1),
]
_MATRICES = [_C.lower_cholesky, _C.positive_definite, _C.positive_semidefinite]


@pytest.mark.parametrize("registry", [D.biject_to, D.transform_to])
@pytest.mark.parametrize("constraint", _CONSTRAINTS, ids=repr)
def test_registered_transforms_land_in_their_constraint(
    registry: ConstraintRegistry, constraint: Any
) -> None:
    x = _real(50, 4, 3)
    t = registry(constraint)
    y = t(x)
    assert constraint.check(y).all().item()
    _close(t(t.inv(y)), y, 1e-7)
    if registry is D.biject_to:
        assert t.bijective
        _close(t.inv(y), x, 1e-6)
        assert t.log_abs_det_jacobian(x, y).isfinite().all().item()


@pytest.mark.parametrize("constraint", _MATRICES, ids=repr)
def test_matrices_are_reached_by_transform_to_alone(constraint: Any) -> None:
    y = D.transform_to(constraint)(_real(50, 3, 3))
    assert constraint.check(y).all().item()
    with pytest.raises(NotImplementedError, match="Cannot transform"):
        D.biject_to(constraint)


def test_simple_constraints_get_simple_transforms() -> None:
    assert D.biject_to(_C.positive) == T.ExpTransform()
    assert D.transform_to(_C.unit_interval) == T.SigmoidTransform()
    assert D.transform_to(_C.simplex) == T.SoftmaxTransform()
    assert D.biject_to(_C.simplex) == T.StickBreakingTransform()


def test_constraints_of_ones_own_can_be_registered() -> None:
    class Even(constraints.Constraint):
        pass

    registry = ConstraintRegistry()

    @registry.register(Even)
    def twice(constraint: Even) -> T.Transform:
        return T.AffineTransform(0, 2)

    assert registry(Even()) == T.AffineTransform(0, 2)
    registry.register(Even(), lambda constraint: T.identity_transform)
    assert registry(Even()) == T.identity_transform


def test_gradients_pass_through_transforms_and_their_parameters() -> None:
    loc = _t(0.5, requires_grad=True)
    t = T.ComposeTransform([T.AffineTransform(loc, 2.0), T.TanhTransform()])
    x = _t(0.1)
    y = t(x)
    y.backward()
    assert loc.grad is not None
    assert math.isclose(loc.grad.item(), 1 - math.tanh(0.7) ** 2)


def test_parameters_under_a_constraint_are_learned() -> None:
    free = lampas.zeros(3, requires_grad=True)
    target = lampas.tensor([0.2, 0.7, 0.1])
    optimizer = lampas.optim.Adam([free], lr=0.2)
    for _ in range(100):
        optimizer.zero_grad()
        weights = D.transform_to(constraints.simplex)(free)
        ((weights - target) ** 2).sum().backward()
        optimizer.step()
    np.testing.assert_allclose(weights.detach().numpy(), target.numpy(), atol=1e-2)
