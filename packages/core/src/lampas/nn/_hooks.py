"""Calling a module that has hooks."""

from __future__ import annotations

from typing import Any

from lampas.engine.function import Function
from lampas.engine.tape import Hooks
from lampas.engine.tensor import Tensor

__all__ = ["ForwardHooks", "call_with_hooks"]


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


def call_with_hooks(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What ``module(*args, **kwargs)`` does when there are hooks."""
    pre = module._forward_pre_hooks
    for key, hook in list(pre.functions.items()):
        if key in pre.kwargs:
            replaced = hook(module, args, kwargs)
            if replaced is not None:
                args, kwargs = replaced
        else:
            replaced = hook(module, args)
            if replaced is not None:
                args = replaced if isinstance(replaced, tuple) else (replaced,)
    backward = None
    if module._backward_hooks or module._backward_pre_hooks:
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
    hooks = module._forward_hooks
    for key, hook in list(hooks.functions.items()):
        done.add(key)
        if key in hooks.kwargs:
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
    hooks = module._forward_hooks
    for key, hook in list(hooks.functions.items()):
        if key in hooks.always and key not in done:
            if key in hooks.kwargs:
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
        for hook in list(self.module._backward_pre_hooks.functions.values()):
            replaced = hook(self.module, grads)
            if replaced is not None:
                grads = replaced if isinstance(replaced, tuple) else (replaced,)
        self.grad_output = grads
        if not self.places:
            for hook in list(self.module._backward_hooks.functions.values()):
                hook(self.module, (None,) * self.count, grads)
        return grads

    def _inputs_reached(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        full: list[Any] = [None] * self.count
        for i, g in zip(self.places, grads, strict=True):
            full[i] = g
        for hook in list(self.module._backward_hooks.functions.values()):
            replaced = hook(self.module, tuple(full), self.grad_output)
            if replaced is not None:
                full = list(replaced if isinstance(replaced, tuple) else (replaced,))
        return tuple(full[i] for i in self.places)
