"""Complex tensors: parts that share memory, gradients by PyTorch's convention."""

from __future__ import annotations

import cmath
import math

import pytest

import lampas


def test_parts_share_memory():
    z = lampas.tensor([1 + 2j, 3 - 1j])
    z.real += 1
    z.imag = lampas.tensor([5.0, 6.0])
    assert z.tolist() == [2 + 5j, 4 + 6j]
    lampas.view_as_real(z)[0, 1] = 7
    z.imag[1] = 8
    assert z.tolist() == [2 + 7j, 4 + 8j]


def test_pairs_become_complex_numbers_in_their_memory():
    x = lampas.zeros(2, 2)
    lampas.view_as_complex(x)[1] = 3 + 4j
    assert x.tolist() == [[0, 0], [3, 4]]


def test_storing_in_a_part_has_the_gradient_of_both_parts():
    """z = w * (1 + 1j), then its real part becomes w ** 2: |z|^2 = w ** 4 + w ** 2."""
    w = lampas.tensor([1.0, 2.0], dtype=lampas.float64, requires_grad=True)
    z = w * (1 + 1j)
    z.real = w * w
    (z.abs() ** 2).sum().backward()
    assert w.grad.tolist() == pytest.approx([4 + 2, 32 + 4])


def test_the_gradient_is_that_of_the_conjugate():
    """PyTorch's convention: dL/dx + dL/dy j. For L = Re(z ** 2) that is 2 conj(z)."""
    z = lampas.tensor([1 + 2j, -3j], requires_grad=True)
    (z * z).real.sum().backward()
    assert z.grad.tolist() == [2 - 4j, 6j]


def test_the_angle_at_zero_has_no_slope():
    z = lampas.tensor([0j, 2j], requires_grad=True)
    z.angle().sum().backward()
    assert z.grad.tolist() == [0, -0.5]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, 0.0), (-0.0, 0.0), (-2.0, math.pi), (math.inf, 0.0), (-3, math.pi)],
)
def test_the_angle_of_real_numbers(value, expected):
    assert lampas.angle(lampas.tensor(value)).item() == pytest.approx(expected)


def test_the_angle_of_nan_is_nan():
    assert math.isnan(lampas.angle(lampas.tensor(math.nan)).item())


def test_real_is_what_has_no_imaginary_part():
    z = lampas.tensor([1 + 0j, 1j, complex(math.nan, 0)])
    assert lampas.isreal(z).tolist() == [True, False, True]
    assert lampas.isreal(lampas.tensor([math.nan])).tolist() == [True]


def test_conjugation_in_place():
    z = lampas.tensor([1 + 2j])
    assert z.conj_physical_() is z
    assert lampas.conj_physical_(z).tolist() == [1 + 2j]
    assert z.resolve_conj() is z.resolve_neg() is z
    assert not z.is_conj()
    assert not z.is_neg()


def test_refused_arguments():
    real = lampas.ones(2, 3)
    with pytest.raises(RuntimeError, match="must be complex"):
        _ = real.imag
    with pytest.raises(RuntimeError, match="must be complex"):
        lampas.view_as_real(real)
    with pytest.raises(RuntimeError, match="size 2"):
        lampas.view_as_complex(real)
    with pytest.raises(RuntimeError, match="side by side"):
        lampas.view_as_complex(lampas.ones(2, 3).T)
    with pytest.raises(RuntimeError, match="float32 or float64"):
        lampas.view_as_complex(lampas.ones(3, 2).half())
    with pytest.raises(RuntimeError, match="float32 and lampas.float64"):
        lampas.complex(real, real.double())
    with pytest.raises(TypeError, match="abs must be a Tensor"):
        lampas.polar(1.0, real)


def test_logsumexp_takes_the_largest_real_part():
    """log(exp(z)) is z where the imaginary part is within half a turn."""
    z = lampas.tensor([1000 + 2j, -1000 - 3j], requires_grad=True)
    y = lampas.logsumexp(z, 0)
    y.real.backward()
    assert y.item() == pytest.approx(1000 + 2j)
    assert z.grad.tolist() == [1, 0]


