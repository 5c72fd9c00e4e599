// Softmax and its relatives along a dimension that is not the last; nullptr declines.
#pragma once

#include "bindings/along.hpp"
#include "kernels/columns.hpp"

namespace lampas {

PyObject* down_columns(PyArrayObject* x, long dim, ColumnLoop loop);
// The gradient; g has the shape of y, and where `one`, a single element in memory.
PyObject* down_columns_back(PyArrayObject* g, PyArrayObject* y, long dim, bool one,
                            ColumnSlope loop);
PyObject* logsumexp_down_columns(PyArrayObject* x, long dim, bool keep);

}  // namespace lampas
