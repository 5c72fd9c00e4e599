"""The stub of Tensor lists the methods that Tensor has."""

from __future__ import annotations

import ast

from tools import out_stub
from tools.tensor_stub import STUB, is_current, stub

import lampas


def test_the_stub_is_up_to_date():
    assert is_current(), "run python tests/tools/tensor_stub.py"


def test_the_stub_of_the_functions_with_out_is_up_to_date():
    assert out_stub.is_current(), "run python tests/tools/out_stub.py"


def test_the_stub_lists_each_public_attribute():
    tree = ast.parse(stub())
    (tensor,) = [n for n in tree.body if getattr(n, "name", None) == "Tensor"]
    listed = {node.name for node in tensor.body if isinstance(node, ast.FunctionDef)}
    listed |= {ast.unparse(n.targets[0]) for n in tensor.body if hasattr(n, "targets")}
    listed |= {ast.unparse(n.target) for n in tensor.body if hasattr(n, "target")}
    public = {name for name in dir(lampas.Tensor) if not name.startswith("_")}
    assert public <= listed
    assert STUB.name == "tensor.pyi"


def test_methods_that_hide_builtins_leave_them_reachable():
    lines = stub().splitlines()
    assert "    def __float__(self) -> builtins.float: ..." in lines
    assert "    def exp(self) -> Tensor: ..." in lines
