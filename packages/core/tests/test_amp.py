"""Regions of autocast: gradients, nesting, weights, threads, checkpoints."""

import threading

import pytest

import lampas
from lampas import nn
from lampas.engine.autocast import CASTS
from lampas.engine.callpath import CAST
from lampas.engine.record import RECORDS
from lampas.engine.tensor import ASSIGN, Tensor
from lampas.utils.checkpoint import checkpoint

ones = lampas.ones


def test_nothing_stays_behind():
    before = {name: record.call for name, record in RECORDS.items()}
    methods, assign = dict(vars(Tensor)), ASSIGN[0]
    with lampas.autocast("cpu"):
        assert RECORDS["matmul"].call is not before["matmul"]
        # Ops that are not cast are not looked at.
        assert RECORDS["mul"].call is before["mul"]
    assert all(RECORDS[name].call is call for name, call in before.items())
    assert dict(vars(Tensor)) == methods and ASSIGN[0] is assign


def test_an_error_inside_ends_the_region():
    with pytest.raises(KeyError), lampas.autocast("cpu"):
        raise KeyError
    assert not lampas.is_autocast_enabled("cpu") and CASTS._users == 0


def test_gradients_come_in_the_type_of_the_parameter():
    layer = nn.Linear(3, 2)
    x = ones(4, 3, requires_grad=True)
    with lampas.autocast("cpu"):
        y = layer(x)
    assert y.dtype == lampas.bfloat16
    y.float().sum().backward()
    assert {p.grad.dtype for p in layer.parameters()} == {lampas.float32}
    assert x.grad.dtype == lampas.float32
    assert layer.bias.grad.tolist() == [4.0, 4.0]
    assert layer.weight.grad.tolist() == [[4.0] * 3] * 2


def test_a_disabled_region_inside():
    x = ones(2, 2)
    with lampas.autocast("cpu"):
        with lampas.autocast("cpu", enabled=False):
            assert (x @ x).dtype == lampas.float32
            assert not lampas.is_autocast_enabled("cpu")
        assert (x @ x).dtype == lampas.bfloat16
        with lampas.autocast("cpu", dtype=lampas.float16):
            assert (x @ x).dtype == lampas.float16
            assert lampas.get_autocast_dtype("cpu") == lampas.float16
        assert (x @ x).dtype == lampas.bfloat16
    assert (x @ x).dtype == lampas.float32


def test_devices_have_regions_of_their_own():
    x, far = ones(2, 2), ones(2, 2, device="sim")
    with lampas.autocast("sim"):
        assert (x @ x).dtype == lampas.float32
        assert (far @ far).dtype == lampas.float16
        with lampas.autocast("cpu"):
            assert (x @ x).dtype == lampas.bfloat16
            assert (far @ far).dtype == lampas.float16


def test_as_a_decorator_also_in_a_recursion():
    @lampas.autocast("cpu")
    def power(x, n):
        return x if n == 0 else power(x, n - 1) @ x

    assert power(ones(2, 2), 2).dtype == lampas.bfloat16
    assert power.__name__ == "power" and CASTS._users == 0


def _casts_of_weights(run):
    """How often a weight was cast in a region."""
    layer = nn.Linear(2, 2, bias=False)
    seen, cast = [], CAST[0]

    def counted(x, *, dtype):
        seen.append(x is layer.weight)
        return cast(x, dtype=dtype)

    CAST[0] = counted
    try:
        run(layer)
    finally:
        CAST[0] = cast
    return sum(seen)


def test_weights_are_cast_once_in_a_region():
    x = ones(1, 2, dtype=lampas.bfloat16)

    def run(layer):
        with lampas.autocast("cpu"):
            assert layer(x).tolist() == layer(layer(x) * 0 + x).tolist()

    def run_uncached(layer):
        with lampas.autocast("cpu", cache_enabled=False):
            assert not lampas.is_autocast_cache_enabled()
            layer(layer(x))

    def run_cleared(layer):
        with lampas.autocast("cpu"):
            layer(x)
            lampas.clear_autocast_cache()
            layer(x)

    assert _casts_of_weights(run) == 1
    assert _casts_of_weights(run_uncached) == 2
    assert _casts_of_weights(run_cleared) == 2


