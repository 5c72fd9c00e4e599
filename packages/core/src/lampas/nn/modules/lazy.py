"""What lazy layers have in common: parameters get their shapes at the first call."""

from __future__ import annotations

from typing import Any

from lampas.engine.modes import no_grad
from lampas.errors import LampasError
from lampas.nn._locate import locate
from lampas.nn.module import Module
from lampas.nn.parameter import is_lazy

__all__ = ["LazyModuleMixin"]


class _NotInitialized(LampasError, RuntimeError):
    """A lazy module left a parameter without a shape, or is used as if it had one."""


class LazyModuleMixin(Module):
    """Beside a layer's class: its parameters get their shapes at the first call.

    A subclass defines ``initialize_parameters(*args)``, which is called with what the
    module is called with, and materialises the parameters. After that call the module
    becomes one of ``cls_to_become``, where that is set.

    >>> import lampas
    >>> from lampas.nn.modules.lazy import LazyModuleMixin
    >>> from lampas.nn.parameter import UninitializedParameter
    >>> class LazyScale(LazyModuleMixin):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factor = UninitializedParameter()
    ...     def initialize_parameters(self, x):
    ...         self.factor.materialize((x.shape[-1],))
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> LazyScale()(lampas.ones(3)).tolist()
    [0.0, 0.0, 0.0]
    """

    cls_to_become: type[Module] | None = None

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give every parameter its shape; subclasses define it."""
        raise NotImplementedError(
            f"initialize_parameters is not implemented for {type(self).__name__}"
        )

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer of this module has no shape yet."""
        return any(map(is_lazy, (*self._parameters.values(), *self._buffers.values())))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            self._infer_parameters(args, kwargs)
        except Exception as error:
            locate(self, error)
            raise
        # The class is another one by now, so super() would not do.
        return Module.__call__(self, *args, **kwargs)

    def _infer_parameters(self, args: Any, kwargs: dict[str, Any]) -> None:
        if self.cls_to_become is None and not self.has_uninitialized_params():
            return
        with no_grad():
            self.initialize_parameters(*args, **kwargs)
        if self.has_uninitialized_params():
            raise _NotInitialized(
                f"{type(self).__name__}.initialize_parameters left parameters "
                "without a shape"
            )
        if self.cls_to_become is not None:
            self.__class__ = self.cls_to_become  # type: ignore[assignment]

    def share_memory(self) -> Any:
        """Refused while there is nothing to share.

        Raises:
            RuntimeError: a parameter has no shape yet.
        """
        if self.has_uninitialized_params():
            raise _NotInitialized(
                "can't share the memory of uninitialized parameters; call the module "
                "with an example input first"
            )
        return super().share_memory()
