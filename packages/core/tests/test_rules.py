"""A lint over the syntax tree of gradient rules: they keep to the rule language.

A rule runs on arrays and, for gradients of gradients, on tensors. It may use records as
``F.name(arrays, every parameter by keyword)``, operators, ``.shape .ndim .dtype``,
Python numbers and module-level helpers on these; no methods, no indexing of arrays,
nothing of NumPy.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import textwrap

import pytest

import lampas.ops
from lampas.engine.record import RECORDS

# Every family fills the table of records, those that are loaded late too.
for _module in pkgutil.iter_modules(lampas.ops.__path__):
    importlib.import_module(f"lampas.ops.{_module.name}")

ATTRIBUTES = {"shape", "ndim", "dtype"}
NUMPY = {"np", "numpy", "xp", "cupy"}

RULES = {
    f"{record.name}-{slot}": (record, rule)
    for record in RECORDS.values()
    for slot, rule in (("vjp", record.vjp_rule), ("jvp", record.jvp_rule))
    if rule is not None and record.forward_rule.__module__.startswith("lampas.ops")
}


def faults(source, inputs, records):
    """What in a rule leaves the language, in words.

    Args:
        source: the text of the rule.
        inputs: names of its operands that are arrays or tensors.
        records: the names that ``F`` has.
    """
    rule = ast.parse(textwrap.dedent(source)).body[0]
    found = []
    arrays = _array_names(rule, inputs)
    for node in ast.walk(rule):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found += _attribute(node, arrays, records)
        elif isinstance(node, ast.Name) and node.id in NUMPY:
            found.append(f"uses {node.id}")
        elif isinstance(node, ast.Subscript) and _name(node.value) in arrays:
            found.append(f"indexes {_name(node.value)}")
        elif isinstance(node, ast.Call) and _is_f(node.func):
            found += _call(node)
    return found


def _attribute(node, arrays, records):
    owner = node.value.id
    if owner == "F":
        return [] if node.attr in records else [f"F.{node.attr} is no record"]
    if owner in NUMPY:
        return [f"uses {owner}.{node.attr}"]
    if owner in arrays and node.attr not in ATTRIBUTES:
        return [f"uses {owner}.{node.attr}"]
    return []


def _call(node):
    """Positional arguments are arrays; a number or text there is a parameter."""
    name = node.func.attr
    return [
        f"F.{name} takes {ast.unparse(a)} by position"
        for a in node.args
        if isinstance(a, (ast.Tuple, ast.List)) or _is_text(a)
    ]


def _is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, (str, bool))


def _is_f(node):
    return isinstance(node, ast.Attribute) and _name(node.value) == "F"


def _name(node):
    return node.id if isinstance(node, ast.Name) else None


def _array_names(rule, inputs):
    """The operands, and the variables that hold what F gave."""
    names = set(inputs)
    for node in ast.walk(rule):
        if isinstance(node, ast.Assign) and _holds_array(node.value, names):
            names |= {t.id for t in node.targets if isinstance(t, ast.Name)}
    return names


def _holds_array(value, names):
    if isinstance(value, ast.Call):
        return _is_f(value.func)
    if isinstance(value, ast.BinOp):
        return _holds_array(value.left, names) or _holds_array(value.right, names)
    return _name(value) in names


def operands(record):
    """The names in a rule's signature that stand for arrays."""
    parameters = list(inspect.signature(record.vjp_rule).parameters)
    kept = [t for t in record.saves if "." not in t]
    saved = dict(zip(parameters[2:], record.saves, strict=False))
    first = {parameters[1]} if record.outputs == 1 else set()
    variadic = record.inputs[-1] if record.variadic else None
    plain = {n for n, t in saved.items() if t in kept and t.split("?")[0] != variadic}
    return first | plain


@pytest.mark.parametrize("name", sorted(RULES))
def test_rule_keeps_to_the_language(name):
    record, rule = RULES[name]
    assert faults(inspect.getsource(rule), operands(record), set(RECORDS)) == []


@pytest.mark.parametrize("name", sorted(n for n in RULES if n.endswith("-vjp")))
def test_rule_takes_what_its_record_saves(name):
    record, rule = RULES[name]
    parameters = inspect.signature(rule).parameters.values()
    positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    starred = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    if not starred:
        assert len(positional) == 2 + len(record.saves)
    assert "need" in {p.name for p in parameters}


@pytest.mark.parametrize("name", sorted(n for n in RULES if n.endswith("-vjp")))
def test_what_a_rule_uses_has_a_gradient_too(name):
    _, rule = RULES[name]
    tree = ast.parse(textwrap.dedent(inspect.getsource(rule)))
    used = {n.attr for n in ast.walk(tree) if _is_f(n)}
    # Answers in bool have no gradient to give.
    missing = {u for u in used if RECORDS[u].vjp_rule is None} - BOOLEAN - ON_ARRAYS
    assert missing == set()


# On tensors the rule writes out what this one does.
ON_ARRAYS = {"rnn_scan_backward"}


BOOLEAN = {
    "eq", "ne", "lt", "le", "gt", "ge", "isnan", "isinf", "isfinite", "logical_and",
    "logical_not", "logical_or", "logical_xor",
}  # fmt: skip


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("return (g.sum(),)", "uses g.sum"),
        ("return (g[0],)", "indexes g"),
        ("return (np.exp(g),)", "uses np"),
        ("return (F.nothing(g),)", "F.nothing is no record"),
        ("return (F.reshape(g, (2, 3)),)", "F.reshape takes (2, 3) by position"),
        ("y = F.exp(g)\n    return (y.T,)", "uses y.T"),
    ],
)
def test_the_lint_finds(line, fault):
    source = f"def rule(F, g, x, *, need):\n    {line}\n"
    assert fault in faults(source, {"g", "x"}, set(RECORDS))


def test_the_lint_passes_what_is_right():
    source = "def rule(F, g, x, *, need):\n    return (g * F.exp(x) / x.shape[0],)\n"
    assert faults(source, {"g", "x"}, set(RECORDS)) == []
