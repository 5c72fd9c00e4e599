"""Settings of the libraries behind PyTorch, none of which lampas has.

What only tunes speed may be set and read; each library says that it is not there.
"""

from __future__ import annotations

from lampas.backends import cpu, cuda, cudnn, mkl, mkldnn, mps, openmp, opt_einsum

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp", "opt_einsum"]
