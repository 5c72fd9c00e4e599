"""``torch._dynamo.config``: anything may be set; nothing is read."""

from __future__ import annotations

suppress_errors = False
verbose = False
cache_size_limit = 8
recompile_limit = 8
optimize_ddp = True