def test_logaddexp_of_complex_numbers():
    a, b = lampas.tensor([1 + 1j]), lampas.tensor([0.5 - 2j])
    expected = cmath.log(cmath.exp(1 + 1j) + cmath.exp(0.5 - 2j))
    assert lampas.logaddexp(a, b).item() == pytest.approx(expected, rel=1e-6)
    assert lampas.logaddexp(b * 1000, b * 1000).real.item() == pytest.approx(500.6931)


def test_both_parts_are_drawn():
    z = lampas.zeros(1000, dtype=lampas.complex64).uniform_(2, 3)
    assert 2 <= z.real.min() < z.real.max() <= 3
    assert 2.4 < z.imag.mean() < 2.6
    z.normal_(0, 2)
    assert 3 < z.abs().square().mean() < 5


def test_root_mean_square_norm_of_complex_numbers():
    z = lampas.tensor([1j, 1j])
    found = lampas.rms_norm(z, (2,), z * 2, eps=0.0)
    assert found.tolist() == pytest.approx([1j * 2j / 1j] * 2)


@pytest.mark.parametrize(
    "compare",
    [
        lambda a, b: a < b,
        lambda a, b: a <= b,
        lambda a, b: a > b,
        lambda a, b: a >= b,
        lampas.lt,
    ],
)
def test_complex_numbers_have_no_order(compare):
    z, x = lampas.tensor([1j]), lampas.tensor([1.0])
    for a, b in ((z, z), (z, 1.0), (x, 1j), (x, z)):
        with pytest.raises(RuntimeError, match="no order"):
            compare(a, b)


def test_numbers_of_python_from_complex_ones():
    assert float(lampas.tensor(1 + 0j)) == 1.0
    assert int(lampas.tensor(2 + 0j)) == 2
    with pytest.raises(TypeError):
        float(lampas.tensor(1 + 1j))


def test_a_real_tensor_takes_no_complex_number():
    x = lampas.zeros(2)
    with pytest.raises(RuntimeError, match="must be real"):
        x[0] = 1j
    with pytest.raises(RuntimeError, match="alpha must be real"):
        lampas.add(x, x, alpha=1j)


def test_backward_starts_at_real_numbers():
    z = lampas.tensor(1 + 1j, requires_grad=True)
    with pytest.raises(RuntimeError, match="only for real outputs"):
        (z * z).backward()


def test_log1p_keeps_small_real_parts():
    """log(1 + iy) = iy + y ** 2 / 2 + ..."""
    found = lampas.log1p(lampas.tensor([1e-4j])).item()
    assert found == pytest.approx(5e-9 + 1e-4j, rel=1e-5)
    assert found.real == pytest.approx(5e-9, rel=1e-5)
    large = lampas.log1p(lampas.tensor([1e30 + 1e30j])).item()
    assert large == pytest.approx(cmath.log(1e30 + 1e30j), rel=1e-6)


def test_complex_numbers_at_equal_distances():
    assert lampas.linspace(0, 1j, 3).tolist() == [0, 0.5j, 1j]


def test_powers_of_complex_numbers_have_gradients_of_second_order():
    """For f = z ** w: the gradient by w is conj(f log z), then conj(f log z ** 2)."""
    z = lampas.tensor(1 + 1j, dtype=lampas.complex128)
    w = lampas.tensor(0.5 - 2j, dtype=lampas.complex128, requires_grad=True)
    (first,) = lampas.autograd.grad((z**w).real, w, create_graph=True)
    (second,) = lampas.autograd.grad(first.real, w)
    log = cmath.log(1 + 1j)
    power = cmath.exp((0.5 - 2j) * log)
    assert first.item() == pytest.approx((power * log).conjugate())
    assert second.item() == pytest.approx((power * log**2).conjugate())
