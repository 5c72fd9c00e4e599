// Ops along one dimension of contiguous arrays of floats: softmax and its relatives. Along
// others than the last they go by columns.
#include "kernels/rows.hpp"

#include "bindings/columns.hpp"
#include "kernels/reduce.hpp"
#include "runtime/kernel.hpp"

namespace lampas {
namespace {

const Name DIM("dim"), KEEPDIM("keepdim"), REDUCE("reduce"), HOW("how");

// body(T{}) for the type of an array, float or double; of others nothing is served.
template <class Body>
PyObject* by_type(PyArrayObject* array, Body&& body) {
    const Type type = array == nullptr ? Type::other : type_of(array);
    return type == Type::f32 ? body(float{}) : type == Type::f64 ? body(double{}) : DECLINED;
}

// Rows of a contiguous array: its last dimension, if that is the one asked for.
struct Rows {
    PyArrayObject* x = nullptr;
    long count = 0, size = 0;

    bool read(PyArrayObject* array, long dim) {
        if (!is_contiguous(array)) return false;
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

// What pick takes from the loops for rows, and from those for columns.
template <class T, class Pick>
PyObject* along(PyArrayObject* x, long dim, Pick pick) {
    Rows lines;
    if (!lines.read(x, dim)) return down_columns<T>(x, dim, pick(columns_of<T>()));
    PyArrayObject* y = new_like(x);
    if (y == nullptr) return nullptr;
    const T* from = data_of<T>(x);
    T* to = data_of<T>(y);
    const RowLoop<T> loop = pick(rows_of<T>());
    lines.run([&](long first, long last) { loop(from, to, first, last, lines.size); });
    return reinterpret_cast<PyObject*>(y);
}

// Whether all elements of an array are one in memory.
bool is_one(PyArrayObject* array) {
    for (int d = 0; d < PyArray_NDIM(array); ++d) {
        if (PyArray_DIM(array, d) != 1 && PyArray_STRIDE(array, d) != 0) return false;
    }
    return true;
}

template <class T, class Pick>
PyObject* along_back(PyArrayObject* g, PyArrayObject* y, long dim, Pick pick) {
    const bool one = is_one(g);
    if (!same_shape(g, y) || (!one && !is_contiguous(g))) return DECLINED;
    Rows lines;
    if (!lines.read(y, dim)) {
        return down_columns_back<T>(g, y, dim, one, pick(columns_of<T>()));
    }
    PyArrayObject* dx = new_like(y);
    if (dx == nullptr) return nullptr;
    const T *cotangent = data_of<T>(g), *from = data_of<T>(y);
    T* to = data_of<T>(dx);
    const RowSlope<T> loop = pick(rows_of<T>());
    lines.run([&](long first, long last) {
        loop(cotangent, from, to, first, last, lines.size, one);
    });
    return reinterpret_cast<PyObject*>(dx);
}

template <class Pick>
PyObject* along_entry(const Arguments& arguments, Pick pick) {
    if (!arguments.sized(1, 1)) return DECLINED;
    PyArrayObject* x = arguments.array(0);
    return by_type(x, [&](auto zero) {
        return along<decltype(zero)>(x, read_dim(arguments), pick);
    });
}

template <class Pick>
PyObject* along_back_entry(const Arguments& arguments, Pick pick) {
    if (!arguments.sized(2, 1)) return DECLINED;
    PyArrayObject *g = arguments.array(0), *y = arguments.array(1);
    if (g == nullptr || y == nullptr || type_of(g) != type_of(y)) return DECLINED;
    return by_type(y, [&](auto zero) {
        return along_back<decltype(zero)>(g, y, read_dim(arguments), pick);
    });
}

PyObject* softmax_entry(const Arguments& a) {
    return along_entry(a, [](const auto& loops) { return loops.softmax; });
}
PyObject* log_softmax_entry(const Arguments& a) {
    return along_entry(a, [](const auto& loops) { return loops.log_softmax; });
}
PyObject* softmax_backward_entry(const Arguments& a) {
    return along_back_entry(a, [](const auto& loops) { return loops.softmax_backward; });
}
PyObject* log_softmax_backward_entry(const Arguments& a) {
    return along_back_entry(a, [](const auto& loops) { return loops.log_softmax_backward; });
}

template <class T>
PyObject* logsumexp(PyArrayObject* x, long dim, bool keep) {
    Rows lines;
    if (!lines.read(x, dim)) return logsumexp_down_columns<T>(x, dim, keep);
    const int ndim = PyArray_NDIM(x);
    if (ndim > MOST_DIMS) return DECLINED;
    npy_intp shape[MOST_DIMS];
    for (int d = 0; d < ndim; ++d) shape[d] = PyArray_DIM(x, d);
    shape[ndim - 1] = 1;
    PyArrayObject* y = new_array(type_of(x), keep ? ndim : ndim - 1, shape);
    if (y == nullptr) return nullptr;
    const T* from = data_of<T>(x);
    T* to = data_of<T>(y);
    lines.run([&](long first, long last) {
        rows_of<T>().logsumexp(from, to, first, last, lines.size);
    });
    return reinterpret_cast<PyObject*>(y);
}

PyObject* logsumexp_entry(const Arguments& arguments) {
    bool keep;
    if (!arguments.sized(1, 2) || !arguments.flag(KEEPDIM, &keep)) return DECLINED;
    PyArrayObject* x = arguments.array(0);
    return by_type(x, [&](auto zero) {
        return logsumexp<decltype(zero)>(x, read_dim(arguments), keep);
    });
}

// ---- cross entropy, whose terms come in a dictionary

// A factor of each row: one number for all, or an array of them.
template <class T>
bool read_factor(PyObject* object, Type type, long count, T* number, const T** values,
                 long* step) {
    if (object == nullptr) return false;
    if (PyFloat_CheckExact(object)) {
        *number = static_cast<T>(PyFloat_AS_DOUBLE(object));
        *values = number;
        *step = 0;
        return true;
    }
    PyArrayObject* array = as_array(object);
    if (array == nullptr || type_of(array) != type || !is_contiguous(array)) return false;
    *values = data_of<T>(array);
    *step = 1;
    return PyArray_NDIM(array) == 1 && PyArray_SIZE(array) == count;
}

template <class T>
struct Terms : EntropyTerms<T> {
    T total_number = 0, peak_number = 0;

    bool read(const Arguments& arguments, Type type, long count) {
        PyObject* how = arguments.keyword(HOW);
        if (how == nullptr || !PyDict_CheckExact(how)) return false;
        if (PyDict_GetItemString(how, "floor") != Py_None) return false;
        PyArrayObject* classes = vector(PyDict_GetItemString(how, "target"), count, Type::i64);
        if (classes == nullptr) return false;
        this->target = data_of<std::int64_t>(classes);
        this->valid = nullptr;
        PyObject* which = PyDict_GetItemString(how, "valid");
        if (which != Py_None) {
            PyArrayObject* counted = vector(which, count, Type::boolean);
            if (counted == nullptr) return false;
            this->valid = data_of<unsigned char>(counted);
        }
        return read_factor(PyDict_GetItemString(how, "total"), type, count, &total_number,
                           &this->total, &this->total_step) &&
               read_factor(PyDict_GetItemString(how, "peak"), type, count, &peak_number,
                           &this->peak, &this->peak_step);
    }

private:
    static PyArrayObject* vector(PyObject* object, long count, Type type) {
        PyArrayObject* array = object == nullptr ? nullptr : as_array(object);
        if (array == nullptr || type_of(array) != type || !is_contiguous(array)) return nullptr;
        return PyArray_NDIM(array) == 1 && PyArray_SIZE(array) == count ? array : nullptr;
    }
};

double sum_of(const float* losses, long count) {
    double sum = 0.0;
    for (long row = 0; row < count; ++row) sum += losses[row];
    return sum;
}
double sum_of(const double* losses, long count) {
    return reducer().f64[static_cast<int>(Fold::sum)].run(losses, count, 0.0);
}

template <class T>
PyObject* cross_entropy(const Arguments& arguments, PyArrayObject* x, bool reduce) {
    Rows lines;
    Terms<T> terms;
    const Type type = type_of(x);
    if (!lines.read(x, 1) || !terms.read(arguments, type, lines.count)) return DECLINED;
    const npy_intp shape[2] = {lines.count, 1};
    PyArrayObject* losses = new_array(type, 1, shape);
    PyArrayObject* lse = losses == nullptr ? nullptr : new_array(type, 2, shape);
    if (lse == nullptr) {
        Py_XDECREF(losses);
        return nullptr;
    }
    const T* from = data_of<T>(x);
    T *loss = data_of<T>(losses), *row_lse = data_of<T>(lse);
    lines.run([&](long first, long last) {
        rows_of<T>().cross_entropy(from, terms, loss, row_lse, first, last, lines.size);
    });
    if (reduce) {
        const T sum = static_cast<T>(sum_of(loss, lines.count));
        Py_DECREF(losses);
        losses = new_array(type, 0, nullptr);
        if (losses != nullptr) *data_of<T>(losses) = sum;
    }
    if (losses == nullptr) {
        Py_DECREF(lse);
        return nullptr;
    }
    return Py_BuildValue("(NN)", losses, lse);
}

PyObject* cross_entropy_entry(const Arguments& arguments) {
    bool reduce;
    if (!arguments.sized(1, 2) || !arguments.flag(REDUCE, &reduce)) return DECLINED;
    PyArrayObject* x = arguments.array(0);
    return by_type(x, [&](auto zero) {
        return cross_entropy<decltype(zero)>(arguments, x, reduce);
    });
}

template <class T>
PyObject* cross_entropy_backward(const Arguments& arguments, PyArrayObject* x) {
    Rows lines;
    Terms<T> terms;
    const Type type = type_of(x);
    if (!lines.read(x, 1) || !terms.read(arguments, type, lines.count)) return DECLINED;
    PyArrayObject *g = arguments.array(0), *lse = arguments.array(2);
    if (g == nullptr || type_of(g) != type || !is_contiguous(g)) return DECLINED;
    if (lse == nullptr || type_of(lse) != type || !is_contiguous(lse)) return DECLINED;
    const bool one = PyArray_NDIM(g) == 0;
    const bool each = PyArray_NDIM(g) == 2 && PyArray_DIM(g, 0) == lines.count &&
                      PyArray_DIM(g, 1) == 1;
    if ((!one && !each) || PyArray_SIZE(lse) != lines.count) return DECLINED;
    PyArrayObject* dx = new_like(x);
    if (dx == nullptr) return nullptr;
    const T *cotangent = data_of<T>(g), *from = data_of<T>(x), *row_lse = data_of<T>(lse);
    T* to = data_of<T>(dx);
    lines.run([&](long first, long last) {
        rows_of<T>().cross_entropy_backward(cotangent, one ? 0 : 1, from, row_lse, terms, to,
                                            first, last, lines.size);
    });
    return reinterpret_cast<PyObject*>(dx);
}

PyObject* cross_entropy_backward_entry(const Arguments& arguments) {
    if (!arguments.sized(3, 1)) return DECLINED;
    PyArrayObject* x = arguments.array(1);
    return by_type(x, [&](auto zero) {
        return cross_entropy_backward<decltype(zero)>(arguments, x);
    });
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
