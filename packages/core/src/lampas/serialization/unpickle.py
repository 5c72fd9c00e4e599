"""A pickle reader that executes nothing.

It interprets the pickle language itself instead of handing the file to
:mod:`pickle`: a global is looked up in a closed table (made in ``stored.py`` and
``plain.py``) and never imported, and "call this" works on entries of that table only,
each of which checks its arguments and builds plain data.
"""

from __future__ import annotations

import pickletools
from argparse import Namespace
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from lampas.errors import FileFormatError, UnsafeFileError
from lampas.serialization.names import Name, damaged, shown

__all__ = ["check_key", "unpickle"]

# One operation takes at least a byte of the file and makes at most a few hundred
# bytes of objects; this bounds what a file full of them can allocate.
_MAX_OPERATIONS = 20_000_000

_CONSTANTS = frozenset(
    "INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING BINSTRING "
    "SHORT_BINSTRING UNICODE SHORT_BINUNICODE BINUNICODE BINUNICODE8 BINBYTES "
    "SHORT_BINBYTES BINBYTES8 BYTEARRAY8".split()
)
# A tuple that holds one part twice, which holds one part twice, and so on, is small in
# the file and takes exponential time to hash.
_MAX_KEY = 1000

# Ways to construct or fetch objects that no checkpoint of tensors needs.
_NEVER = {
    "INST": "constructs an instance of",
    "OBJ": "constructs an instance of",
    "NEWOBJ_EX": "constructs an instance of",
    "EXT1": "fetches an object from the extension registry by code",
    "EXT2": "fetches an object from the extension registry by code",
    "EXT4": "fetches an object from the extension registry by code",
    "PERSID": "fetches an external object by the text",
    "NEXT_BUFFER": "fetches an out-of-band buffer",
    "READONLY_BUFFER": "fetches an out-of-band buffer",
}


def check_key(key: object) -> None:
    """Only keys whose hash runs in bounded time and stack, and calls nothing."""
    level = [key]
    for _ in range(8):
        deeper: list[object] = []
        for part in level:
            if type(part) is tuple:
                deeper.extend(part[: _MAX_KEY + 1])
            elif type(part) not in (str, bytes, int, float, bool, complex, type(None)):
                raise damaged(f"a {type(part).__name__} cannot be a key")
        if len(deeper) > _MAX_KEY:
            break
        level = deeper
        if not level:
            return
    raise damaged("a key has too many parts, or is nested more than 8 tuples deep")


def _set_attributes(target: OrderedDict | Namespace, state: object) -> None:
    """Give plain attributes to a container, as BUILD does, never its methods."""
    if type(state) is not dict:
        raise damaged(f"the state of a {type(target).__name__} is not a dict")
    for key, value in state.items():
        if type(key) is not str or hasattr(type(target), key):
            raise UnsafeFileError(
                f"sets {shown(key)} of a {type(target).__name__}, which is part of "
                "its behaviour"
            )
        target.__dict__[key] = value


def _check_keys(keys: list) -> list:
    for key in keys:
        check_key(key)
    return keys


def _fill(target: dict, items: list) -> dict:
    if len(items) % 2:
        raise damaged("a key has no value")
    for key, value in zip(_check_keys(items[::2]), items[1::2], strict=True):
        target[key] = value
    return target


