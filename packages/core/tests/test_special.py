"""Special functions at their poles, infinities and borders, and what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lampas
from lampas import special

INF, NAN = math.inf, math.nan
F64 = lampas.float64


def at(function, *values):
    return function(lampas.tensor(list(values), dtype=F64)).tolist()


def same(found, wanted, rel=1e-13):
    np.testing.assert_allclose(found, wanted, rtol=rel, atol=0)


@pytest.mark.parametrize(
    ("name", "points", "values"),
    [
        (
            "gammaln",
            [0, -1, -INF, INF, NAN, -0.5],
            [INF] * 4 + [NAN, 1.2655121234846454],
        ),
        ("digamma", [0.0, -0.0, -1, INF, -INF], [-INF, INF, NAN, INF, NAN]),
        ("erfcx", [INF, -INF, -30, NAN], [0, INF, INF, NAN]),
        ("ndtr", [INF, -INF, NAN, -40], [1, 0, NAN, 0]),
        ("ndtri", [0, 1, -0.5, 2, NAN], [-INF, INF, NAN, NAN, NAN]),
        ("log_ndtr", [INF, -INF, NAN], [0, -INF, NAN]),
        ("entr", [0, INF, -INF, NAN], [0, -INF, -INF, NAN]),
        ("i0", [0, INF, -INF, NAN, 800], [1, INF, INF, NAN, INF]),
        ("i1", [0, INF, -INF, NAN, -800], [0, INF, -INF, NAN, -INF]),
        ("i0e", [0, INF, NAN], [1, 0, NAN]),
        ("i1e", [0, INF, NAN], [0, 0, NAN]),
        ("modified_bessel_k0", [0, -1, INF, NAN], [INF, NAN, 0, NAN]),
        ("modified_bessel_k1", [0, -1, INF, NAN], [INF, NAN, 0, NAN]),
        ("scaled_modified_bessel_k0", [0, -1, INF], [INF, NAN, 0]),
        ("scaled_modified_bessel_k1", [0, -1, INF], [INF, NAN, 0]),
        ("bessel_j0", [0, INF, -INF, NAN], [1, 0, 0, NAN]),
        ("bessel_j1", [0, INF, NAN], [0, 0, NAN]),
        ("bessel_y0", [0, -1, INF, NAN], [-INF, NAN, 0, NAN]),
        ("bessel_y1", [0, -1, INF, NAN], [-INF, NAN, 0, NAN]),
        ("spherical_bessel_j0", [0, INF, -INF, NAN], [1, 0, 0, NAN]),
        ("airy_ai", [INF, 200, NAN], [0, 0, NAN]),
    ],
)
def test_values_at_the_borders(name, points, values):
    same(at(getattr(special, name), *points), values)


# Abramowitz & Stegun, tables 6.1, 9.1, 9.8, 10.11 and 26.1, and the DLMF, to the
# figures that they give.
@pytest.mark.parametrize(
    ("name", "point", "value"),
    [
        ("gammaln", 1.5, -0.12078223763524522),
        ("digamma", 0.25, -4.2274535333762654),
        ("bessel_j0", 2.0, 0.22389077914123567),
        ("bessel_j1", 2.0, 0.5767248077568734),
        ("bessel_y0", 2.0, 0.5103756726497451),
        ("bessel_y1", 2.0, -0.10703243154093755),
        ("bessel_j0", 20.0, 0.16702466434058316),
        ("i0", 1.0, 1.2660658777520084),
        ("i1", 1.0, 0.5651591039924850),
        ("modified_bessel_k0", 1.0, 0.42102443824070834),
        ("modified_bessel_k1", 1.0, 0.6019072301972346),
        ("airy_ai", 0.0, 0.3550280538878172),
        ("airy_ai", 1.0, 0.13529241631288141),
        ("airy_ai", -1.0, 0.5355608832923521),
        ("ndtr", 1.0, 0.8413447460685429),
        ("erfcx", 1.0, 0.4275835761558070),
    ],
)
def test_values_of_the_tables(name, point, value):
    same(at(getattr(special, name), point), [value], rel=2e-15)


def test_log_gamma_is_relatively_exact_at_its_zeros():
    """The first terms of its series there, DLMF 5.7.3."""
    step = 2.0**-30
    euler = 0.5772156649015329
    wanted = [
        -euler * step + math.pi**2 / 12 * step**2,
        (1 - euler) * step + (math.pi**2 / 6 - 1) / 2 * step**2,
    ]
    same(at(special.gammaln, 1 + step, 2 + step), wanted, rel=1e-15)


@pytest.mark.parametrize("x", [0.3, 2.5, 7.75, 30.5])
def test_gamma_functions_keep_their_recurrences(x):
    log = at(special.gammaln, x, x + 1)
    assert log[1] - log[0] == pytest.approx(math.log(x), abs=6e-14)
    psi = at(special.psi, x, x + 1)
    assert psi[1] - psi[0] == pytest.approx(1 / x, rel=1e-13)
    one = at(lambda v: special.polygamma(1, v), x, x + 1)
    assert one[0] - one[1] == pytest.approx(1 / x**2, rel=1e-12)


@pytest.mark.parametrize("x", [0.5, 3.0, 7.9, 8.1, 12.5, 40.0])
def test_bessel_functions_keep_their_wronskian(x):
    """DLMF 10.5.2 and 10.28.2: they hold across the seams of the regions."""
    j0, j1, y0, y1 = (
        at(getattr(special, f"bessel_{n}"), x)[0] for n in "j0 j1 y0 y1".split()
    )
    assert j1 * y0 - j0 * y1 == pytest.approx(2 / (math.pi * x), rel=1e-13)
    i0, i1 = at(special.i0e, x)[0], at(special.i1e, x)[0]
    k0 = at(special.scaled_modified_bessel_k0, x)[0]
    k1 = at(special.scaled_modified_bessel_k1, x)[0]
    assert i0 * k1 + i1 * k0 == pytest.approx(1 / x, rel=1e-14)


@pytest.mark.parametrize(
    ("a", "x", "p"),
    [
        (0, 1, 1),
        (0, 0, NAN),
        (1, 0, 0),
        (1, INF, 1),
        (INF, 1, 0),
        (INF, INF, NAN),
        (-1, 1, NAN),
        (1, -1, NAN),
        (NAN, 1, NAN),
        (1, NAN, NAN),
    ],
)
def test_incomplete_gamma_functions_at_the_borders(a, x, p):
    a, x = lampas.tensor([a], dtype=F64), lampas.tensor([x], dtype=F64)
    same(lampas.igamma(a, x).tolist(), [p])
    same(lampas.igammac(a, x).tolist(), [1 - p])


def test_incomplete_gamma_functions_keep_their_recurrence_across_the_regions():
    """DLMF 8.8.5 and 8.8.6: Q(a + 1, x) = Q(a, x) + x^a exp(-x) / Gamma(a + 1)."""
    a = lampas.tensor([[0.3], [1.0], [7.5], [60.0], [199.5], [250.0]], dtype=F64)
    x = lampas.tensor([0.02, 0.4, 1.05, 5.0, 61.0, 150.0, 205.0, 300.0], dtype=F64)
    jump = (a * x.log() - x - lampas.lgamma(a + 1)).exp()
    upper = lampas.igammac(a + 1, x) - lampas.igammac(a, x)
    lower = lampas.igamma(a, x) - lampas.igamma(a + 1, x)
    np.testing.assert_allclose(upper.numpy(), jump.numpy(), rtol=0, atol=2e-14)
    np.testing.assert_allclose(lower.numpy(), jump.numpy(), rtol=0, atol=2e-14)


def test_small_tails_are_relatively_exact():
    """Leading terms: DLMF 8.7.1 for P, and Q of a whole number."""
    a, x = lampas.tensor([2.0], dtype=F64), lampas.tensor([1e-40], dtype=F64)
    same(lampas.igamma(a, x).tolist(), [0.5e-80])
    same(lampas.igammac(a, a * 200).tolist(), [401 * math.exp(-400)], rel=1e-13)


def test_zeta_at_poles_and_where_it_is_not_defined():
    s = lampas.tensor([1.0, 0.5, 2.0, 2.0, 2.5, 3.0], dtype=F64)
    q = lampas.tensor([3.0, 3.0, 0.0, -4.0, -0.5, -0.5], dtype=F64)
    found = special.zeta(s, q).tolist()
    same(found, [INF, NAN, INF, INF, NAN, 7 * 1.2020569031595943 - 8])


def test_polygamma_at_poles():
    x = lampas.tensor([0.0, -1.0, INF], dtype=F64)
    assert lampas.polygamma(1, x).tolist() == [INF, INF, 0]
    assert lampas.polygamma(2, x).tolist() == [-INF, -INF, 0]
    assert x.polygamma(1).tolist() == [INF, INF, 0]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_polygamma_reflects(n):
    """DLMF 5.15.6 through its derivatives by numeric differences of the digamma's."""
    x, step = -2.3, 1e-4
    lower = lampas.polygamma(n - 1, lampas.tensor([x - step, x + step], dtype=F64))
    slope = (lower[1] - lower[0]) / (2 * step)
    found = lampas.polygamma(n, lampas.tensor([x], dtype=F64))
    assert found.item() == pytest.approx(slope.item(), rel=1e-4)


