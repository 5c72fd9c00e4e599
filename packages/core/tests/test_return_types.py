"""What functions that return several tensors return: names, texts, copies."""

import copy
import pickle

import pytest

import lampas
from lampas import eye, linalg, return_types, tensor

A = eye(2)

# name -> a call that returns it; the names are those that PyTorch 2.13 prints.
CALLS = {
    "aminmax": lambda: A.aminmax(),
    "cummax": lambda: A.cummax(0),
    "cummin": lambda: A.cummin(0),
    "frexp": lambda: lampas.frexp(A),
    "geqrf": lambda: lampas.geqrf(A),
    "histogram": lambda: lampas.histogram(A, 2),
    "histogramdd": lambda: lampas.histogramdd(A, [1, 1]),
    "kthvalue": lambda: A.kthvalue(1),
    "linalg_cholesky_ex": lambda: linalg.cholesky_ex(A),
    "linalg_eig": lambda: linalg.eig(A),
    "linalg_eigh": lambda: linalg.eigh(A),
    "linalg_inv_ex": lambda: linalg.inv_ex(A),
    "linalg_ldl_factor": lambda: linalg.ldl_factor(A),
    "linalg_ldl_factor_ex": lambda: linalg.ldl_factor_ex(A),
    "linalg_lstsq": lambda: linalg.lstsq(A, A),
    "linalg_lu": lambda: linalg.lu(A),
    "linalg_lu_factor": lambda: linalg.lu_factor(A),
    "linalg_lu_factor_ex": lambda: linalg.lu_factor_ex(A),
    "linalg_qr": lambda: linalg.qr(A),
    "linalg_slogdet": lambda: linalg.slogdet(A),
    "linalg_solve_ex": lambda: linalg.solve_ex(A, A),
    "linalg_svd": lambda: linalg.svd(A),
    "lu_unpack": lambda: lampas.lu_unpack(*linalg.lu_factor(A)),
    "max": lambda: A.max(0),
    "median": lambda: A.median(0),
    "min": lambda: A.min(0),
    "mode": lambda: A.mode(0),
    "nanmedian": lambda: A.nanmedian(0),
    "qr": lambda: A.qr(),
    "slogdet": lambda: A.slogdet(),
    "sort": lambda: A.sort(),
    "svd": lambda: A.svd(),
    "topk": lambda: A.topk(1),
    "triangular_solve": lambda: A.triangular_solve(A),
}


def test_every_type_has_a_call():
    assert sorted(CALLS) == return_types.__all__


@pytest.mark.parametrize("name", return_types.__all__)
def test_results_are_tuples_that_print_under_their_name(name):
    result = CALLS[name]()
    assert type(result) is getattr(return_types, name)
    assert isinstance(result, tuple) and tuple(result) == (*result,)
    assert repr(result).startswith(f"lampas.return_types.{name}(\n{result._fields[0]}=")
    for field, value in zip(result._fields, result, strict=True):
        assert getattr(result, field) is value
    for again in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        assert type(again) is type(result) and repr(again) == repr(result)


def test_the_text_field_by_field():
    values, indices = result = tensor([[1.0, 5.0], [7.0, 2.0]]).max(1)
    assert (values.tolist(), indices.tolist()) == ([5.0, 7.0], [1, 0])
    assert repr(result) == (
        "lampas.return_types.max(\nvalues=tensor([5., 7.]),\nindices=tensor([1, 0]))"
    )
