"""``out=``: results stored in a tensor that the caller has."""

import inspect
import pickle

import numpy as np
import pytest

import lampas
from lampas.errors import ArgumentTypeError, DeviceError, DTypeError, GradientError
from lampas.ops import with_out

X = lampas.tensor([[1.5, -2.5], [0.5, 4.0]])
BYTES = lampas.tensor([100, 100], dtype=lampas.int8)

CALLS = {
    "of one": lambda **out: lampas.exp(X, **out),
    "of two": lambda **out: lampas.mul(X, 3.0, **out),
    "of many": lambda **out: lampas.add(X, X, alpha=2, **out),
    "by keywords": lambda **out: lampas.div(input=X, other=X, **out),
    "reduction": lambda **out: lampas.sum(X, 1, **out),
    "NumPy's names": lambda **out: lampas.sum(X, axis=0, keepdims=True, **out),
    "matrices": lambda **out: lampas.matmul(X, X.t(), **out),
    "list": lambda **out: lampas.cat([X, X], 1, **out),
    "indices": lambda **out: lampas.argmax(X, 0, **out),
    "mask": lambda **out: lampas.eq(X, 1.5, **out),
    "late": lambda **out: lampas.kron(X, X, **out),
    "made": lambda **out: lampas.full((2, 3), 7.0, **out),
}
over_calls = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


@over_calls
def test_the_result_is_stored_and_returned(call):
    plain = call()
    out = lampas.empty(plain.shape, dtype=plain.dtype)
    memory = out.data_ptr()
    assert call(out=out) is out
    assert out.data_ptr() == memory
    assert out.tolist() == plain.tolist()


@over_calls
def test_an_empty_tensor_gets_the_shape(call):
    plain = call()
    out = lampas.empty(0, dtype=plain.dtype)
    assert call(out=out).shape == plain.shape
    assert out.tolist() == plain.tolist()


@over_calls
def test_another_shape_is_a_warning(call):
    plain = call()
    out = lampas.zeros(5, dtype=plain.dtype)
    with pytest.warns(UserWarning, match=r"out had shape \(5,\) and was resized"):
        call(out=out)
    assert out.tolist() == plain.tolist()


@pytest.mark.parametrize(
    ("call", "count"),
    [
        (lambda out: lampas.max(X, 1, out=out), 2),
        (lambda out: lampas.sort(X, out=out), 2),
        (lambda out: lampas.topk(X, 1, out=out), 2),
        (lambda out: lampas.aminmax(X, dim=0, out=out), 2),
    ],
)
def test_several_results(call, count):
    plain = call(None)
    out = tuple(lampas.empty(0, dtype=p.dtype) for p in plain)
    got = call(out)
    assert type(got) is type(plain)
    assert all(g is o for g, o in zip(got, out, strict=True))
    assert [o.tolist() for o in out] == [p.tolist() for p in plain]
    with pytest.raises(ArgumentTypeError, match=f"out must be {count} tensors"):
        call(out[0])


def test_dtypes():
    """The result is cast where it can be; sums compute in the dtype of out."""
    half = lampas.exp(X, out=lampas.empty(0, dtype=lampas.float16))
    assert half.dtype is lampas.float16
    np.testing.assert_allclose(half.numpy(), np.exp(X.numpy()), rtol=1e-3)
    assert lampas.sum(BYTES, 0, out=lampas.empty(())).item() == 200.0
    wrapped = lampas.sum(BYTES, 0, out=lampas.empty((), dtype=lampas.int8))
    assert wrapped.item() == 200 - 256
    added = lampas.add(BYTES, BYTES, out=lampas.empty(2))
    assert added.tolist() == [-56.0, -56.0]
    assert lampas.zeros(2, out=lampas.empty(0, dtype=lampas.int8)).dtype is lampas.int8
    assert lampas.eq(X, X, out=lampas.empty(2, 2)).tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_a_view_writes_into_its_base():
    base = lampas.zeros(2, 2)
    lampas.exp(lampas.zeros(2), out=base[1])
    assert base.tolist() == [[0.0, 0.0], [1.0, 1.0]]


def test_an_input_may_be_out():
    x = lampas.tensor([1.0, 2.0, 3.0])
    lampas.add(x[:2], 1.0, out=x[1:])
    assert x.tolist() == [1.0, 2.0, 3.0]
    lampas.neg(x, out=x)
    assert x.tolist() == [-1.0, -2.0, -3.0]


def test_a_saved_value_that_out_overwrites_is_missed():
    x = lampas.ones(2, requires_grad=True)
    factor = lampas.tensor([2.0, 3.0])
    y = (x * factor).sum()
    lampas.exp(lampas.zeros(2), out=factor)
    with pytest.raises(RuntimeError, match="exp_"):
        y.backward()


def test_gradients_are_refused_unless_none_are_recorded():
    weight = lampas.ones(2, requires_grad=True)
    with pytest.raises(GradientError, match="an input requires grad"):
        lampas.exp(weight, out=lampas.empty(2))
    with pytest.raises(GradientError, match="out requires grad"):
        lampas.exp(lampas.zeros(2), out=weight)
    with lampas.no_grad():
        lampas.exp(weight, out=weight)
    assert weight.requires_grad
    assert weight.tolist() == pytest.approx([np.e, np.e])
    found = lampas.argmax(weight, 0, out=lampas.empty((), dtype=lampas.int64))
    assert found.item() == 0


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: lampas.exp(X, out=lampas.empty(2, 2, dtype=lampas.int64)),
            DTypeError,
            "float32 can't be cast",
        ),
        (
            lambda: lampas.zeros(2, dtype=lampas.int8, out=lampas.empty(2)),
            DTypeError,
            "dtype is lampas.int8, but out has dtype lampas.float32",
        ),
        (
            lambda: lampas.exp(X, out=lampas.empty(1).expand(2, 2)),
            GradientError,
            "single memory location",
        ),
        (
            lambda: lampas.exp(X, out="y"),
            ArgumentTypeError,
            "must be a Tensor, got str",
        ),
        (
            lambda: lampas.sum(X, 0, out=3),
            ArgumentTypeError,
            "must be a Tensor, got int",
        ),
        (
            lambda: lampas.mul(X, X, out=(lampas.empty(2, 2),)),
            ArgumentTypeError,
            "must be one Tensor, got 1 of them",
        ),
        (
            lambda: lampas.exp(X, out=lampas.empty(2, 2, device="sim")),
            DeviceError,
            "out is on sim:0, but the result is on cpu",
        ),
    ],
)
def test_what_is_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_devices():
    out = lampas.empty(0, device="sim")
    assert lampas.zeros(2, out=out) is out
    assert lampas.exp(out, out=out).device.type == "sim"
    assert out.cpu().tolist() == [1.0, 1.0]


@pytest.mark.parametrize("name", with_out.__all__)
def test_each_function_of_the_table(name):
    """It is one of the namespace, says that it takes out, and is else what it was."""
    function, plain = getattr(lampas, name), with_out.family_function(name)
    parameters = dict(inspect.signature(function).parameters)
    assert parameters.pop("out").default is None
    assert parameters == dict(inspect.signature(plain).parameters)
    assert function.__module__ == "lampas"
    assert function.__doc__.startswith(plain.__doc__)
    assert not hasattr(plain, "__signature__")


def test_the_functions_can_be_pickled():
    assert pickle.loads(pickle.dumps(lampas.exp)) is lampas.exp
    with pytest.raises(AttributeError, match="no_such"):
        _ = with_out.no_such