def test_a_weight_changed_inside_is_cast_again():
    layer = nn.Linear(2, 1, bias=False)
    x = ones(1, 2)
    with lampas.autocast("cpu"):
        layer(x)
        with lampas.no_grad():
            layer.weight.fill_(3)
        assert layer(x).tolist() == [[6.0]]
        layer.weight.data = ones(1, 2)
        assert layer(x).tolist() == [[2.0]]


def test_several_backward_passes_go_through_one_cast():
    layer = nn.Linear(2, 1, bias=False)
    x = ones(1, 2)
    with lampas.autocast("cpu"):
        with lampas.no_grad():
            layer(x)
        first, second = layer(x), layer(x * 2)
    first.sum().backward()
    second.sum().backward()
    assert layer.weight.grad.tolist() == [[3.0, 3.0]]


def test_second_derivatives():
    x = lampas.tensor([[2.0]], requires_grad=True)
    with lampas.autocast("cpu"):
        y = (x @ x).float()
        (slope,) = lampas.autograd.grad(y.sum(), x, create_graph=True)
    assert slope.tolist() == [[4.0]]
    assert lampas.autograd.grad(slope.sum(), x)[0].tolist() == [[2.0]]


def test_in_place_and_out_keep_their_type():
    x = ones(2, 2)
    with lampas.autocast("cpu"):
        assert x.clone().addmm_(x, x * 1.001).dtype == lampas.float32
        total = x.clone().addmm_(x, x * 1.001)
        out = lampas.matmul(x, x * 1.001, out=lampas.empty(2, 2))
    # 1.001 is no bfloat16.
    assert total[0, 0].item() == pytest.approx(3.002, abs=1e-5)
    assert out[0, 0].item() == pytest.approx(2.002, abs=1e-5)


def test_threads_have_regions_of_their_own():
    found = []

    def other():
        found.append((ones(2, 2) @ ones(2, 2)).dtype)
        with lampas.autocast("cpu", dtype=lampas.float16):
            found.append((ones(2, 2) @ ones(2, 2)).dtype)

    with lampas.autocast("cpu"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert (ones(2, 2) @ ones(2, 2)).dtype == lampas.bfloat16
    assert found == [lampas.float32, lampas.float16]


def test_set_for_the_thread():
    x = ones(2, 2)
    lampas.set_autocast_enabled("cpu", True)
    try:
        assert (x @ x).dtype == lampas.bfloat16
        lampas.set_autocast_dtype("cpu", lampas.float16)
        assert (x @ x).dtype == lampas.float16
        lampas.set_autocast_cache_enabled(False)
        with lampas.autocast("cpu", enabled=False):
            assert (x @ x).dtype == lampas.float32
    finally:
        lampas.set_autocast_cache_enabled(True)
        lampas.set_autocast_dtype("cpu", lampas.bfloat16)
        lampas.set_autocast_enabled("cpu", False)
    assert (x @ x).dtype == lampas.float32 and CASTS._users == 0


def test_what_is_refused():
    with pytest.raises(RuntimeError, match="device_type must be one of"):
        lampas.autocast("tpu")
    with pytest.raises(TypeError, match="device_type must be a string"):
        lampas.autocast(lampas.float16)
    with pytest.warns(UserWarning, match="dtype must be float16 or bfloat16"):
        region = lampas.autocast("cpu", dtype=lampas.float64)
    with region:
        assert not lampas.is_autocast_enabled("cpu")


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpoints_compute_again_in_the_same_precision(reentrant):
    layer = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 1))
    x = lampas.linspace(-1, 1, 6).reshape(2, 3).requires_grad_()

    def grads(run):
        layer.zero_grad()
        x.grad = None
        with lampas.autocast("cpu"):
            y = run(layer, x)
        assert y.dtype == lampas.bfloat16
        y.float().sum().backward()
        return [x.grad.tolist(), *(p.grad.tolist() for p in layer.parameters())]

    seen = []
    layer[2].register_forward_pre_hook(lambda _, args: seen.append(args[0].dtype))
    again = grads(lambda f, x: checkpoint(f, x, use_reentrant=reentrant))
    assert seen == [lampas.bfloat16] * 2
    assert again == grads(lambda f, x: f(x))


