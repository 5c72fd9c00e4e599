"""Families that are loaded when one of their names is first used.

Importing every family would make ``import lampas`` slow for programs that need few of
them. The tables say which functions of the ``lampas`` namespace and which methods of
Tensor a late family brings.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from lampas.engine.tensor import Tensor

FUNCTIONS: dict[str, tuple[str, ...]] = {
    "bessel_modified": ("i0",),
    "combine": (
        "addcdiv",
        "addcmul",
        "lerp",
    ),
    "count_samples": (
        "binomial",
        "poisson",
    ),
    "covariance": (
        "corrcoef",
        "cov",
    ),
    "cumulative": (
        "cummax",
        "cummin",
        "logcumsumexp",
    ),
    "distance": (
        "cdist",
        "pdist",
    ),
    "einsum": (
        "einsum",
        "tensordot",
    ),
    "fixed_size": ("nonzero_static",),
    "floats": (
        "frexp",
        "ldexp",
        "nextafter",
    ),
    "gamma": (
        "digamma",
        "lgamma",
        "mvlgamma",
        "polygamma",
    ),
    "gamma_incomplete": (
        "igamma",
        "igammac",
    ),
    "gradient": ("gradient",),
    "grid_sampler": (
        "affine_grid_generator",
        "grid_sampler",
        "grid_sampler_2d",
        "grid_sampler_3d",
    ),
    "histogram": (
        "histc",
        "histogram",
        "histogramdd",
    ),
    "integers": (
        "gcd",
        "isin",
        "lcm",
        "unravel_index",
    ),
    "laid_out": (
        "empty_permuted",
        "empty_strided",
    ),
    "linalg_names": (
        "cholesky",
        "cholesky_inverse",
        "cholesky_solve",
        "det",
        "geqrf",
        "inverse",
        "logdet",
        "lu",
        "lu_solve",
        "lu_unpack",
        "orgqr",
        "ormqr",
        "pinverse",
        "qr",
        "slogdet",
        "svd",
        "triangular_solve",
    ),
    "matrix_exp": ("matrix_exp",),
    "matrix_power": (
        "chain_matmul",
        "matrix_power",
    ),
    "neural": (
        "adaptive_avg_pool1d",
        "alpha_dropout",
        "avg_pool1d",
        "bilinear",
        "celu",
        "celu_",
        "channel_shuffle",
        "constant_pad_nd",
        "conv1d",
        "conv2d",
        "conv3d",
        "conv_transpose1d",
        "conv_transpose2d",
        "conv_transpose3d",
        "cosine_similarity",
        "dropout",
        "feature_alpha_dropout",
        "group_norm",
        "hardshrink",
        "layer_norm",
        "log_softmax",
        "max_pool1d",
        "max_pool2d",
        "max_pool3d",
        "pairwise_distance",
        "pixel_shuffle",
        "pixel_unshuffle",
        "prelu",
        "relu",
        "relu_",
        "rms_norm",
        "rrelu",
        "rrelu_",
        "selu",
        "selu_",
        "softmax",
        "threshold",
        "threshold_",
    ),
    "older": (
        "native_channel_shuffle",
        "range",
        "typename",
        "unsafe_chunk",
        "unsafe_split",
        "unsafe_split_with_sizes",
    ),
    "periodic_windows": (
        "bartlett_window",
        "blackman_window",
        "hamming_window",
        "hann_window",
        "kaiser_window",
    ),
    "polar": (
        "angle",
        "complex",
        "conj_physical",
        "conj_physical_",
        "is_conj",
        "is_neg",
        "isreal",
        "polar",
        "resolve_conj",
        "resolve_neg",
    ),
    "product": (
        "addbmm",
        "addmv",
        "addr",
        "cross",
        "ger",
        "inner",
        "kron",
        "vdot",
    ),
    "quantile": (
        "mode",
        "nanmedian",
        "nanquantile",
        "quantile",
    ),
    "renorm": ("renorm",),
    "shared": (
        "from_file",
        "frombuffer",
    ),
    "sparse": ("sparse_coo_tensor",),
    "sparse_compressed": (
        "sparse_compressed_tensor",
        "sparse_csc_tensor",
        "sparse_csr_tensor",
    ),
    "sparse_product": ("hspmm", "smm", "spmm", "sspaddmm"),
    "stft": (
        "istft",
        "stft",
    ),
    "strided": (
        "as_strided",
        "as_strided_scatter",
    ),
    "tensor_queries": (
        "detach",
        "is_complex",
        "is_floating_point",
        "is_inference",
        "is_nonzero",
        "is_same_size",
        "is_signed",
        "is_tensor",
        "narrow_copy",
        "numel",
        "result_type",
    ),
    "trapezoid": (
        "cumulative_trapezoid",
        "trapezoid",
        "trapz",
    ),
    "vander": ("vander",),
}
"""Late families, and those of their functions that ``lampas`` gives on."""

METHODS: dict[str, tuple[str, ...]] = {
    "bessel_modified": (
        "i0",
        "i0_",
    ),
    "combine": (
        "addcdiv",
        "addcdiv_",
        "addcmul",
        "addcmul_",
        "lerp",
        "lerp_",
    ),
    "covariance": (
        "cov",
        "corrcoef",
    ),
    "cumulative": (
        "cummax",
        "cummin",
        "logcumsumexp",
    ),
    "fixed_size": ("nonzero_static",),
    "floats": (
        "frexp",
        "ldexp",
        "ldexp_",
        "nextafter",
        "nextafter_",
    ),
    "gamma": (
        "digamma",
        "digamma_",
        "lgamma",
        "lgamma_",
        "mvlgamma",
        "mvlgamma_",
        "polygamma",
        "polygamma_",
    ),
    "gamma_incomplete": (
        "igamma",
        "igamma_",
        "igammac",
        "igammac_",
    ),
    "histogram": (
        "histc",
        "histogram",
    ),
    "in_place_views": (
        "squeeze_",
        "unsqueeze_",
        "t_",
        "transpose_",
        "swapaxes_",
        "swapdims_",
        "resize_",
        "resize_as_",
        "set_",
    ),
    "integers": (
        "gcd",
        "gcd_",
        "lcm",
        "lcm_",
    ),
    "laid_out": (
        "dim_order",
        "new_empty_strided",
    ),
    "linalg_names": (
        "cholesky",
        "cholesky_inverse",
        "cholesky_solve",
        "det",
        "geqrf",
        "inverse",
        "logdet",
        "lu",
        "lu_solve",
        "orgqr",
        "ormqr",
        "pinverse",
        "qr",
        "slogdet",
        "svd",
        "triangular_solve",
    ),
    "matrix_exp": ("matrix_exp",),
    "matrix_power": ("matrix_power",),
    "older": (
        "apply_",
        "map_",
        "unsafe_chunk",
        "unsafe_split",
        "unsafe_split_with_sizes",
    ),
    "piecewise": (
        "hardshrink",
        "prelu",
        "relu",
        "relu_",
    ),
    "polar": (
        "angle",
        "isreal",
        "conj_physical",
        "conj_physical_",
        "resolve_conj",
        "resolve_neg",
        "is_conj",
        "is_neg",
    ),
    "product": (
        "vdot",
        "inner",
        "addmv",
        "addmv_",
        "addr",
        "addr_",
        "addbmm",
        "addbmm_",
        "kron",
        "cross",
        "ger",
    ),
    "quantile": (
        "nanmedian",
        "mode",
        "quantile",
        "nanquantile",
    ),
    "random_distributions": (
        "cauchy_",
        "geometric_",
        "log_normal_",
    ),
    "renorm": (
        "renorm",
        "renorm_",
    ),
    "shared": (
        "is_shared",
        "share_memory_",
    ),
    "softmax": (
        "log_softmax",
        "softmax",
    ),
    "sparse": (
        "coalesce",
        "dense_dim",
        "indices",
        "is_coalesced",
        "sparse_dim",
        "sparse_mask",
        "sparse_resize_",
        "sparse_resize_and_clear_",
        "to_dense",
        "to_sparse",
        "values",
        "_indices",
        "_nnz",
        "_values",
    ),
    "sparse_compressed": (
        "ccol_indices",
        "col_indices",
        "crow_indices",
        "row_indices",
        "to_sparse_coo",
        "to_sparse_csc",
        "to_sparse_csr",
    ),
    "sparse_product": (
        "smm",
        "sspaddmm",
    ),
    "stft": (
        "istft",
        "stft",
    ),
    "strided": (
        "as_strided",
        "as_strided_",
        "as_strided_scatter",
    ),
    "tensor_queries": (
        "is_nonzero",
        "is_same_size",
        "is_set_to",
        "narrow_copy",
        "get_device",
        "is_pinned",
        "pin_memory",
        "as_subclass",
        "const_data_ptr",
        "module_load",
    ),
}
"""Late families, and the methods that they attach to Tensor."""


def functions() -> list[tuple[str, str]]:
    """Each late function of the ``lampas`` namespace, behind its family."""
    return [(family, name) for family, names in FUNCTIONS.items() for name in names]


def load(family: str) -> Any:
    """The module of a family; importing it puts its methods in place."""
    return importlib.import_module(f"lampas.ops.{family}")


def load_all() -> None:
    """Load every late family, for tools that list what there is."""
    for family in (*FUNCTIONS, *METHODS):
        load(family)


def _first_call(family: str, name: str) -> Callable[..., Any]:
    """The method until it is first called: it loads the family that replaces it."""

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        load(family)
        return getattr(self, name)(*args, **kwargs)

    method.__name__ = name
    method.__doc__ = f"See :func:`lampas.{name.rstrip('_')}`."
    return method


def _attach() -> None:
    for family, names in METHODS.items():
        for name in names:
            setattr(Tensor, name, _first_call(family, name))


_attach()
