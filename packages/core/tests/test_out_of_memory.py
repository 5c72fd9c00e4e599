"""Where memory does not suffice, the error tells who asked and who holds it.

What is tried stands in a child process whose addresses are limited: memory fails there
where a test says, and nowhere else.
"""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from test_kernels_muon import formula

import lampas
from lampas.backend import native
from lampas.engine.exhausted import out_of_memory

_START = """
import resource
import lampas, lampas.nn.functional as F

def used():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()

def limit(free):
    resource.setrlimit(resource.RLIMIT_AS, (used() + free, resource.RLIM_INFINITY))

def fails(name, run):
    try:
        run()
    except lampas.OutOfMemoryError as error:
        text = str(error)
    else:
        raise AssertionError(f"{name}: nothing was raised")
    assert text.startswith(name), text
    assert "free: " in text and "the process's own limit" in text, text
    assert "largest live tensors:" in text and kept_line in text, text
    assert "no_grad" in text, text
    return text

M = 1 << 20
kept = lampas.zeros(321, 1000)
kept_line = "(321, 1000) lampas.float32 on cpu: 1,284,000 bytes"
"""


def _child(program: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _START + program], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr


pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux limits addresses as the tests need"
)

_CREATIONS = """
("zeros", lambda: lampas.zeros(64 * M)),
("ones", lambda: lampas.ones(64 * M)),
("empty", lambda: lampas.empty(64 * M)),
("full", lambda: lampas.full((64 * M,), 2.5)),
("eye", lambda: lampas.eye(8192)),
("arange", lambda: lampas.arange(64 * M)),
("range", lambda: lampas.range(0, 64 * M)),
("linspace", lambda: lampas.linspace(0, 1, 64 * M)),
("logspace", lambda: lampas.logspace(0, 1, 64 * M)),
("tensor", lambda: lampas.tensor(shown)),
("as_tensor", lambda: lampas.as_tensor(shown, dtype=lampas.float64)),
("rand", lambda: lampas.rand(64 * M)),
("randn", lambda: lampas.randn(64 * M)),
("randint", lambda: lampas.randint(9, (64 * M,))),
("randperm", lambda: lampas.randperm(64 * M)),
("normal", lambda: lampas.normal(0.0, 1.0, (64 * M,))),
("bernoulli", lambda: lampas.bernoulli(wide)),
("poisson", lambda: lampas.poisson(wide)),
("zeros_like", lambda: lampas.zeros_like(wide)),
("ones_like", lambda: lampas.ones_like(wide)),
("empty_like", lambda: lampas.empty_like(wide)),
("full_like", lambda: lampas.full_like(wide, 3.0)),
("rand", lambda: lampas.rand_like(wide)),
("randn", lambda: lampas.randn_like(wide)),
("randint", lambda: lampas.randint_like(wide, 9)),
("new_zeros", lambda: kept.new_zeros(64 * M)),
("new_ones", lambda: kept.new_ones(64 * M)),
("new_empty", lambda: kept.new_empty(64 * M)),
("new_full", lambda: kept.new_full((64 * M,), 2.0)),
"""

_OPS = """
("add", lambda: wide + wide),
("sub", lambda: 2 - wide),
("neg", lambda: whole.neg()),
("exp", lambda: big.exp_()),
("uniform_", lambda: big.uniform_()),
("normal_", lambda: big.normal_()),
("exponential_", lambda: big.exponential_()),
("cauchy_", lambda: big.cauchy_()),
("matmul", lambda: column @ column.T),
("clone", lambda: wide.clone()),
("cast", lambda: wide.double()),
("conv", lambda: F.conv2d(picture, lampas.zeros(64, 1, 7, 7))),
"""


def test_functions_that_make_tensors() -> None:
    _child(
        "import numpy\n"
        "wide = lampas.zeros(1).expand(64 * M)\n"
        "shown = numpy.broadcast_to(numpy.float32(0), (64 * M,))\n"
        f"cases = [{_CREATIONS}]\n"
        "lampas.poisson(lampas.ones(2))\n"
        "limit(128 * M)\n"
        "for name, run in cases:\n    fails(name + ': ', run)\n"
        "lampas.zeros(8 * M)\n"
    )