@pytest.mark.parametrize("name", special.__all__)
def test_every_name_computes_without_elements(name):
    empty = lampas.zeros(0)
    function = getattr(special, name)
    arguments = {
        "polygamma": (1, empty),
        "multigammaln": (empty, 2),
        "softmax": (empty, 0),
        "log_softmax": (empty, 0),
        "logsumexp": (lampas.zeros(2, 0), 0),
    }.get(name, (empty,))
    two = name in ("gammainc", "gammaincc", "xlogy", "xlog1py", "zeta")
    if two or "polynomial" in name:
        arguments = (empty, empty)
    assert function(*arguments).shape == (0,)


UNARY = (
    "airy_ai bessel_j0 bessel_j1 bessel_y0 bessel_y1 digamma entr erfcx gammaln i0 i0e "
    "i1 i1e log_ndtr modified_bessel_k0 modified_bessel_k1 ndtr ndtri "
    "scaled_modified_bessel_k0 scaled_modified_bessel_k1 spherical_bessel_j0"
).split()


@pytest.mark.parametrize("name", UNARY)
def test_integers_become_floats_and_complex_numbers_are_refused(name):
    function = getattr(special, name)
    assert function(lampas.tensor([1, 2])).dtype == lampas.float32
    assert function(lampas.tensor([True])).dtype == lampas.float32
    assert function(lampas.tensor([1.0]).half()).dtype == lampas.float16
    with pytest.raises(RuntimeError, match="not implemented for lampas.complex64"):
        function(lampas.tensor([1j]))


