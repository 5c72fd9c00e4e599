"""Half precision, complex numbers and old checkpoints in optimizers."""

import numpy as np

import lampas


def stepped(make, data, grads):
    p = lampas.from_numpy(np.array(data)).requires_grad_()
    optimizer = make([p])
    for g in grads:
        p.grad = lampas.from_numpy(np.array(g, dtype=np.asarray(data).dtype))
        optimizer.step()
    return p.detach().numpy()


def test_complex_parameters_are_pairs_of_real_ones():
    def make(params):
        return lampas.optim.Adam(params, lr=0.1, amsgrad=True)

    z = np.array([1.0 + 2.0j, -3.0 + 0.5j])
    grads = [np.array([0.3 - 1.0j, 2.0 + 0.1j]), np.array([-0.2 + 0.7j, 0.4 - 0.9j])]
    both = stepped(make, z, grads)
    real = stepped(make, z.real, [g.real for g in grads])
    imaginary = stepped(make, z.imag, [g.imag for g in grads])
    np.testing.assert_allclose(both, real + 1j * imaginary, rtol=1e-14)


def test_half_momentum_rounds_only_what_it_stores():
    rng = np.random.default_rng(0)
    start = rng.standard_normal(50).astype(np.float16)
    grads = [rng.standard_normal(50).astype(np.float16) for _ in range(2)]

    def make(params):
        return lampas.optim.SGD(params, lr=0.1, momentum=0.9)

    got = stepped(make, start, grads)
    first = (start.astype(np.float64) - 0.1 * grads[0]).astype(np.float16)
    velocity = grads[0].astype(np.float64) * 0.9 + grads[1]
    right = (first.astype(np.float64) - 0.1 * velocity).astype(np.float16)
    # Both round float32 sums once: at most one unit apart.
    wide = right.astype(np.float64)
    np.testing.assert_allclose(got.astype(np.float64), wide, rtol=1e-3, atol=1e-4)


def test_step_counts_may_be_numbers_and_moments_in_any_order():
    p = lampas.tensor([1.0], requires_grad=True)
    state = {
        "exp_avg_sq": lampas.tensor([0.25]),
        "exp_avg": lampas.tensor([0.5]),
        "step": 3,
    }
    optimizer = lampas.optim.Adam([p], lr=0.1)
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": {0: state}, "param_groups": groups})
    p.grad = lampas.tensor([1.0])
    optimizer.step()
    mean, square = 0.9 * 0.5 + 0.1, 0.999 * 0.25 + 0.001
    update = mean / (1 - 0.9**4) / ((square / (1 - 0.999**4)) ** 0.5 + 1e-8)
    np.testing.assert_allclose(p.item(), 1 - 0.1 * update, rtol=1e-6)
    assert optimizer.state[p]["step"].item() == 4