def test_ops_in_place_and_with_temporaries() -> None:
    _child(
        "wide = lampas.zeros(1).expand(64 * M)\n"
        "big = lampas.zeros(64 * M)\n"
        "whole = lampas.zeros(1, dtype=lampas.int64).expand(64 * M)\n"
        "column, picture = lampas.zeros(8192, 1), lampas.zeros(1, 1, 1200, 1200)\n"
        "F.conv2d(lampas.zeros(1, 1, 9, 9), lampas.zeros(2, 1, 7, 7))\n"
        "lampas.zeros(2).cauchy_()\n"
        f"cases = [{_OPS}]\n"
        "limit(128 * M)\n"
        "for name, run in cases:\n    fails(name, run)\n"
        "lampas.zeros(8 * M)\n"
    )


def test_backward_tells_the_node_and_can_be_tried_again() -> None:
    _child(
        "x = lampas.ones(8 * M, requires_grad=True)\n"
        "y = (x * x).sum()\n"
        "spare = lampas.zeros(32 * M)\n"
        "limit(8 * M)\n"
        "text = fails('backward at <MulBackward0>', "
        "lambda: y.backward(retain_graph=True))\n"
        "assert '33,554,432 bytes were asked for, shape (8388608,)' in text\n"
        "assert '(33554432,) lampas.float32 on cpu: 134,217,728 bytes' in text\n"
        "fails('backward', lambda: lampas.autograd.grad(y, x, retain_graph=True))\n"
        "del spare\n"
        "y.backward()\n"
        "assert x.grad[:3].tolist() == [2.0, 2.0, 2.0]\n"
    )


def test_what_only_the_graph_holds_is_told_too() -> None:
    _child(
        "x = lampas.ones(8 * M, requires_grad=True)\n"
        "y = x.exp().sqrt().sum()\n"
        "limit(128 * M)\n"
        "text = fails('zeros', lambda: lampas.zeros(64 * M))\n"
        "assert '33,554,432 bytes, kept for ExpBackward0' in text, text\n"
    )


@pytest.mark.parametrize("name", ["weights.pt", "weights.safetensors"])
def test_loading_fails_and_is_tried_again(tmp_path, name) -> None:
    path = str(tmp_path / name)
    _child(
        f"path = {path!r}\n"
        "lampas.save({'w': lampas.ones(16 * M)}, path)\n"
        "lampas.load(path)\n"
        "spare = lampas.zeros(32 * M)\n"
        "limit(16 * M)\n"
        "fails('load: ', lambda: lampas.load(path))\n"
        "del spare\n"
        "assert lampas.load(path)['w'][:2].tolist() == [1.0, 1.0]\n"
    )


def test_an_optimizer_whose_state_does_not_fit() -> None:
    _child(
        "x = lampas.ones(8 * M, requires_grad=True)\n"
        "x.grad = lampas.ones(8 * M)\n"
        "small = lampas.ones(2, requires_grad=True)\n"
        "small.grad = lampas.ones(2)\n"
        "lampas.optim.Adam([small]).step()\n"
        "limit(8 * M)\n"
        "fails('', lampas.optim.Adam([x]).step)\n"
    )


_MUON = """
import numpy as np

def made(shapes, **options):
    rng, params = np.random.default_rng(0), []
    for shape in shapes:
        p, g = (rng.standard_normal(shape).astype(np.float32) for _ in range(2))
        params.append(lampas.nn.Parameter(lampas.tensor(p)))
        params[-1].grad = lampas.tensor(g)
    optimizer = lampas.optim.Muon(params, lr=0.1, **options)
    for p in params:
        optimizer.state[p]["momentum_buffer"] = lampas.zeros_like(p)
    return optimizer, params

lampas.set_num_threads(1)
made([(3, 5)])[0].step()
"""
_native = pytest.mark.skipif(
    native.extension is None, reason="the kernels were not built"
)


@_native
def test_a_step_of_muon_that_does_not_fit_changes_nothing() -> None:
    # The second matrix comes later, and needs 16 MB.
    _child(
        f"{_MUON}"
        "optimizer, params = made([(200, 200), (1, 2 * M)])\n"
        "state = [optimizer.state[p]['momentum_buffer'] for p in params]\n"
        "before = [x.detach().numpy().copy() for x in params + state]\n"
        "lampas.kernels.trim_memory()\n"
        "limit(8 * M)\n"
        "fails('Muon.step', optimizer.step)\n"
        "for x, y in zip(params + state, before):\n"
        "    assert np.array_equal(x.detach().numpy(), y), x.shape\n"
    )


