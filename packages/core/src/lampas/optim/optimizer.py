"""The base of all optimizers: groups, state, hooks, and their dictionaries."""

from __future__ import annotations

import copy
import functools
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import compress
from typing import Any

import numpy as np

from lampas.backend.native import bind, extension, left_alone
from lampas.dtypes import float64, get_default_dtype
from lampas.engine.exhausted import out_of_memory
from lampas.engine.inplace import written
from lampas.engine.modes import enable_grad, no_grad
from lampas.engine.rows import Rows
from lampas.engine.tape import Handle, Hooks
from lampas.engine.tensor import Tensor, wrap
from lampas.errors import ArgumentError, ArgumentTypeError, GradientError

__all__ = [
    "Optimizer",
    "register_optimizer_step_post_hook",
    "register_optimizer_step_pre_hook",
]


_zero_all: Callable[..., bool] = bind("zero_all", left_alone)
_KINDS = (np.dtype(np.float32), np.dtype(np.float64))


class _Required:
    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()
"""The default of an option that every group must set itself."""

_before_all, _after_all = Hooks(), Hooks()


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> Handle:
    """Call ``hook(optimizer, args, kwargs)`` before each step of every optimizer."""
    return _before_all.add(hook)


def register_optimizer_step_post_hook(hook: Callable[..., Any]) -> Handle:
    """Call ``hook(optimizer, args, kwargs)`` after each step of every optimizer."""
    return _after_all.add(hook)


def _hooked(step: Callable[..., Any]) -> Callable[..., Any]:
    """A ``step`` with the hooks around it, once even if it calls its parent's."""

    @functools.wraps(step)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        optimizer = args[0]
        if optimizer._stepping:
            return step(*args, **kwargs)
        for hooks in (_before_all, optimizer._before):
            for hook in list(hooks.functions.values()):
                args, kwargs = _replaced(hook(optimizer, args, kwargs), args, kwargs)
        optimizer._stepping = True
        try:
            result = step(*args, **kwargs)
        except MemoryError as error:
            raise out_of_memory(f"{type(optimizer).__name__}.step", error) from None
        finally:
            optimizer._stepping = False
        optimizer._opt_called = True
        for hooks in (optimizer._after, _after_all):
            for hook in list(hooks.functions.values()):
                hook(optimizer, args, kwargs)
        return result

    return wrapped


def _replaced(answer: Any, args: Any, kwargs: Any) -> tuple[Any, Any]:
    if answer is None:
        return args, kwargs
    if not isinstance(answer, tuple) or len(answer) != 2:
        raise ArgumentTypeError(
            f"a step's pre-hook must return None or (args, kwargs), got {answer!r}"
        )
    return answer


