// The records of linear: the affine map of the last dimension, and its gradients.
#include "bindings/product.hpp"
#include "runtime/kernel.hpp"

namespace lampas {
namespace {

constexpr int MOST_DIMENSIONS = 16;
// Multiplications from which other Python threads may run meanwhile.
constexpr long WORTH_UNLOCKING = 64 * 1024;

// An operand with all leading dimensions taken as one, copied where no stride walks them.
template <class T>
class Lines {
public:
    Lines() = default;
    Lines(const Lines&) = delete;
    Lines& operator=(const Lines&) = delete;
    ~Lines() { Py_XDECREF(copy_); }

    // False where there is but one dimension, or with an error set.
    bool read(PyArrayObject* x) {
        if (PyArray_NDIM(x) < 2) return false;
        if (join(x)) return true;
        copy_ = reinterpret_cast<PyArrayObject*>(PyArray_NewCopy(x, NPY_CORDER));
        return copy_ != nullptr && join(copy_);
    }

    long count = 0, size = 0;
    Matrix<T> matrix{};

private:
    bool join(PyArrayObject* x) {
        const int last = PyArray_NDIM(x) - 1;
        size = PyArray_DIM(x, last);
        count = 1;
        npy_intp stride = 0;
        for (int d = last - 1; d >= 0; --d) {
            const npy_intp length = PyArray_DIM(x, d);
            if (length == 1) continue;
            if (count == 1) {
                stride = PyArray_STRIDE(x, d);
            } else if (PyArray_STRIDE(x, d) != stride * count) {
                return false;
            }
            count *= length;
        }
        matrix = {data_of<const T>(x), stride / static_cast<long>(sizeof(T)),
                  PyArray_STRIDE(x, last) / static_cast<long>(sizeof(T))};
        if (size == 1) matrix.column = 1;
        return true;
    }

    PyArrayObject* copy_ = nullptr;
};

// The product as a new array of that shape; the operands are matrices.
template <class T>
PyObject* product_of(int ndim, const npy_intp* shape, long m, long n, long k, Matrix<T> a,
                     Matrix<T> b, const T* bias = nullptr) {
    PyArrayObject* c = new_array(sizeof(T) == 4 ? Type::f32 : Type::f64, ndim, shape);
    if (c == nullptr) return nullptr;
    bool complete;
    {
        const Unlocked unlocked(m * n * k > WORTH_UNLOCKING);
        complete = product<T>(m, n, k, a, b, {data_of<T>(c), n, bias});
    }
    return finished(c, complete);
}

// The shape of x with another last size; false where there are too many dimensions.
bool shape_with(PyArrayObject* x, long last, npy_intp* shape) {
    const int ndim = PyArray_NDIM(x);
    if (ndim > MOST_DIMENSIONS) return false;
    for (int d = 0; d < ndim - 1; ++d) shape[d] = PyArray_DIM(x, d);
    shape[ndim - 1] = last;
    return true;
}

template <class T>
struct Linear {
    static PyObject* forward(PyArrayObject* x, PyArrayObject* weight, PyArrayObject* bias) {
        Lines<T> in, w;
        npy_intp shape[MOST_DIMENSIONS];
        if (PyArray_NDIM(weight) != 2 || !in.read(x) || !w.read(weight) ||
            in.size != w.size || !shape_with(x, w.count, shape)) {
            return DECLINED;
        }
        const T* offset = nullptr;
        if (bias != nullptr) {
            if (PyArray_NDIM(bias) != 1 || PyArray_DIM(bias, 0) != w.count ||
                !is_contiguous(bias)) {
                return DECLINED;
            }
            offset = data_of<const T>(bias);
        }
        return product_of<T>(PyArray_NDIM(x), shape, in.count, w.count, in.size, in.matrix,
                             w.matrix.transposed(), offset);
    }

    static PyObject* input(PyArrayObject* g, PyArrayObject* weight, PyArrayObject*) {
        Lines<T> out, w;
        npy_intp shape[MOST_DIMENSIONS];
        if (PyArray_NDIM(weight) != 2 || !out.read(g) || !w.read(weight) ||
            out.size != w.count || !shape_with(g, w.size, shape)) {
            return DECLINED;
        }
        return product_of<T>(PyArray_NDIM(g), shape, out.count, w.size, out.size, out.matrix,
                             w.matrix);
    }

    static PyObject* weight(PyArrayObject* g, PyArrayObject* x, PyArrayObject*) {
        Lines<T> out, in;
        if (!out.read(g) || !in.read(x) || out.count != in.count) {
            return DECLINED;
        }
        const npy_intp shape[] = {out.size, in.size};
        return product_of<T>(2, shape, out.size, in.size, out.count,
                             out.matrix.transposed(), in.matrix);
    }

    static PyObject* sum(PyArrayObject* g, PyArrayObject*, PyArrayObject*) {
        static constexpr T ONE = 1;
        Lines<T> out;
        if (!out.read(g)) return DECLINED;
        const npy_intp shape[] = {out.size};
        return product_of<T>(1, shape, 1, out.size, out.count, {&ONE, 0, 0}, out.matrix);
    }
};

// The operands, all of one floating type; nothing else is served.
struct Operands {
    PyArrayObject* x[3] = {};
    Type type = Type::other;

    Operands(const Arguments& arguments, int count) {
        if (!arguments.plain(count)) return;
        for (int i = 0; i < count; ++i) {
            x[i] = arguments.array(i);
            if (x[i] == nullptr || (i > 0 && type_of(x[i]) != type_of(x[0]))) return;
        }
        type = type_of(x[0]);
    }
};

#define LAMPAS_LINEAR(function, count)                                                      \
    [](const Arguments& arguments) -> PyObject* {                                           \
        const Operands given(arguments, count);                                             \
        const auto& x = given.x;                                                            \
        if (given.type == Type::f32) return Linear<float>::function(x[0], x[1], x[2]);      \
        if (given.type == Type::f64) return Linear<double>::function(x[0], x[1], x[2]);     \
        return DECLINED;                                                                    \
    }

LAMPAS_KERNEL(linear, LAMPAS_LINEAR(forward, 2));
LAMPAS_KERNEL(linear_bias, LAMPAS_LINEAR(forward, 3));
LAMPAS_KERNEL(linear_input, LAMPAS_LINEAR(input, 2));
LAMPAS_KERNEL(linear_weight, LAMPAS_LINEAR(weight, 2));
LAMPAS_KERNEL(linear_sum, LAMPAS_LINEAR(sum, 1));

}  // namespace
}  // namespace lampas
