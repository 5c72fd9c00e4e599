"""The base of all optimizers: parameter groups, state, and their dictionaries."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from lampas.dtypes import HALVES
from lampas.engine.modes import enable_grad, no_grad
from lampas.engine.tape import Handle, Hooks
from lampas.engine.tensor import Tensor, wrap
from lampas.errors import ArgumentError, ArgumentTypeError

__all__ = ["Optimizer"]


class Optimizer:
    """Holds parameters in groups and changes them by their gradients.

    A subclass implements ``_update(group, parameters)``, which is given the
    parameters of one group that have a gradient.

    Args:
        params: parameters, (name, parameter) pairs, or dictionaries, each a group with
            options of its own.
        defaults: options of groups that do not set them.

    Raises:
        TypeError: ``params`` is one tensor, or holds something else than tensors.
        ValueError: no parameters, or one in two groups.
    """

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.state: dict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self._before, self._after = Hooks(), Hooks()
        if isinstance(params, (Tensor, dict)):
            raise ArgumentTypeError(
                "params must be an iterable of tensors or of dicts, got one "
                f"{type(params).__name__}; put it into a list"
            )
        groups = list(params)
        if not groups:
            raise ArgumentError("params is empty: an optimizer needs a parameter")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group; options that it does not set are the defaults.

        Raises:
            TypeError: not a dictionary of tensors.
            ValueError: a parameter is not a leaf, or in another group already.
        """
        if not isinstance(param_group, dict):
            raise ArgumentTypeError(
                f"param_group must be a dict, got {type(param_group).__name__}"
            )
        params = param_group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        named = bool(params) and isinstance(params[0], tuple)
        tensors = [p[1] for p in params] if named else params
        group = {**self.defaults, **param_group, "params": tensors}
        if named:
            group["param_names"] = [p[0] for p in params]
        self._check(group)
        self.param_groups.append(group)

    def _check(self, group: dict[str, Any]) -> None:
        present = {id(p) for g in self.param_groups for p in g["params"]}
        for p in group["params"]:
            if not isinstance(p, Tensor):
                raise ArgumentTypeError(
                    f"an optimizer takes Tensors, got {type(p).__name__}"
                )
            if not p.is_leaf and not p.retains_grad:
                raise ArgumentError("can't optimize a tensor that is not a leaf")
            if id(p) in present:
                raise ArgumentError(
                    "some parameters appear in more than one parameter group"
                )
            present.add(id(p))

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients; or set them to zero.

        Args:
            set_to_none: drop the gradient tensors instead of filling them.
        """
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    p.grad = p.grad.detach()
                    p.grad._data[...] = 0

    @no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient, once.

        Args:
            closure: computes the loss anew, with gradients; called first.

        Returns:
            What ``closure`` returned, or None.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for hook in list(self._before.functions.values()):
            hook(self, (closure,), {})
        for group in self.param_groups:
            self._update(group, [p for p in group["params"] if p.grad is not None])
        for hook in list(self._after.functions.values()):
            hook(self, (closure,), {})
        return loss

    def _update(self, group: dict[str, Any], params: list[Tensor]) -> None:
        raise TypeError(f"{type(self).__name__} does not say how to update")

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call ``hook(optimizer, args, kwargs)`` before each step."""
        return self._before.add(hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call ``hook(optimizer, args, kwargs)`` after each step."""
        return self._after.add(hook)

    # ---- saving

    def state_dict(self) -> dict[str, Any]:
        """State and groups, with parameters replaced by their numbers.

        >>> import lampas
        >>> w = lampas.nn.Parameter(lampas.ones(2))
        >>> lampas.optim.SGD([w], lr=0.1).state_dict()["param_groups"][0]["params"]
        [0]
        """
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            for p in group["params"]:
                numbers.setdefault(id(p), len(numbers))
            options = {k: v for k, v in group.items() if k != "params"}
            groups.append(
                {**options, "params": [numbers[id(p)] for p in group["params"]]}
            )
        state = {numbers[id(p)]: dict(s) for p, s in self.state.items()}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over state and options that ``state_dict`` gave.

        Raises:
            ValueError: the groups differ in number or length.
        """
        saved = state_dict["param_groups"]
        lengths = [len(g["params"]) for g in saved]
        ours = [len(g["params"]) for g in self.param_groups]
        if lengths != ours:
            raise ArgumentError(
                "state_dict must have parameter groups like the optimizer's: it has "
                f"groups of {lengths} parameters, the optimizer of {ours}"
            )
        flat = [p for g in self.param_groups for p in g["params"]]
        order = [number for g in saved for number in g["params"]]
        owners = dict(zip(order, flat, strict=True))
        self.state = defaultdict(dict)
        for number, values in state_dict["state"].items():
            owner = owners[number]
            self.state[owner] = {
                k: _loaded(k, v, owner) for k, v in copy.deepcopy(values).items()
            }
        for group, options in zip(self.param_groups, saved, strict=True):
            group.update(
                {k: copy.deepcopy(v) for k, v in options.items() if k != "params"}
            )

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            options = sorted(k for k in group if k not in ("params", "param_names"))
            lines += [f"    {key}: {group[key]}" for key in options]
        return "\n".join([*lines, ")"])


def _loaded(key: str, value: Any, owner: Tensor) -> Any:
    """A state value in the form of its parameter; step counts stay as they are."""
    if key == "step" and isinstance(value, (int, float)):
        # Older checkpoints of PyTorch count in numbers.
        return wrap(np.asarray(value, np.float32))
    if isinstance(value, Tensor) and key != "step" and value.dtype.category >= 2:
        return value.to(owner.device, owner.dtype)
    return value


def gradients_of(params: Iterable[Tensor], maximize: bool) -> list[Any]:
    """The gradient arrays of parameters, negated to maximise."""
    grads = [p.grad._data for p in params]  # type: ignore[union-attr]
    return [-g for g in grads] if maximize else grads


def like(p: Tensor) -> Tensor:
    """A tensor of zeros in the form of a parameter."""
    return wrap(np.zeros_like(p._data))


def changed(params: Iterable[Tensor]) -> None:
    """Note in the version cells that the parameters were written."""
    for p in params:
        if p._cell is not None:
            p._cell[0] += 1
            p._cell[2:] = ["an optimizer step"]


def is_half(p: Tensor) -> bool:
    """Whether a parameter is of half precision, in which sums would be lost."""
    return p._data.dtype in HALVES
