"""The functions of the ``lampas`` namespace that can store their result: ``out=``.

``lampas.exp(x, out=y)`` computes what ``lampas.exp(x)`` does and stores it in ``y``,
which it returns. The functions of the families know nothing of this: those of the
namespace are made here around them, each when it is first used. Type checkers see
``with_out.pyi``, which ``tests/tools/out_stub.py`` makes of the same signatures.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

from lampas.engine.autocast import precision
from lampas.engine.inplace import check_writable, store
from lampas.engine.modes import is_grad_enabled
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentTypeError, DeviceError, DTypeError, GradientError
from lampas.ops import FAMILIES, _late
from lampas.ops._arguments import spelled_as_ours

_MADE = """
arange empty eye full linspace logspace ones rand randint randn randperm zeros
""".split()
"""Functions that make tensors: in the dtype and on the device of ``out``."""

_COMPUTED = """
cumprod cumsum mean nanmean nansum prod sum
""".split()
"""Functions that compute in the dtype of ``out``."""

_OTHERS = """
abs absolute acos acosh add addbmm addcdiv addcmul addmm addmv addr all amax amin
aminmax angle any arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax argmin
asin asinh atan atan2 atanh baddbmm bernoulli bitwise_and bitwise_left_shift
bitwise_not bitwise_or bitwise_right_shift bitwise_xor bmm bucketize cat ceil
chain_matmul cholesky cholesky_inverse cholesky_solve clamp clamp_max clamp_min clip
column_stack complex concat concatenate conj_physical copysign cos cosh cross cummax
cummin deg2rad diag diff digamma div divide dot dstack eq erf erfc erfinv exp exp2
expm1 fix float_power floor floor_divide fmax fmin fmod frac frexp gather gcd ge
geqrf ger greater greater_equal gt heaviside histc histogram histogramdd hstack
hypot i0 igamma igammac index_add index_copy index_reduce index_select inner inverse
isin isneginf isposinf kron kthvalue lcm ldexp le lerp less less_equal lgamma log
log10 log1p log2 log_softmax logaddexp logaddexp2 logcumsumexp logical_and
logical_not logical_or logical_xor logit logsumexp lt lu_solve lu_unpack
masked_select matmul matrix_power max maximum median min minimum mm mode msort mul
multinomial multiply mv mvlgamma nan_to_num nanmedian nanquantile narrow_copy ne neg
negative nextafter nonzero norm normal not_equal orgqr ormqr outer polar polygamma
pow qr quantile rad2deg reciprocal remainder renorm round row_stack rsqrt scatter
scatter_add scatter_reduce searchsorted sgn sigmoid sign signbit sin sinc sinh
slice_scatter slogdet softmax sort sqrt square stack std sub subtract svd take
take_along_dim tan tanh tensordot topk triangular_solve tril triu true_divide trunc
var vdot vstack where xlogy
""".split()

_KEYWORD = inspect.Parameter.KEYWORD_ONLY

__all__ = sorted(_MADE + _COMPUTED + _OTHERS)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    function = globals()[name] = _storing(name, family_function(name))
    return function


def family_function(name: str) -> Callable[..., Any]:
    """The function of a family."""
    for family in FAMILIES:
        if name in family.__all__:
            return getattr(family, name)
    late = next(f for f, names in _late.FUNCTIONS.items() if name in names)
    return getattr(_late.load(late), name)


def _storing(name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
    """The function with ``out=``: one frame more, and no more work without it."""
    signature = inspect.signature(plain)
    names = list(signature.parameters)
    if names == ["input"]:
        made = _of_one(name, plain)
    elif names == ["input", "other"]:
        made = _of_two(name, plain)
    else:
        made = _of_many(name, plain)
    single = plain.__annotations__.get("return") == "Tensor"
    kind = "Tensor | None" if single else "Any"
    out = inspect.Parameter("out", _KEYWORD, default=None, annotation=kind)
    parameters = [*signature.parameters.values(), out]
    made.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    made.__annotations__ = {**plain.__annotations__, "out": kind}
    made.__name__ = made.__qualname__ = name
    made.__module__, made.__doc__ = "lampas", f"{plain.__doc__}{_DOC}"
    return made


_DOC = """
    With ``out``, the result is stored there and ``out`` is returned. It gets the
    result's shape if it is empty (with a warning, if it is not); the result must be
    castable to its dtype; and gradients can't be recorded.
    """


def _uncast(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function whose result has a place: autocast leaves it alone."""
    with precision(None):
        return function(*args, **kwargs)