class _Machine:
    """The stack, the marks and the memo of one pickle."""

    def __init__(
        self,
        names: Mapping[str, object],
        persistent: Callable[[object], object],
        rebuild: Callable[[object, object], object],
    ) -> None:
        self.names = names
        self.persistent = persistent
        self.rebuild = rebuild
        self.stack: list = []
        self.marks: list[int] = []
        self.memo: dict[int, object] = {}
        self.position = 0

    def push(self, value: object) -> None:
        self.stack.append(value)

    def pop(self) -> Any:
        floor = self.marks[-1] if self.marks else 0
        if len(self.stack) <= floor:
            raise damaged("it takes a value where there is none")
        return self.stack.pop()

    def pop_group(self) -> list:
        """Everything since the last mark."""
        if not self.marks:
            raise damaged("it ends a group that it never began")
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def top(self, *kinds: type) -> Any:
        """The last value, which must be of one of ``kinds`` if any are given."""
        value = self.pop()
        self.push(value)
        if kinds and type(value) not in kinds:
            raise damaged(f"it adds items to a {type(value).__name__}")
        return value

    def find(self, text: str) -> object:
        """What a global stands for; the only place where a file names one."""
        if text not in self.names:
            raise UnsafeFileError(
                f"asks for {text.replace(' ', '.')[:200]!r}, which is neither tensor "
                "nor plain data; save state_dict() rather than objects"
            )
        return self.names[text]


def _call(m: _Machine, _: object) -> None:
    arguments, function = m.pop(), m.pop()
    if type(function) is not Name:
        raise UnsafeFileError(f"calls a {type(function).__name__}")
    if function.build is None:
        raise UnsafeFileError(f"calls {function.text.replace(' ', '.')!r}")
    if type(arguments) is not tuple:
        raise damaged("the arguments of a call are not a tuple")
    m.push(function.build(arguments))


def _build(m: _Machine, _: object) -> None:
    state, target = m.pop(), m.pop()
    if type(target) in (OrderedDict, Namespace):
        _set_attributes(target, state)
        made = target
    else:
        made = m.rebuild(target, state)
    if made is not target:
        m.memo = {k: made if v is target else v for k, v in m.memo.items()}
    m.push(made)


def _global(m: _Machine, text: str) -> None:
    m.push(m.find(text))


def _stack_global(m: _Machine, _: object) -> None:
    name, module = m.pop(), m.pop()
    if type(name) is not str or type(module) is not str:
        raise damaged("the name of a global is not text")
    m.push(m.find(f"{module} {name}"))


def _append(m: _Machine, _: object) -> None:
    item = m.pop()
    m.top(list).append(item)


def _set_item(m: _Machine, _: object) -> None:
    value, key = m.pop(), m.pop()
    _fill(m.top(*_DICTS), [key, value])


def _set_items(m: _Machine, _: object) -> None:
    items = m.pop_group()
    _fill(m.top(*_DICTS), items)


def _append_group(m: _Machine, _: object) -> None:
    items = m.pop_group()
    m.top(list).extend(items)


def _add_group(m: _Machine, _: object) -> None:
    items = m.pop_group()
    m.top(set).update(_check_keys(items))


def _tuple_of(count: int) -> Callable[[_Machine, object], None]:
    def make(m: _Machine, _: object) -> None:
        items = [m.pop() for _ in range(count)]
        m.push(tuple(reversed(items)))

    return make


def _mark(m: _Machine, _: object) -> None:
    m.marks.append(len(m.stack))


def _pop(m: _Machine, _: object) -> None:
    if m.marks and m.marks[-1] == len(m.stack):
        m.marks.pop()
    else:
        m.pop()


def _put(m: _Machine, index: int) -> None:
    m.memo[index] = m.top()


def _get(m: _Machine, index: int) -> None:
    if index not in m.memo:
        raise damaged(f"it refers to value {index}, which it never kept")
    m.push(m.memo[index])


def _refuse(code: str) -> Callable[[_Machine, object], None]:
    def raise_named(m: _Machine, argument: object) -> None:
        named = argument
        if named is None:
            # OBJ and NEWOBJ_EX have their class on the stack.
            named = next((v for v in reversed(m.stack) if type(v) is Name), "")
        raise UnsafeFileError(f"{_NEVER[code]} {shown(named)} ({code})")

    return raise_named


_DICTS = (dict, OrderedDict, defaultdict, Counter)

