// Softmax and its relatives along a dimension that is not the last; nullptr declines.
#pragma once

#include "bindings/along.hpp"
#include "kernels/columns.hpp"

namespace lampas {

// Arrays are of T's type, which is float or double.
template <class T>
PyObject* down_columns(PyArrayObject* x, long dim, ColumnLoop<T> loop);
// The gradient; g has the shape of y, and where `one`, a single element in memory.
template <class T>
PyObject* down_columns_back(PyArrayObject* g, PyArrayObject* y, long dim, bool one,
                            ColumnSlope<T> loop);
template <class T>
PyObject* logsumexp_down_columns(PyArrayObject* x, long dim, bool keep);

}  // namespace lampas