@pytest.mark.parametrize("name", UNARY)
def test_they_run_on_a_device(name):
    function = getattr(special, name)
    x = lampas.tensor([[0.25, 0.75], [0.5, 1.0]])
    found = function(x.to("sim"))
    assert found.device.type == "sim"
    np.testing.assert_array_equal(found.cpu().numpy(), function(x).numpy())


@pytest.mark.parametrize(
    "name", ["gammainc", "gammaincc", "zeta", "xlog1py", "hermite_polynomial_he"]
)
def test_those_of_two_tensors_run_on_a_device(name):
    function = getattr(special, name)
    x, y = lampas.tensor([1.5, 2.0, 300.0]), lampas.tensor([2.0, 0.5, 290.0])
    if "polynomial" in name:
        y = lampas.tensor([2.0, 0.0, 3.0])
    found = function(x.to("sim"), y.to("sim"))
    np.testing.assert_array_equal(found.cpu().numpy(), function(x, y).numpy())


def test_orders_and_dimensions_that_make_no_sense():
    x = lampas.tensor([3.0])
    with pytest.raises(RuntimeError, match="n must not be negative, got -1"):
        lampas.polygamma(-1, x)
    with pytest.raises(RuntimeError, match="p must be at least 1, got 0"):
        lampas.mvlgamma(x, 0)


def test_numbers_where_a_tensor_is_needed():
    x = lampas.tensor([3.0])
    with pytest.raises(TypeError, match="igamma: input must be a Tensor, got float"):
        lampas.igamma(1.0, x)
    with pytest.raises(TypeError, match="zeta: input must be a Tensor"):
        special.zeta(2.0, 1.0)
    with pytest.raises(TypeError, match="input must be a Tensor"):
        special.legendre_polynomial_p(0.5, 2)
    with pytest.raises(
        RuntimeError, match="igammac is not implemented for lampas.int64"
    ):
        lampas.igammac(lampas.tensor([1]), lampas.tensor([1]))


