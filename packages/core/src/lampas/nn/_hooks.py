"""Calling a module that has hooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lampas.engine.function import Function
from lampas.engine.tape import Hooks
from lampas.engine.tensor import Tensor

__all__ = [
    "EVERYWHERE",
    "REGISTRATION",
    "ForwardHooks",
    "HookMethods",
    "call_with_hooks",
]


class ForwardHooks(Hooks):
    """Hooks in order, with what each wants to be given."""

    __slots__ = ("always", "kwargs")

    def __init__(self) -> None:
        super().__init__()
        self.kwargs: set[int] = set()
        self.always: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self.functions)

    def __len__(self) -> int:
        return len(self.functions)

    def clear(self) -> None:
        """Take all hooks out."""
        self.functions.clear()

    def register(
        self, hook: Any, prepend: bool, kwargs: bool = False, always: bool = False
    ) -> Any:
        """Add a hook, last or first; returns its handle."""
        handle = self.add(hook)
        if prepend:
            rest = {k: f for k, f in self.functions.items() if k != handle.id}
            self.functions.clear()
            self.functions.update({handle.id: hook, **rest})
        if kwargs:
            self.kwargs.add(handle.id)
        if always:
            self.always.add(handle.id)
        return handle


EVERYWHERE = {
    name: ForwardHooks() for name in ("pre", "forward", "backward_pre", "backward")
}
"""Hooks that are called for every module, before the module's own."""

REGISTRATION = {name: Hooks() for name in ("parameter", "buffer", "module")}
"""Hooks that are called when a module gets a parameter, a buffer or a child."""


def _both(kind: str, hooks: ForwardHooks) -> list[tuple[int, Any, ForwardHooks]]:
    """The hooks of every module and of one module, each with its key and settings."""
    return [
        (key, hook, where)
        for where in (EVERYWHERE[kind], hooks)
        for key, hook in where.functions.items()
    ]


