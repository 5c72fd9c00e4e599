"""Transforms of functions: PyTorch's ``torch.func``."""

from lampas.nn._functional_call import functional_call
from lampas.nn._replace_norms import replace_all_batch_norm_modules_
from lampas.nn._stack import stack_module_state
from lampas.transform.gradient import grad, grad_and_value, jvp, linearize, vjp
from lampas.transform.jacobian import hessian, jacfwd, jacrev
from lampas.transform.unwrap import debug_unwrap
from lampas.transform.vmap import vmap

__all__ = [
    "debug_unwrap",
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "replace_all_batch_norm_modules_",
    "stack_module_state",
    "vjp",
    "vmap",
]
