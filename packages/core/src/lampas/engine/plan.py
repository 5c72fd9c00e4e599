"""What a record's ``saves`` ask for, resolved once for all its calls."""

from __future__ import annotations

from lampas.engine.record import Record

__all__ = ["Plan"]


class Plan:
    """The ``saves`` tokens of a record, resolved against its inputs.

    Attributes:
        steps: (source, attribute, condition) for each token; a source is an input's
            position or an output's name, a condition the inputs of which one must
            need a gradient.
        sources: the source of each saved value.
    """

    def __init__(self, record: Record) -> None:
        self.steps = [_parse(token, record) for token in record.saves]
        self.sources = tuple(source for source, _, _ in self.steps)


def _parse(token: str, record: Record) -> tuple[int | str, str, tuple[int, ...]]:
    name, _, condition = token.partition("?")
    name, _, attribute = name.partition(".")
    when = tuple(int(c) for c in condition)
    if name in record.inputs:
        source: int | str = record.inputs.index(name)
        if record.variadic and source == len(record.inputs) - 1:
            source = "xs"
    elif name == "y" or (name[0] == "y" and name[1:].isdigit()):
        source = name
    else:
        raise ValueError(f"op {record.name!r} saves {token!r}, which it does not have")
    return source, attribute, when
