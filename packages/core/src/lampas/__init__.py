"""lampas: tensors, gradients and neural networks, under PyTorch's names, on NumPy.

>>> import lampas
>>> x = lampas.tensor([1.0, 2.0, 3.0], requires_grad=True)
>>> (x * x).sum().backward()
>>> x.grad
tensor([2., 4., 6.])
"""

# Some functions are given on twice, with and without out=: see below.
# mypy: disable-error-code="assignment, has-type"

from __future__ import annotations

import importlib
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # Before the families and after them: of functions of one name some type checkers
    # keep the first, some the last. Late families stand below, not here.
    from lampas.ops.with_out import *

from lampas._version import __version__
from lampas.backend.device import Device as device
from lampas.dtypes import (
    DType,
    bfloat16,
    can_cast,
    complex64,
    complex128,
    finfo,
    float16,
    float32,
    float64,
    get_default_dtype,
    iinfo,
    int8,
    int16,
    int32,
    int64,
    promote_types,
    set_default_dtype,
    uint8,
)
from lampas.dtypes import bool_ as bool
from lampas.engine import notebook as _notebook
from lampas.engine.modes import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from lampas.engine.printing import get_printoptions, printoptions, set_printoptions
from lampas.engine.tensor import Size, Tensor
from lampas.ops import FAMILIES as _FAMILIES
from lampas.ops import _late
from lampas.ops import with_out as _with_out
from lampas.ops.arithmetic import *
from lampas.ops.arrange import *
from lampas.ops.choose import *
from lampas.ops.compare import *
from lampas.ops.complex import *
from lampas.ops.convert import *
from lampas.ops.create import *
from lampas.ops.diagonal import *
from lampas.ops.erf import *
from lampas.ops.extremes import *
from lampas.ops.gather import *
from lampas.ops.grid import *
from lampas.ops.index import *
from lampas.ops.join import *
from lampas.ops.like import *
from lampas.ops.logs import *
from lampas.ops.mask import *
from lampas.ops.matmul import *
from lampas.ops.norms import *
from lampas.ops.power import *
from lampas.ops.random import *
from lampas.ops.reduce import *
from lampas.ops.replace import *
from lampas.ops.scan import *
from lampas.ops.scatter import *
from lampas.ops.shape import *
from lampas.ops.sort import *
from lampas.ops.split import *
from lampas.ops.trig import *
from lampas.ops.unary import *
from lampas.ops.variance import *
from lampas.ops.views import *