@_native
def test_muon_completes_a_step_without_memory_to_pack_operands(tmp_path) -> None:
    # Each matrix has 10 MB of scratch and needs 2.7 MB to pack one of its products.
    shapes, path = [(700, 700), (720, 680)], str(tmp_path / "stepped.npz")
    _child(
        f"{_MUON}"
        f"optimizer, params = made({shapes}, ns_steps=2)\n"
        "lampas.kernels.trim_memory()\n"
        "limit(12 * M)\n"
        "optimizer.step()\n"
        "limit(64 * M)\n"
        f"np.savez({path!r}, *[p.detach().numpy() for p in params])\n"
    )
    rng = np.random.default_rng(0)
    with np.load(path) as found:
        for i, shape in enumerate(shapes):
            p, g = (rng.standard_normal(shape).astype(np.float32) for _ in range(2))
            want = formula(p, [g], {"ns_steps": 2})
            np.testing.assert_allclose(found[f"arr_{i}"], want, 1e-5, 1e-5)


def test_a_new_tensor_of_absurd_size() -> None:
    kept = lampas.zeros(321, 1000)
    with pytest.raises(lampas.OutOfMemoryError, match="largest live") as caught:
        lampas.empty(1 << 28, 1 << 28)
    assert isinstance(caught.value, MemoryError)
    assert isinstance(caught.value, RuntimeError)
    text = str(caught.value)
    assert f"{tuple(kept.shape)} lampas.float32 on cpu: 1,284,000 bytes" in text
    size = 4 * (1 << 56)
    shape = (1 << 28, 1 << 28)
    assert f"{size:,} bytes were asked for, shape {shape} of float32" in text
    assert lampas.cuda.OutOfMemoryError is lampas.OutOfMemoryError


def test_half_of_a_batch_is_tried_after_an_outer_product_fails() -> None:
    x = lampas.zeros(1).expand(1 << 28)
    batch = 1 << 28
    with pytest.raises(lampas.OutOfMemoryError, match="mul"):
        x[:batch, None] * x[None, :]
    assert (x[:4, None] * x[None, :4]).shape == (4, 4)


def _line_of(text: str, part: str) -> str:
    return next(line for line in text.splitlines() if part in line)


def test_the_line_that_made_a_tensor_where_it_is_traced() -> None:
    tracemalloc.start(16)
    try:
        kept = lampas.zeros(777, 1000)
        with pytest.raises(lampas.OutOfMemoryError) as caught:
            lampas.empty(1 << 28, 1 << 28)
    finally:
        tracemalloc.stop()
    line = _line_of(str(caught.value), f"{tuple(kept.shape)} ")
    number = _line_of.__code__.co_firstlineno + 7
    assert line.endswith(f"bytes, made at {__file__}:{number}")


def test_the_line_that_made_a_tensor_where_anomalies_are_looked_for() -> None:
    with lampas.autograd.detect_anomaly():
        kept = lampas.ones(778, 1000, requires_grad=True) * 2
    with pytest.raises(lampas.OutOfMemoryError) as caught:
        lampas.empty(1 << 28, 1 << 28)
    line = _line_of(str(caught.value), f"{tuple(kept.shape)} ")
    assert f", made at {__file__}:" in line


def test_cupys_error_tells_of_the_card(monkeypatch) -> None:
    class Runtime:
        memGetInfo = staticmethod(lambda: (5, 80))

    class Cuda:
        runtime = Runtime

    class CuPy:
        cuda = Cuda

    error = type("OutOfMemoryError", (MemoryError,), {"__module__": "cupy.cuda"})
    name = "lampas.backend.memory.cupy_backend.namespace"
    monkeypatch.setattr(name, lambda: CuPy)
    told = out_of_memory("mul", error("Out of memory allocating 512 bytes"))
    lines = str(told).splitlines()
    assert lines[0] == "mul: Out of memory allocating 512 bytes"
    assert lines[1] == "free: 5 of the card's 80 bytes"
    assert out_of_memory("outer", told) is told