class Optimizer:
    """Holds parameters in groups and changes them by their gradients.

    A subclass implements ``_update(group, parameters)``, which is given the
    parameters of one group that have a gradient; or ``step``, as in PyTorch.

    Args:
        params: parameters, (name, parameter) pairs, or dictionaries, each a group with
            options of its own.
        defaults: options of groups that do not set them.

    Raises:
        TypeError: ``params`` is one tensor, or holds something else than tensors.
        ValueError: no parameters, or one in two groups.
    """

    _stepping = False
    # Whether a step was ever made: schedulers warn if theirs comes first.
    _opt_called = False
    # State that stays as it is loaded, whatever the parameter's dtype.
    _numbers: tuple[str, ...] = ("step",)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in vars(cls):
            cls.step = _hooked(cls.step)  # type: ignore[method-assign]

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.state: dict[Any, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self._make_hooks()
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

    def _make_hooks(self) -> None:
        self._before, self._after = Hooks(), Hooks()
        self._before_save, self._after_save = Hooks(), Hooks()
        self._before_load, self._after_load = Hooks(), Hooks()

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if not isinstance(v, Hooks)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._make_hooks()

    # ---- groups

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group; options that it does not set are the defaults.

        Args:
            param_group: ``params`` (tensors or (name, tensor) pairs) and options; the
                optimizer keeps and completes this dictionary.

        Raises:
            TypeError: not a dictionary of tensors, or they stand in a set.
            ValueError: a parameter is not a leaf, or in another group already; some
                have names and others have not; a required option is missing.
        """
        if not isinstance(param_group, dict):
            raise ArgumentTypeError(
                f"param_group must be a dict, got {type(param_group).__name__}"
            )
        tensors, names = _split_names(param_group["params"])
        self._check(tensors)
        for group in self.param_groups:
            if ("param_names" in group) != (names is not None):
                raise ArgumentError(
                    "all groups must have named parameters or none; this one is "
                    + ("unnamed" if names is None else "named")
                )
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ArgumentError(f"param_group must set the option {name!r}")
            param_group.setdefault(name, default)
        param_group["params"] = tensors
        if names is not None:
            param_group["param_names"] = names
        self.param_groups.append(param_group)

    def _check(self, params: list[Any]) -> None:
        present = {id(p) for g in self.param_groups for p in g["params"]}
        for p in params:
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
        if len({id(p) for p in params}) != len(params):
            warnings.warn(
                "a parameter group has duplicate parameters: each step will change "
                "them more than once",
                stacklevel=3,
            )

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients; or set them to zero.

        Args:
            set_to_none: drop the gradient tensors instead of filling them.
        """
        params = [p for group in self.param_groups for p in group["params"]]
        if set_to_none:
            for p in params:
                p.grad = None
            return
        grads = []
        for p in params:
            if p.grad is not None:
                p.grad = p.grad.detach() if p.grad.requires_grad else p.grad
                grads.append(p.grad)
        # A sparse gradient has no array, so that all are left to the loop.
        if _zero_all([None if g.is_sparse else g._data for g in grads]):
            written(grads, "zero_grad")
            return
        for g in grads:
            g.zero_()

    # ---- stepping

    @_hooked
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
        # All groups are looked through before any is changed.
        work = [(group, *self._split(group)) for group in self.param_groups]
        # As everywhere, overflow is no warning but an infinity.
        with np.errstate(all="ignore"):
            for group, params, sparse in work:
                if sparse:
                    self._update_rows(group, sparse)
                self._update(group, params)
        return loss

    def _split(self, group: dict[str, Any]) -> tuple[list[Tensor], list[Tensor]]:
        """The parameters that have a dense gradient, and those with a sparse one."""
        params, sparse = group["params"], []
        dense = [p for p in params if (g := p.grad) is not None and not g.is_sparse]
        if len(dense) != len(params):
            sparse = [p for p in params if (g := p.grad) is not None and g.is_sparse]
        self._check_layouts(group, dense, sparse)
        return dense, sparse

    def _check_layouts(
        self, group: dict[str, Any], dense: list[Tensor], sparse: list[Tensor]
    ) -> None:
        """Refuse gradients for which there is no update."""
        if sparse:
            raise GradientError(
                f"{type(self).__name__} does not support sparse gradients, got one of "
                f"shape {tuple(sparse[0].shape)}; use SparseAdam, SGD or Adagrad, or "
                "drop sparse=True"
            )

    def _update_rows(self, group: dict[str, Any], params: list[Tensor]) -> None:
        raise TypeError(f"{type(self).__name__} does not say how to update rows")

    def _update(self, group: dict[str, Any], params: list[Tensor]) -> None:
        raise TypeError(f"{type(self).__name__} does not say how to update")

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call ``hook(optimizer, args, kwargs)`` before each step.

        ``args`` begins with the optimizer; the hook may return new ``(args, kwargs)``.
        """
        return self._before.add(hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call ``hook(optimizer, args, kwargs)`` after each step."""
        return self._after.add(hook)

    # ---- saving

    def register_state_dict_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> Handle:
        """Call ``hook(optimizer)`` before ``state_dict()``."""
        return _add(self._before_save, hook, prepend)

    def register_state_dict_post_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> Handle:
        """Call ``hook(optimizer, state_dict)``; it may return another dictionary."""
        return _add(self._after_save, hook, prepend)

    def register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> Handle:
        """Call ``hook(optimizer, state_dict)`` before it is loaded.

        The hook gets a shallow copy, and may return another dictionary to load.
        """
        return _add(self._before_load, hook, prepend)

    def register_load_state_dict_post_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> Handle:
        """Call ``hook(optimizer)`` after ``load_state_dict()``."""
        return _add(self._after_load, hook, prepend)

    def state_dict(self) -> dict[str, Any]:
        """State and groups, with parameters replaced by their numbers.

        >>> import lampas
        >>> w = lampas.nn.Parameter(lampas.ones(2))
        >>> lampas.optim.SGD([w], lr=0.1).state_dict()["param_groups"][0]["params"]
        [0]
        """
        for hook in list(self._before_save.functions.values()):
            hook(self)
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            for p in group["params"]:
                numbers.setdefault(id(p), len(numbers))
            options = {k: v for k, v in group.items() if k != "params"}
            groups.append(
                {**options, "params": [numbers[id(p)] for p in group["params"]]}
            )
        state = {
            numbers[id(key)] if isinstance(key, Tensor) else key: dict(values)
            for key, values in self.state.items()
        }
        result: dict[str, Any] = {"state": state, "param_groups": groups}
        for hook in list(self._after_save.functions.values()):
            result = _either(hook(self, result), result)
        return result

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over state and options that ``state_dict`` gave.

        Moments get the parameter's dtype and device. Names of parameters do not
        matter; those that were saved are taken over.

        Raises:
            ValueError: the groups differ in number or length.
        """
        state_dict = dict(state_dict)
        for hook in list(self._before_load.functions.values()):
            state_dict = _either(hook(self, state_dict), state_dict)
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
        state: dict[Any, dict[str, Any]] = defaultdict(dict)
        for number, values in state_dict["state"].items():
            owner = owners.get(number)
            copied = copy.deepcopy(values)
            state[number if owner is None else owner] = (
                copied if owner is None else self._loaded(copied, owner)
            )
        self.state = state
        for group, options in zip(self.param_groups, saved, strict=True):
            group.update(
                {k: copy.deepcopy(v) for k, v in options.items() if k != "params"}
            )
        for hook in list(self._after_load.functions.values()):
            hook(self)

    def _loaded(self, value: Any, owner: Tensor, key: Any = None) -> Any:
        """A state value in the form of its parameter; numbers stay as they are."""
        if isinstance(value, Tensor):
            if key in self._numbers:
                return value
            if owner.is_floating_point():
                return value.to(owner.device, owner.dtype)
            return value.to(owner.device)
        if isinstance(value, dict):
            return {k: self._loaded(v, owner, k) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self._loaded(v, owner) for v in value)
        if key == "step" and isinstance(value, (int, float)):
            # Older checkpoints of PyTorch count in numbers.
            return number(value)
        return value

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            options = sorted(k for k in group if k != "params")
            lines += [f"    {key}: {group[key]}" for key in options]
        return "\n".join([*lines, ")"])


def _split_names(params: Any) -> tuple[list[Any], list[str] | None]:
    """The tensors of a group, and their names if they have any."""
    if isinstance(params, set):
        raise ArgumentTypeError(
            "params must have an order, which a set has not; put them into a list"
        )
    params = [params] if isinstance(params, Tensor) else list(params)
    names = [p[0] for p in params if isinstance(p, tuple)]
    if names and len(names) != len(params):
        raise ArgumentError(
            f"all parameters must have names or none; {len(names)} of {len(params)} do"
        )
    return [p[1] for p in params] if names else params, names or None


def _add(hooks: Hooks, hook: Callable[..., Any], prepend: bool) -> Handle:
    handle = hooks.add(hook)
    if prepend:
        rest = {k: f for k, f in hooks.functions.items() if k != handle.id}
        hooks.functions.clear()
        hooks.functions.update({handle.id: hook, **rest})
    return handle


def _either(answer: Any, otherwise: Any) -> Any:
    return otherwise if answer is None else answer


def number(value: float) -> Tensor:
    """A count or a factor of a parameter's state, as a tensor without dimensions."""
    dtype = np.float64 if get_default_dtype() is float64 else np.float32
    return wrap(np.asarray(value, dtype))


def gradients_of(params: Iterable[Tensor]) -> list[Any]:
    """The gradient arrays of parameters."""
    return [p.grad._data for p in params]  # type: ignore[union-attr]


def step_each(
    native: Callable[..., bool],
    reference: Callable[..., None],
    params: list[Tensor],
    *columns: list[Any],
) -> None:
    """Step parameters, each by what the lists of ``columns`` have of it.

    ``native(*columns)`` says whether it has stepped all. If not, those of each type are
    stepped by themselves, or each parameter is: one that no kernel takes keeps none of
    the others from it.
    """
    if native(*columns):
        return
    kinds = dict.fromkeys(p.dtype for p in params)
    if len(kinds) > 1:
        for kind in kinds:
            chosen = [p.dtype is kind for p in params]
            parts = [list(compress(c, chosen)) for c in (params, *columns)]
            step_each(native, reference, *parts)
        return
    alone = len(params) > 1 and _has_kernels(params[0]._data)
    for own in zip(*columns, strict=True):
        if not (alone and native(*([part] for part in own))):
            reference(*own)


def _has_kernels(data: Any) -> bool:
    """Whether kernels step parameters of such data, most of them at least."""
    return (
        extension is not None and isinstance(data, np.ndarray) and data.dtype in _KINDS
    )


def negated(g: Any) -> Any:
    """A gradient array for a step that goes up."""
    # In one dimension: NumPy gives scalars for arrays of none.
    return (-g.reshape(-1)).reshape(g.shape)


def refuse_decay(name: str, group: dict[str, Any], sparse: list[Tensor]) -> None:
    """Weight decay changes every row, a sparse gradient only those it lists."""
    if sparse and group["weight_decay"]:
        raise GradientError(
            f"{name}: weight_decay does not go with sparse gradients, as it changes "
            "every row; put that parameter into a group without it"
        )


def rows_of(p: Tensor, maximize: bool = False) -> Rows:
    """A parameter's sparse gradient, each place once, negated to maximise."""
    g: Any = p.grad
    rows = Rows.of(g) if g._is_coalesced else Rows.of(g).summed()
    return rows * -1.0 if maximize else rows


def like(p: Tensor) -> Tensor:
    """A tensor of zeros in the form of a parameter."""
    return wrap(np.zeros_like(p._data))


def changed(params: Iterable[Tensor]) -> None:
    """Note in the version cells that the parameters were written."""
    written(params, "an optimizer step")