if TYPE_CHECKING:
    from lampas import (
        amp,
        autograd,
        backends,
        compat,
        cpu,
        cuda,
        distributions,
        errors,
        fft,
        func,
        kernels,
        linalg,
        multiprocessing,
        nn,
        ops,
        optim,
        profiler,
        random,
        return_types,
        signal,
        sparse,
        special,
        testing,
        train,
        utils,
    )
    from lampas._numerics import (
        are_deterministic_algorithms_enabled,
        get_deterministic_debug_mode,
        get_float32_matmul_precision,
        is_deterministic_algorithms_warn_only_enabled,
        set_default_tensor_type,
        set_deterministic_debug_mode,
        set_float32_matmul_precision,
        set_flush_denormal,
        use_deterministic_algorithms,
    )
    from lampas._threads import (
        get_num_interop_threads,
        get_num_threads,
        set_num_interop_threads,
        set_num_threads,
    )
    from lampas._warn import is_warn_always_enabled, set_warn_always
    from lampas.amp.autocast_mode import (
        autocast,
        clear_autocast_cache,
        get_autocast_cpu_dtype,
        get_autocast_dtype,
        get_autocast_gpu_dtype,
        is_autocast_cache_enabled,
        is_autocast_cpu_enabled,
        is_autocast_enabled,
        set_autocast_cache_enabled,
        set_autocast_dtype,
        set_autocast_enabled,
    )
    from lampas.amp.grad_scaler import GradScaler
    from lampas.backend.device import get_default_device, set_default_device
    from lampas.doctor import show_config
    from lampas.errors import OutOfMemoryError
    from lampas.io import load, save
    from lampas.kernels import memory_stats
    from lampas.ops.combine import *
    from lampas.ops.count_samples import *
    from lampas.ops.covariance import *
    from lampas.ops.cumulative import *
    from lampas.ops.distance import *
    from lampas.ops.einsum import *
    from lampas.ops.fixed_size import *
    from lampas.ops.floats import *
    from lampas.ops.gamma import *
    from lampas.ops.gamma_incomplete import *
    from lampas.ops.gradient import *
    from lampas.ops.grid_sampler import *
    from lampas.ops.histogram import *
    from lampas.ops.integers import *
    from lampas.ops.laid_out import *
    from lampas.ops.linalg_names import *
    from lampas.ops.matrix_exp import *
    from lampas.ops.matrix_power import chain_matmul, matrix_power
    from lampas.ops.neural import *
    from lampas.ops.older import *
    from lampas.ops.periodic_windows import *
    from lampas.ops.polar import *
    from lampas.ops.product import *
    from lampas.ops.quantile import *
    from lampas.ops.renorm import *
    from lampas.ops.shared import *
    from lampas.ops.sparse import sparse_coo_tensor
    from lampas.ops.sparse_compressed import (
        sparse_compressed_tensor,
        sparse_csc_tensor,
        sparse_csr_tensor,
    )
    from lampas.ops.sparse_product import hspmm, smm, spmm, sspaddmm
    from lampas.ops.stft import *
    from lampas.ops.strided import *
    from lampas.ops.tensor_queries import *
    from lampas.ops.trapezoid import *
    from lampas.ops.vander import *
    from lampas.random import (
        Generator,
        default_generator,
        get_rng_state,
        initial_seed,
        manual_seed,
        seed,
        set_rng_state,
    )
    from lampas.transform.vmap import vmap

dtype = DType
half, float, double = float16, float32, float64
short, int, long = int16, int32, int64
cfloat, cdouble = complex64, complex128
e, pi, inf, nan = math.e, math.pi, math.inf, math.nan
newaxis = None
strided, sparse_coo = "lampas.strided", "lampas.sparse_coo"
sparse_csr, sparse_csc = "lampas.sparse_csr", "lampas.sparse_csc"
contiguous_format = "lampas.contiguous_format"
channels_last = "lampas.channels_last"
preserve_format = "lampas.preserve_format"

# Submodules that are loaded when first used, so that the import stays quick.
_SUBMODULES = (
    "amp",
    "autograd",
    "backends",
    "compat",
    "cpu",
    "cuda",
    "distributions",
    "errors",
    "fft",
    "func",
    "kernels",
    "linalg",
    "multiprocessing",
    "nn",
    "ops",
    "optim",
    "profiler",
    "random",
    "return_types",
    "signal",
    "sparse",
    "special",
    "testing",
    "train",
    "utils",
)
_NUMERICS = (
    "are_deterministic_algorithms_enabled",
    "get_deterministic_debug_mode",
    "get_float32_matmul_precision",
    "is_deterministic_algorithms_warn_only_enabled",
    "set_default_tensor_type",
    "set_deterministic_debug_mode",
    "set_float32_matmul_precision",
    "set_flush_denormal",
    "use_deterministic_algorithms",
)
_THREADS = (
    "get_num_interop_threads",
    "get_num_threads",
    "set_num_interop_threads",
    "set_num_threads",
)
# Functions that live in such submodules.
_LAZY = {
    "Generator": "random",
    "GradScaler": "amp.grad_scaler",
    "OutOfMemoryError": "errors",
    "autocast": "amp.autocast_mode",
    "clear_autocast_cache": "amp.autocast_mode",
    "default_generator": "random",
    "get_autocast_cpu_dtype": "amp.autocast_mode",
    "get_autocast_dtype": "amp.autocast_mode",
    "get_autocast_gpu_dtype": "amp.autocast_mode",
    "get_rng_state": "random",
    "initial_seed": "random",
    "is_autocast_cache_enabled": "amp.autocast_mode",
    "is_autocast_cpu_enabled": "amp.autocast_mode",
    "is_autocast_enabled": "amp.autocast_mode",
    "load": "io",
    "memory_stats": "kernels",
    "get_default_device": "backend.device",
    "manual_seed": "random",
    "save": "io",
    "set_default_device": "backend.device",
    "seed": "random",
    "set_autocast_cache_enabled": "amp.autocast_mode",
    "set_autocast_dtype": "amp.autocast_mode",
    "set_autocast_enabled": "amp.autocast_mode",
    "set_rng_state": "random",
    "show_config": "doctor",
    "vmap": "transform.vmap",
    **dict.fromkeys(_NUMERICS, "_numerics"),
    **dict.fromkeys(_THREADS, "_threads"),
    **dict.fromkeys(("is_warn_always_enabled", "set_warn_always"), "_warn"),
    **{name: f"ops.{family}" for family, name in _late.functions()},
    **dict.fromkeys(_with_out.__all__, "ops.with_out"),
}