def test_function_transforms():
    w = lampas.tensor([[1.0, 2.0], [3.0, 4.0]])

    def loss(w, x):
        return (x @ w).float().square().sum()

    x = lampas.tensor([[1.0, 1.0]])
    with lampas.autocast("cpu"):
        slope = lampas.func.grad(loss)(w, x)
        rows = lampas.vmap(lambda row: lampas.mv(w.T, row) + (row @ w))(x)
        _, tangent = lampas.func.jvp(lambda w: (x @ w).float(), (w,), (w,))
    assert slope.dtype == lampas.float32
    assert slope.tolist() == [[8.0, 12.0], [8.0, 12.0]]
    assert rows.tolist() == [[8.0, 12.0]] and tangent.tolist() == [[4.0, 6.0]]


def test_functions_with_hand_written_gradients():
    dtypes = []

    class Product(lampas.autograd.Function):
        @staticmethod
        @lampas.amp.custom_fwd(device_type="cpu")
        def forward(ctx, x, w):
            ctx.save_for_backward(x, w)
            return x @ w

        @staticmethod
        @lampas.amp.custom_bwd(device_type="cpu")
        def backward(ctx, g):
            x, w = ctx.saved_tensors
            dtypes.append((g @ w.T).dtype)
            return (g @ w.T).float(), (x.T @ g).float()

    x, w = ones(2, 2, requires_grad=True), ones(2, 2, requires_grad=True)
    with lampas.autocast("cpu"):
        y = Product.apply(x, w)
    y.float().sum().backward()
    assert dtypes == [lampas.bfloat16] and x.grad.tolist() == [[2.0] * 2] * 2


def test_inputs_of_a_function_can_be_cast():
    class Product(lampas.autograd.Function):
        @staticmethod
        @lampas.amp.custom_fwd(device_type="cpu", cast_inputs=lampas.float32)
        def forward(ctx, x, pair):
            assert not lampas.is_autocast_enabled("cpu")
            assert pair[0].dtype == lampas.float32
            return x @ pair[0]

        @staticmethod
        @lampas.amp.custom_bwd(device_type="cpu")
        def backward(ctx, g):
            return g, None

    x = ones(2, 2, dtype=lampas.bfloat16)
    with lampas.autocast("cpu"):
        assert Product.apply(x, [x, 3]).dtype == lampas.float32


def test_a_net_learns():
    generator = lampas.Generator().manual_seed(0)
    x = lampas.randn(64, 4, generator=generator)
    y = (x[:, :1] * x[:, 1:2]).tanh()
    net = nn.Sequential(nn.Linear(4, 32), nn.LayerNorm(32), nn.ReLU(), nn.Linear(32, 1))
    for p in net.parameters():
        if p.ndim == 2:
            nn.init.normal_(p, std=0.3, generator=generator)
    optimizer = lampas.optim.Adam(net.parameters(), lr=0.02)
    scaler = lampas.GradScaler("cpu", init_scale=2.0**10)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        with lampas.autocast("cpu"):
            loss = nn.functional.mse_loss(net(x), y)
        assert loss.dtype == lampas.float32
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]


@pytest.mark.parametrize("namespace", ["cpu", "cuda"])
def test_older_names(namespace):
    older = getattr(lampas, namespace).amp
    with pytest.warns(FutureWarning, match="amp.autocast"):
        region = older.autocast()
    with region:
        assert lampas.is_autocast_enabled(namespace)
    with pytest.warns(Warning) as caught:
        scaler = older.GradScaler()
    assert "deprecated" in str(caught[0].message)
    assert scaler.is_enabled() is (namespace == "cpu" or lampas.cuda.is_available())
