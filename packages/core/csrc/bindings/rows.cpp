// Ops along one dimension of contiguous float32 arrays: softmax and its relatives. Along
// others than the last they go by columns.
#include "kernels/rows.hpp"

#include "bindings/columns.hpp"
#include "runtime/kernel.hpp"

namespace lampas {
namespace {

const Name DIM("dim"), KEEPDIM("keepdim"), REDUCE("reduce"), HOW("how");

// Rows of a contiguous array: its last dimension, if that is the one asked for.
struct Rows {
    PyArrayObject* x = nullptr;
    long count = 0, size = 0;

    bool read(PyArrayObject* array, long dim) {
        if (array == nullptr || type_of(array) != Type::f32 || !is_contiguous(array)) return false;
        const int ndim = PyArray_NDIM(array);
        if (ndim == 0 || dim != ndim - 1 || PyArray_SIZE(array) == 0) return false;
        x = array;
        size = PyArray_DIM(array, ndim - 1);
        count = PyArray_SIZE(array) / size;
        return true;
    }

    template <class Body>
    void run(Body&& body) const {
        const long grain = size >= HEAVY ? 1 : HEAVY / size;
        const Unlocked unlocked(count * size > HEAVY);
        parallel_ranges(count, grain, body);
    }
};

// The one dimension that the op goes along, or -1.
long read_dim(const Arguments& arguments) {
    long dim;
    return arguments.integers(DIM, &dim, 1) == 1 ? dim : -1;
}

using RowLoop = void (*)(const float*, float*, long, long, long);

PyObject* along(const Arguments& arguments, RowLoop RowKernels::* loop, ColumnLoop down) {
    Rows rows_of;
    if (!arguments.sized(1, 1)) return DECLINED;
    if (!rows_of.read(arguments.array(0), read_dim(arguments))) {
        return down_columns(arguments.array(0), read_dim(arguments), down);
    }
    PyArrayObject* y = new_like(rows_of.x);
    if (y == nullptr) return nullptr;
    const float* from = data_of<float>(rows_of.x);
    float* to = data_of<float>(y);
    rows_of.run([&](long first, long last) {
        (rows().*loop)(from, to, first, last, rows_of.size);
    });
    return reinterpret_cast<PyObject*>(y);
}

using SlopeRowLoop = void (*)(const float*, const float*, float*, long, long, long, bool);

// Whether all elements of an array are one in memory.
bool is_one(PyArrayObject* array) {
    for (int d = 0; d < PyArray_NDIM(array); ++d) {
        if (PyArray_DIM(array, d) != 1 && PyArray_STRIDE(array, d) != 0) return false;
    }
    return true;
}

PyObject* along_back(const Arguments& arguments, SlopeRowLoop RowKernels::* loop,
                     ColumnSlope down) {
    Rows rows_of;
    if (!arguments.sized(2, 1)) return DECLINED;
    PyArrayObject *g = arguments.array(0), *y = arguments.array(1);
    if (g == nullptr || y == nullptr || type_of(g) != Type::f32) return DECLINED;
    const bool one = is_one(g);
    if (!same_shape(g, y) || (!one && !is_contiguous(g))) return DECLINED;
    if (!rows_of.read(y, read_dim(arguments))) {
        return down_columns_back(g, y, read_dim(arguments), one, down);
    }
    PyArrayObject* dx = new_like(rows_of.x);
    if (dx == nullptr) return nullptr;
    const float *cotangent = data_of<float>(g), *from = data_of<float>(y);
    float* to = data_of<float>(dx);
    rows_of.run([&](long first, long last) {
        (rows().*loop)(cotangent, from, to, first, last, rows_of.size, one);
    });
    return reinterpret_cast<PyObject*>(dx);
}

PyObject* softmax_entry(const Arguments& a) {
    return along(a, &RowKernels::softmax, column_wise().softmax);
}
PyObject* log_softmax_entry(const Arguments& a) {
    return along(a, &RowKernels::log_softmax, column_wise().log_softmax);
}
PyObject* softmax_backward_entry(const Arguments& a) {
    return along_back(a, &RowKernels::softmax_backward, column_wise().softmax_backward);
}
PyObject* log_softmax_backward_entry(const Arguments& a) {
    return along_back(a, &RowKernels::log_softmax_backward, column_wise().log_softmax_backward);
}

PyObject* logsumexp_entry(const Arguments& arguments) {
    Rows rows_of;
    bool keep;
    if (!arguments.sized(1, 2) || !arguments.flag(KEEPDIM, &keep)) return DECLINED;
    if (!rows_of.read(arguments.array(0), read_dim(arguments))) {
        return logsumexp_down_columns(arguments.array(0), read_dim(arguments), keep);
    }
    if (PyArray_NDIM(rows_of.x) > MOST_DIMS) return DECLINED;
    const int ndim = PyArray_NDIM(rows_of.x);
    npy_intp shape[MOST_DIMS];
    for (int d = 0; d < ndim; ++d) shape[d] = PyArray_DIM(rows_of.x, d);
    shape[ndim - 1] = 1;
    PyArrayObject* y = new_array(Type::f32, keep ? ndim : ndim - 1, shape);
    if (y == nullptr) return nullptr;
    const float* from = data_of<float>(rows_of.x);
    float* to = data_of<float>(y);
    rows_of.run([&](long first, long last) {
        rows().logsumexp(from, to, first, last, rows_of.size);
    });
    return reinterpret_cast<PyObject*>(y);
}

// ---- cross entropy, whose terms come in a dictionary

// A factor of each row: one number for all, or an array of them.
bool read_factor(PyObject* object, long count, float* number, const float** values, long* step) {
    if (object == nullptr) return false;
    if (PyFloat_CheckExact(object)) {
        *number = static_cast<float>(PyFloat_AS_DOUBLE(object));
        *values = number;
        *step = 0;
        return true;
    }
    PyArrayObject* array = as_array(object);
    if (array == nullptr || type_of(array) != Type::f32 || !is_contiguous(array)) return false;
    *values = data_of<float>(array);
    *step = 1;
    return PyArray_NDIM(array) == 1 && PyArray_SIZE(array) == count;
}

struct Terms : EntropyTerms {
    float total_number = 0.0f, peak_number = 0.0f;

