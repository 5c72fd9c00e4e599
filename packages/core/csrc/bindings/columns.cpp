#include "bindings/columns.hpp"

namespace lampas {
namespace {

bool read(Along& along, PyArrayObject* x, long dim) {
    return PyArray_NDIM(x) <= MOST_DIMS && along.read(x, dim);
}

}  // namespace

template <class T>
PyObject* down_columns(PyArrayObject* x, long dim, ColumnLoop<T> loop) {
    Along along;
    PyArrayObject* y = read(along, x, dim) ? new_like(x) : nullptr;
    if (y == nullptr) return nullptr;
    const T* from = data_of<T>(x);
    T* to = data_of<T>(y);
    along.run(WIDEST_COLUMNS, [&](long at, long columns, long) {
        loop(from + at, to + at, along.size, columns, along.after);
    });
    return reinterpret_cast<PyObject*>(y);
}

template <class T>
PyObject* down_columns_back(PyArrayObject* g, PyArrayObject* y, long dim, bool one,
                            ColumnSlope<T> loop) {
    Along along;
    PyArrayObject* dx = read(along, y, dim) ? new_like(y) : nullptr;
    if (dx == nullptr) return nullptr;
    const T *slope = data_of<T>(g), *from = data_of<T>(y);
    T* to = data_of<T>(dx);
    along.run(WIDEST_COLUMNS, [&](long at, long columns, long) {
        loop(one ? slope : slope + at, from + at, to + at, along.size, columns, along.after, one);
    });
    return reinterpret_cast<PyObject*>(dx);
}

template <class T>
PyObject* logsumexp_down_columns(PyArrayObject* x, long dim, bool keep) {
    Along along;
    if (!read(along, x, dim)) return nullptr;
    npy_intp shape[MOST_DIMS];
    int ndim = 0;
    for (int d = 0; d < PyArray_NDIM(x); ++d) {
        if (d != dim || keep) shape[ndim++] = d == dim ? 1 : PyArray_DIM(x, d);
    }
    PyArrayObject* y = new_array(type_of(x), ndim, shape);
    if (y == nullptr) return nullptr;
    const T* from = data_of<T>(x);
    T* to = data_of<T>(y);
    along.run(WIDEST_COLUMNS, [&](long at, long columns, long column) {
        columns_of<T>().logsumexp(from + at, to + column, along.size, columns, along.after);
    });
    return reinterpret_cast<PyObject*>(y);
}

#define LAMPAS_DOWN_COLUMNS(T)                                                           \
    template PyObject* down_columns<T>(PyArrayObject*, long, ColumnLoop<T>);             \
    template PyObject* down_columns_back<T>(PyArrayObject*, PyArrayObject*, long, bool,  \
                                            ColumnSlope<T>);                             \
    template PyObject* logsumexp_down_columns<T>(PyArrayObject*, long, bool);

LAMPAS_DOWN_COLUMNS(float)
LAMPAS_DOWN_COLUMNS(double)

}  // namespace lampas