def _of_one(name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
    def function(input: Any, *, out: Any = None) -> Any:
        if out is None:
            return plain(input)
        _check(name, out)
        return _stored(name, out, _uncast(plain, input))

    return function


def _of_two(name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
    def function(input: Any, other: Any, *, out: Any = None) -> Any:
        if out is None:
            return plain(input, other)
        _check(name, out)
        return _stored(name, out, _uncast(plain, input, other))

    return function


def _of_many(name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
    made, computed = name in _MADE, name in _COMPUTED
    inner = getattr(plain, "ours", plain)
    spelled = inner is not plain

    def function(*args: Any, out: Any = None, **kwargs: Any) -> Any:
        if spelled and kwargs:
            spelled_as_ours(kwargs)
        if out is None:
            return inner(*args, **kwargs)
        _check(name, out)
        if made or computed:
            kwargs["dtype"] = _dtype(name, out, kwargs.get("dtype"))
        if made:
            kwargs.setdefault("device", out.device)
        return _stored(name, out, _uncast(inner, *args, **kwargs))

    return function


def _dtype(name: str, out: Tensor, wanted: Any) -> Any:
    if wanted is not None and wanted != out.dtype:
        raise DTypeError(f"{name}: dtype is {wanted}, but out has dtype {out.dtype}")
    return out.dtype


def _check(name: str, out: Any) -> None:
    """Refuse what nothing can be stored in, before anything is computed."""
    if isinstance(out, (tuple, list)):
        for one in out:
            _check(name, one)
        return
    if not isinstance(out, Tensor):
        raise ArgumentTypeError(
            f"{name}: out must be a Tensor, got {type(out).__name__}"
        )
    if out._node is not None and is_grad_enabled():
        raise _unrecorded(name, "out")
    check_writable(out)


def _unrecorded(name: str, which: str) -> GradientError:
    return GradientError(
        f"{name}: gradients can't be recorded with out=, and {which} requires grad; "
        "leave out= away, or work under no_grad()"
    )


def _stored(name: str, out: Any, result: Any) -> Any:
    if isinstance(result, tuple):
        return _each_stored(name, out, result)
    if not isinstance(out, Tensor):
        raise ArgumentTypeError(
            f"{name}: out must be one Tensor, got {len(out)} of them"
        )
    if result._node is not None:
        raise _unrecorded(name, "an input")
    if out.device != result.device:
        raise DeviceError(
            f"{name}: out is on {out.device}, but the result is on {result.device}"
        )
    if out._data.shape != result._data.shape:
        _resize(name, out, result)
    return store(out, result, name)


def _each_stored(name: str, out: Any, results: tuple[Any, ...]) -> Any:
    if not isinstance(out, (tuple, list)) or len(out) != len(results):
        raise ArgumentTypeError(f"{name}: out must be {len(results)} tensors")
    stored = [_stored(name, o, r) for o, r in zip(out, results, strict=True)]
    kind = type(results)
    return kind(*stored) if hasattr(kind, "_fields") else kind(stored)


def _resize(name: str, out: Tensor, result: Tensor) -> None:
    if out._data.size:
        warnings.warn(
            f"{name}: out had shape {tuple(out.shape)} and was resized to that of the "
            f"result, {tuple(result.shape)}; give one of that shape, or out.resize_(0)",
            stacklevel=4,
        )
    out.resize_(result.shape)  # type: ignore[attr-defined]