    bool read(const Arguments& arguments, long count) {
        PyObject* how = arguments.keyword(HOW);
        if (how == nullptr || !PyDict_CheckExact(how)) return false;
        if (PyDict_GetItemString(how, "floor") != Py_None) return false;
        PyArrayObject* classes = vector(PyDict_GetItemString(how, "target"), count, Type::i64);
        if (classes == nullptr) return false;
        target = data_of<std::int64_t>(classes);
        valid = nullptr;
        PyObject* which = PyDict_GetItemString(how, "valid");
        if (which != Py_None) {
            PyArrayObject* counted = vector(which, count, Type::boolean);
            if (counted == nullptr) return false;
            valid = data_of<unsigned char>(counted);
        }
        return read_factor(PyDict_GetItemString(how, "total"), count, &total_number, &total,
                           &total_step) &&
               read_factor(PyDict_GetItemString(how, "peak"), count, &peak_number, &peak,
                           &peak_step);
    }

private:
    static PyArrayObject* vector(PyObject* object, long count, Type type) {
        PyArrayObject* array = object == nullptr ? nullptr : as_array(object);
        if (array == nullptr || type_of(array) != type || !is_contiguous(array)) return nullptr;
        return PyArray_NDIM(array) == 1 && PyArray_SIZE(array) == count ? array : nullptr;
    }
};

PyObject* cross_entropy_entry(const Arguments& arguments) {
    Rows rows_of;
    Terms terms;
    bool reduce;
    if (!arguments.sized(1, 2) || !rows_of.read(arguments.array(0), 1) ||
        !arguments.flag(REDUCE, &reduce) || !terms.read(arguments, rows_of.count)) {
        return DECLINED;
    }
    const npy_intp shape[2] = {rows_of.count, 1};
    PyArrayObject* losses = new_array(Type::f32, 1, shape);
    PyArrayObject* lse = losses == nullptr ? nullptr : new_array(Type::f32, 2, shape);
    if (lse == nullptr) {
        Py_XDECREF(losses);
        return nullptr;
    }
    const float* from = data_of<float>(rows_of.x);
    float *loss = data_of<float>(losses), *row_lse = data_of<float>(lse);
    rows_of.run([&](long first, long last) {
        rows().cross_entropy(from, terms, loss, row_lse, first, last, rows_of.size);
    });
    if (reduce) {
        double sum = 0.0;
        for (long row = 0; row < rows_of.count; ++row) sum += loss[row];
        Py_DECREF(losses);
        losses = new_array(Type::f32, 0, nullptr);
        if (losses != nullptr) *data_of<float>(losses) = static_cast<float>(sum);
    }
    if (losses == nullptr) {
        Py_DECREF(lse);
        return nullptr;
    }
    return Py_BuildValue("(NN)", losses, lse);
}

PyObject* cross_entropy_backward_entry(const Arguments& arguments) {
    Rows rows_of;
    Terms terms;
    if (!arguments.sized(3, 1) || !rows_of.read(arguments.array(1), 1) ||
        !terms.read(arguments, rows_of.count)) {
        return DECLINED;
    }
    PyArrayObject *g = arguments.array(0), *lse = arguments.array(2);
    if (g == nullptr || type_of(g) != Type::f32 || !is_contiguous(g)) return DECLINED;
    if (lse == nullptr || type_of(lse) != Type::f32 || !is_contiguous(lse)) return DECLINED;
    const bool one = PyArray_NDIM(g) == 0;
    const bool each = PyArray_NDIM(g) == 2 && PyArray_DIM(g, 0) == rows_of.count &&
                      PyArray_DIM(g, 1) == 1;
    if ((!one && !each) || PyArray_SIZE(lse) != rows_of.count) return DECLINED;
    PyArrayObject* dx = new_like(rows_of.x);
    if (dx == nullptr) return nullptr;
    const float *cotangent = data_of<float>(g), *from = data_of<float>(rows_of.x);
    const float* row_lse = data_of<float>(lse);
    float* to = data_of<float>(dx);
    rows_of.run([&](long first, long last) {
        rows().cross_entropy_backward(cotangent, one ? 0 : 1, from, row_lse, terms, to, first,
                                      last, rows_of.size);
    });
    return reinterpret_cast<PyObject*>(dx);
}

LAMPAS_KERNEL(softmax, softmax_entry);
LAMPAS_KERNEL(softmax_backward, softmax_backward_entry);
LAMPAS_KERNEL(log_softmax, log_softmax_entry);
LAMPAS_KERNEL(log_softmax_backward, log_softmax_backward_entry);
LAMPAS_KERNEL(logsumexp, logsumexp_entry);
LAMPAS_KERNEL(cross_entropy, cross_entropy_entry);
LAMPAS_KERNEL(cross_entropy_backward, cross_entropy_backward_entry);

}  // namespace
}  // namespace lampas