def call_with_hooks(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What ``module(*args, **kwargs)`` does when there are hooks."""
    for key, hook, where in _both("pre", module._forward_pre_hooks):
        if key in where.kwargs:
            replaced = hook(module, args, kwargs)
            if replaced is not None:
                args, kwargs = replaced
        else:
            replaced = hook(module, args)
            if replaced is not None:
                args = replaced if isinstance(replaced, tuple) else (replaced,)
    backward = None
    if _both("backward", module._backward_hooks) or _both(
        "backward_pre", module._backward_pre_hooks
    ):
        backward = _BackwardCall(module)
        args = backward.watch_inputs(args)
    done: set[int] = set()
    try:
        result = module.forward(*args, **kwargs)
        result = _after(module, args, kwargs, result, done)
    except BaseException:
        _after_failure(module, args, kwargs, done)
        raise
    return result if backward is None else backward.watch_outputs(result)


def _after(
    module: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    result: Any,
    done: set[int],
) -> Any:
    for key, hook, where in _both("forward", module._forward_hooks):
        done.add(key)
        if key in where.kwargs:
            replaced = hook(module, args, kwargs, result)
        else:
            replaced = hook(module, args, result)
        if replaced is not None:
            result = replaced
    return result


def _after_failure(
    module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], done: set[int]
) -> None:
    """Call the hooks that want to be called in any case, without a result."""
    for key, hook, where in _both("forward", module._forward_hooks):
        if key in where.always and key not in done:
            if key in where.kwargs:
                hook(module, args, kwargs, None)
            else:
                hook(module, args, None)


class _Watch(Function):
    """The identity on some tensors; hands their gradients to a function."""

    @staticmethod
    def forward(ctx: Any, function: Any, *tensors: Tensor) -> Any:
        ctx.function = function
        return tuple(t.detach() for t in tensors)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return (None, *ctx.function(grads))


class _BackwardCall:
    """The full backward hooks of one call of a module."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.grad_output: tuple[Any, ...] | None = None
        self.places: list[int] = []
        self.count = 0

    def watch_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Pass the inputs that need a gradient through the watch."""
        self.count = len(args)
        self.places = [
            i for i, x in enumerate(args) if isinstance(x, Tensor) and x.requires_grad
        ]
        if not self.places:
            return args
        watched = _Watch.apply(self._inputs_reached, *(args[i] for i in self.places))
        result = list(args)
        for i, x in zip(self.places, watched, strict=True):
            result[i] = x
        return tuple(result)

    def watch_outputs(self, result: Any) -> Any:
        """Pass the tensors of the result through the watch."""
        outputs = result if isinstance(result, (tuple, list)) else (result,)
        at = [
            i
            for i, y in enumerate(outputs)
            if isinstance(y, Tensor) and y.requires_grad
        ]
        if not at:
            return result
        watched = _Watch.apply(self._outputs_reached, *(outputs[i] for i in at))
        replaced = list(outputs)
        for i, y in zip(at, watched, strict=True):
            replaced[i] = y
        if isinstance(result, (tuple, list)):
            return type(result)(replaced)
        return replaced[0]

    def _outputs_reached(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        module = self.module
        for _, hook, _ in _both("backward_pre", module._backward_pre_hooks):
            replaced = hook(self.module, grads)
            if replaced is not None:
                grads = replaced if isinstance(replaced, tuple) else (replaced,)
        self.grad_output = grads
        if not self.places:
            for _, hook, _ in _both("backward", module._backward_hooks):
                hook(module, (None,) * self.count, grads)
        return grads

    def _inputs_reached(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        full: list[Any] = [None] * self.count
        for i, g in zip(self.places, grads, strict=True):
            full[i] = g
        for _, hook, _ in _both("backward", self.module._backward_hooks):
            replaced = hook(self.module, tuple(full), self.grad_output)
            if replaced is not None:
                full = list(replaced if isinstance(replaced, tuple) else (replaced,))
        return tuple(full[i] for i in self.places)


class HookMethods:
    """What registers hooks with one module."""

    _forward_hooks: ForwardHooks
    _forward_pre_hooks: ForwardHooks
    _backward_hooks: ForwardHooks
    _backward_pre_hooks: ForwardHooks
    _state_dict_hooks: Hooks
    _state_dict_pre_hooks: Hooks
    _load_state_dict_pre_hooks: Hooks
    _load_state_dict_post_hooks: Hooks

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> Any:
        """Call ``hook(module, args, output)`` after each forward.

        A result other than None replaces the output.

        Args:
            prepend: call it before the other hooks.
            with_kwargs: call ``hook(module, args, kwargs, output)``.
            always_call: also call it, with None, when forward raises.

        Returns:
            A handle with ``remove()``.
        """
        return self._forward_hooks.register(hook, prepend, with_kwargs, always_call)

    def register_forward_pre_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
    ) -> Any:
        """Call ``hook(module, args)`` before each forward; it may replace ``args``.

        With ``with_kwargs`` it is ``hook(module, args, kwargs)`` and returns both.
        """
        return self._forward_pre_hooks.register(hook, prepend, with_kwargs)

    def register_full_backward_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> Any:
        """Call ``hook(module, grad_input, grad_output)`` in the backward pass.

        A result other than None replaces ``grad_input``.
        """
        return self._backward_hooks.register(hook, prepend)

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> Any:
        """Call ``hook(module, grad_output)`` before the module's backward."""
        return self._backward_pre_hooks.register(hook, prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> Any:
        """:meth:`register_full_backward_hook` under its older name."""
        return self._backward_hooks.register(hook, False)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> Any:
        """Call ``hook(module, prefix, keep_vars)`` before ``state_dict`` reads."""
        return self._state_dict_pre_hooks.add(hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> Any:
        """Call ``hook(module, state_dict, prefix, metadata)`` in ``state_dict``."""
        return self._state_dict_hooks.add(hook)

    _register_state_dict_hook = register_state_dict_post_hook

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> Any:
        """Call ``hook`` before loading; it may change the dictionary's keys.

        Its arguments are module, state_dict, prefix, metadata, strict, missing_keys,
        unexpected_keys and error_msgs.
        """
        return self._load_state_dict_pre_hooks.add(hook)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], with_module: bool = False
    ) -> Any:
        """The older form: ``hook`` is not given the module."""
        if with_module:
            return self._load_state_dict_pre_hooks.add(hook)
        return self._load_state_dict_pre_hooks.add(lambda module, *rest: hook(*rest))

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> Any:
        """Call ``hook(module, result)`` after loading."""
        return self._load_state_dict_post_hooks.add(hook)