def test_derivatives_that_are_not_known_are_refused():
    x = lampas.tensor([2.0], requires_grad=True)
    one = lampas.tensor([1.0])
    for function in (lampas.igamma, lampas.igammac, special.zeta):
        with pytest.raises(RuntimeError, match="with respect to input is not impl"):
            function(x, one).sum().backward()


def test_polynomials_take_numbers_and_keep_infinities():
    assert special.chebyshev_polynomial_t(0.5, lampas.tensor([2, 3])).tolist() == [
        -0.5,
        -1,
    ]
    assert at(lambda x: special.laguerre_polynomial_l(x, 2), INF) == [INF]
    assert special.legendre_polynomial_p(lampas.tensor([0.5]), NAN).tolist() == [0]


def test_next_numbers_in_half_precision():
    one = lampas.tensor([1.0])
    for dtype in (lampas.float16, lampas.bfloat16):
        after = lampas.nextafter(one.to(dtype), 2 * one.to(dtype))
        assert after.dtype == dtype
        assert after.item() - 1 == lampas.finfo(dtype).eps


def test_parts_of_numbers_that_are_not_finite():
    parts = lampas.frexp(lampas.tensor([INF, -INF, NAN, 0.0]))
    assert parts.exponent.tolist() == [0, 0, 0, 0]
    assert parts.exponent.dtype == lampas.int32
    same(parts.mantissa.tolist(), [INF, -INF, NAN, 0])
    with pytest.raises(RuntimeError, match="input must be floating"):
        lampas.frexp(lampas.tensor([1]))


def test_ldexp_of_integers_is_floating():
    found = lampas.ldexp(lampas.tensor([3]), lampas.tensor([-1]))
    assert found.dtype == lampas.float32
    assert found.tolist() == [1.5]


@pytest.mark.parametrize("kind", "tuvw")
def test_many_degrees_continue_the_few(kind):
    """The recurrence across the seam between steps and angles, and at the ends."""
    function = getattr(special, f"chebyshev_polynomial_{kind}")
    x = lampas.tensor([0.3, -0.9, 0.999, 1.0, -1.0], dtype=F64)
    for n in (100, 101):
        wanted = 2 * x * function(x, n) - function(x, n - 1)
        np.testing.assert_allclose(
            function(x, n + 1).numpy(), wanted.numpy(), rtol=1e-10, atol=1e-12
        )


def test_degrees_without_end_come_to_one():
    """No steps are made for what has overflowed or has an angle."""
    x = lampas.tensor([0.5, 1.0, 2.0], dtype=F64)
    found = special.chebyshev_polynomial_t(x, 3e15).tolist()
    assert found[1:2] == [1.0]
    assert abs(found[0]) <= 1
    assert math.isnan(found[2])
    assert math.isnan(special.hermite_polynomial_h(x, 1e18)[0].item())


def test_numbers_do_not_widen_the_result():
    x = lampas.tensor([2.0])
    for function in (special.xlogy, special.xlog1py):
        assert function(x, 3.3).dtype == lampas.float32
        assert function(3.3, x).dtype == lampas.float32
        assert function(x.half(), 3.3).dtype == lampas.float16
        assert function(x.double(), 3).dtype == F64


def test_odds_of_unsigned_integers_are_those_of_floats():
    """1 - x must not wrap around."""
    same(
        special.logit(lampas.tensor([6, 1, 0], dtype=lampas.uint8)).tolist(),
        [NAN, INF, -INF],
    )


def test_names_of_both_namespaces_are_one_function():
    """So those take out= here too."""
    for name in ("digamma", "erf", "i0", "polygamma", "sinc", "softmax", "xlogy"):
        assert getattr(special, name) is getattr(lampas, name)
    assert special.gammaln is lampas.lgamma
    assert special.gammainc is lampas.igamma
    out = lampas.empty(2)
    assert special.psi(lampas.tensor([1.0, 2.0]), out=out) is out
    same(out.tolist(), [-0.5772156649, 0.4227843351], rel=1e-6)
