"""``torch._inductor.config``: anything may be set; nothing is read."""

from __future__ import annotations

from types import SimpleNamespace

coordinate_descent_tuning = False
fx_graph_cache = False
max_autotune = False
cpp = SimpleNamespace(threads=-1)
triton = SimpleNamespace(cudagraphs=False, unique_kernel_names=False)