_OPERATIONS: dict[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(_CONSTANTS, _Machine.push),
    **{code: _refuse(code) for code in _NEVER},
    "NONE": lambda m, _: m.push(None),
    "NEWTRUE": lambda m, _: m.push(True),
    "NEWFALSE": lambda m, _: m.push(False),
    "EMPTY_TUPLE": _tuple_of(0),
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "TUPLE": lambda m, _: m.push(tuple(m.pop_group())),
    "EMPTY_LIST": lambda m, _: m.push([]),
    "LIST": lambda m, _: m.push(m.pop_group()),
    "APPEND": _append,
    "APPENDS": _append_group,
    "EMPTY_DICT": lambda m, _: m.push({}),
    "DICT": lambda m, _: m.push(_fill({}, m.pop_group())),
    "SETITEM": _set_item,
    "SETITEMS": _set_items,
    "EMPTY_SET": lambda m, _: m.push(set()),
    "FROZENSET": lambda m, _: m.push(frozenset(_check_keys(m.pop_group()))),
    "ADDITEMS": _add_group,
    "MARK": _mark,
    "POP": _pop,
    "POP_MARK": lambda m, _: m.pop_group().clear(),
    "DUP": lambda m, _: m.push(m.top()),
    "PUT": _put,
    "BINPUT": _put,
    "LONG_BINPUT": _put,
    "MEMOIZE": lambda m, _: _put(m, len(m.memo)),
    "GET": _get,
    "BINGET": _get,
    "LONG_BINGET": _get,
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "REDUCE": _call,
    "NEWOBJ": _call,
    "BUILD": _build,
    "BINPERSID": lambda m, _: m.push(m.persistent(m.pop())),
    "PROTO": lambda m, _: None,
    "FRAME": lambda m, _: None,
}


class Stream(Protocol):
    """What the decoder needs of a file; it must not give more than it is asked for."""

    def read(self, count: int, /) -> bytes: ...

    def readline(self) -> bytes: ...

    def tell(self) -> int: ...


def _operations(data: bytes | Stream) -> Iterable[tuple[str, object, int]]:
    """Decode the operations; the decoder allocates no more than the file holds."""
    steps = pickletools.genops(data)  # type: ignore[arg-type] # asks for a whole IO
    try:
        for count, (code, argument, position) in enumerate(steps):
            if count >= _MAX_OPERATIONS:
                raise damaged(f"it has more than {_MAX_OPERATIONS} operations")
            yield code.name, argument, position or 0
    except (ValueError, OverflowError) as error:
        raise damaged(f"it cannot be decoded: {error}") from error


def unpickle(
    data: bytes | Stream,
    names: Mapping[str, object],
    persistent: Callable[[object], object],
    rebuild: Callable[[object, object], object],
    source: str,
) -> object:
    """Read one pickle as plain data.

    Args:
        data: the pickle, what follows its end is ignored; or a file, which is then
            left standing behind that end.
        names: what the globals "module name" stand for; any other is refused.
        persistent: gives the object behind a persistent id.
        rebuild: ``(object, state)`` -> the object with that state, or an error.
        source: what errors call the file.

    Returns:
        The object.

    Raises:
        pickle.UnpicklingError: it asks for something that is not plain data.
        RuntimeError: it is damaged or cut short.

    >>> import pickle
    >>> unpickle(pickle.dumps([1, {"a": None}]), {}, id, id, "example")
    [1, {'a': None}]
    """
    machine = _Machine(names, persistent, rebuild)
    try:
        for code, argument, machine.position in _operations(data):
            if code == "STOP":
                return machine.pop()
            _OPERATIONS[code](machine, argument)
        raise damaged("it has no end")
    except damaged as error:
        raise FileFormatError(
            f"{source}: the pickle is damaged: {error} (byte {machine.position})"
        ) from error
    except UnsafeFileError as error:
        raise UnsafeFileError(
            f"{source}: refused, nothing was executed: the file {error} "
            f"(byte {machine.position})"
        ) from error