# Written out where type checkers must know that a name is given on.
__all__ = [
    "DType",
    "Generator",
    "GradScaler",
    "OutOfMemoryError",
    "Size",
    "Tensor",
    "__version__",
    "are_deterministic_algorithms_enabled",
    "autocast",
    "bfloat16",
    "bool",
    "can_cast",
    "cdouble",
    "cfloat",
    "channels_last",
    "clear_autocast_cache",
    "complex64",
    "complex128",
    "contiguous_format",
    "default_generator",
    "device",
    "double",
    "dtype",
    "e",
    "enable_grad",
    "finfo",
    "float",
    "float16",
    "float32",
    "float64",
    "get_autocast_cpu_dtype",
    "get_autocast_dtype",
    "get_autocast_gpu_dtype",
    "get_default_device",
    "get_default_dtype",
    "get_deterministic_debug_mode",
    "get_float32_matmul_precision",
    "get_num_interop_threads",
    "get_num_threads",
    "get_printoptions",
    "get_rng_state",
    "half",
    "iinfo",
    "inf",
    "inference_mode",
    "initial_seed",
    "int",
    "int8",
    "int16",
    "int32",
    "int64",
    "is_autocast_cache_enabled",
    "is_autocast_cpu_enabled",
    "is_autocast_enabled",
    "is_deterministic_algorithms_warn_only_enabled",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "is_warn_always_enabled",
    "load",
    "long",
    "manual_seed",
    "memory_stats",
    "nan",
    "newaxis",
    "no_grad",
    "pi",
    "preserve_format",
    "printoptions",
    "promote_types",
    "save",
    "seed",
    "set_autocast_cache_enabled",
    "set_autocast_dtype",
    "set_autocast_enabled",
    "set_default_device",
    "set_default_dtype",
    "set_default_tensor_type",
    "set_deterministic_debug_mode",
    "set_float32_matmul_precision",
    "set_flush_denormal",
    "set_grad_enabled",
    "set_num_interop_threads",
    "set_num_threads",
    "set_printoptions",
    "set_rng_state",
    "set_warn_always",
    "short",
    "show_config",
    "sparse_coo",
    "sparse_csc",
    "sparse_csr",
    "strided",
    "uint8",
    "use_deterministic_algorithms",
]
# A family may give on what another one defines: each name once.
__all__ += dict.fromkeys(name for family in _FAMILIES for name in family.__all__)
__all__ += [name for _, name in _late.functions()]


# Hidden from type checkers: each name that comes late is imported for them above.
if not TYPE_CHECKING:
    # The families' own, which do not take ``out=``.
    for _name in _with_out.__all__:
        globals().pop(_name, None)

    def __getattr__(name: str) -> Any:
        if name in _SUBMODULES:
            return importlib.import_module(f"lampas.{name}")
        if name in _LAZY:
            found = getattr(importlib.import_module(f"lampas.{_LAZY[name]}"), name)
            globals()[name] = found
            return found
        raise AttributeError(f"module 'lampas' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_SUBMODULES, *_LAZY})
