#include "bindings/columns.hpp"

namespace lampas {
namespace {

bool read(Along& along, PyArrayObject* x, long dim) {
    return x != nullptr && type_of(x) == Type::f32 && PyArray_NDIM(x) <= MOST_DIMS &&
           along.read(x, dim);
}

}  // namespace

PyObject* down_columns(PyArrayObject* x, long dim, ColumnLoop loop) {
    Along along;
    PyArrayObject* y = read(along, x, dim) ? new_like(x) : nullptr;
    if (y == nullptr) return nullptr;
    const float* from = data_of<float>(x);
    float* to = data_of<float>(y);
    along.run(WIDEST_COLUMNS, [&](long at, long columns, long) {
        loop(from + at, to + at, along.size, columns, along.after);
    });
    return reinterpret_cast<PyObject*>(y);
}

PyObject* down_columns_back(PyArrayObject* g, PyArrayObject* y, long dim, bool one,
                            ColumnSlope loop) {
    Along along;
    PyArrayObject* dx = read(along, y, dim) ? new_like(y) : nullptr;
    if (dx == nullptr) return nullptr;
    const float *slope = data_of<float>(g), *from = data_of<float>(y);
    float* to = data_of<float>(dx);
    along.run(WIDEST_COLUMNS, [&](long at, long columns, long) {
        loop(one ? slope : slope + at, from + at, to + at, along.size, columns, along.after, one);
    });
    return reinterpret_cast<PyObject*>(dx);
}

PyObject* logsumexp_down_columns(PyArrayObject* x, long dim, bool keep) {
    Along along;
    if (!read(along, x, dim)) return nullptr;
    npy_intp shape[MOST_DIMS];
    int ndim = 0;
    for (int d = 0; d < PyArray_NDIM(x); ++d) {
        if (d != dim || keep) shape[ndim++] = d == dim ? 1 : PyArray_DIM(x, d);
    }
    PyArrayObject* y = new_array(Type::f32, ndim, shape);
    if (y == nullptr) return nullptr;
    const float* from = data_of<float>(x);
    float* to = data_of<float>(y);
    along.run(WIDEST_COLUMNS, [&](long at, long columns, long column) {
        column_wise().logsumexp(from + at, to + column, along.size, columns, along.after);
    });
    return reinterpret_cast<PyObject*>(y);
}

}  // namespace lampas
