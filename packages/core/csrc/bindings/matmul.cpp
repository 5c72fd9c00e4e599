// matmul for float32 and float64.
#include <algorithm>
#include <atomic>

#include "bindings/product.hpp"
#include "runtime/kernel.hpp"
#include "runtime/pool.hpp"

namespace lampas {
namespace {

constexpr int MOST_DIMENSIONS = 16;
// Multiplications from which other Python threads may run meanwhile.
constexpr long WORTH_UNLOCKING = 64 * 1024;
// Multiplications of one chunk of a batch.
constexpr long GRAIN = 256 * 1024;

// The strides of the last two dimensions, in elements; lines of one entry get a stride
// that reads as contiguous.
template <class T>
Matrix<T> matrix_of(PyArrayObject* x) {
    const int last = PyArray_NDIM(x) - 1;
    constexpr long size = sizeof(T);
    Matrix<T> matrix{data_of<const T>(x), PyArray_STRIDE(x, last - 1) / size,
                     PyArray_STRIDE(x, last) / size};
    if (PyArray_DIM(x, last) == 1) matrix.column = 1;
    return matrix;
}

struct Batch {
    int ndim = 0;
    long count = 1;
    npy_intp shape[MOST_DIMENSIONS];
    long a[MOST_DIMENSIONS], b[MOST_DIMENSIONS];  // strides in bytes, 0 where repeated
};

// The leading dimensions, broadcast; false where they don't match.
bool batch_of(PyArrayObject* a, PyArrayObject* b, Batch* batch) {
    const int da = PyArray_NDIM(a) - 2, db = PyArray_NDIM(b) - 2;
    batch->ndim = std::max(da, db);
    if (batch->ndim > MOST_DIMENSIONS - 2) return false;
    for (int d = 0; d < batch->ndim; ++d) {
        const int ia = d - (batch->ndim - da), ib = d - (batch->ndim - db);
        const npy_intp sa = ia < 0 ? 1 : PyArray_DIM(a, ia);
        const npy_intp sb = ib < 0 ? 1 : PyArray_DIM(b, ib);
        if (sa != sb && sa != 1 && sb != 1) return false;
        batch->shape[d] = sa == 1 ? sb : sa;
        batch->a[d] = sa == 1 ? 0 : PyArray_STRIDE(a, ia);
        batch->b[d] = sb == 1 ? 0 : PyArray_STRIDE(b, ib);
        batch->count *= batch->shape[d];
    }
    return true;
}

template <class T>
bool multiply(const Batch& batch, long m, long n, long k, Matrix<T> a, Matrix<T> b, T* c) {
    const long work = std::max(m * n * k, 1L);
    if (batch.count == 1) return product<T>(m, n, k, a, b, {c, n});
    std::atomic<bool> complete{true};
    const auto one = [&](long index) {
        Matrix<T> x = a, y = b;
        T* to = c + index * m * n;
        for (int d = batch.ndim - 1; d >= 0; --d) {
            const long at = index % batch.shape[d];
            index /= batch.shape[d];
            x.data += at * batch.a[d] / static_cast<long>(sizeof(T));
            y.data += at * batch.b[d] / static_cast<long>(sizeof(T));
        }
        if (!product<T>(m, n, k, x, y, {to, n})) complete = false;
    };
    if (batch.count < 16 && work > 16 * GRAIN) {  // each is split into many chunks itself
        for (long index = 0; index < batch.count; ++index) one(index);
    } else {
        parallel_ranges(batch.count, std::max(1L, GRAIN / work), [&](long first, long last) {
            for (long index = first; index < last; ++index) one(index);
        });
    }
    return complete;
}

template <class T>
PyObject* matmul_of(PyArrayObject* a, PyArrayObject* b, Batch& batch) {
    const int da = PyArray_NDIM(a), db = PyArray_NDIM(b);
    const long m = PyArray_DIM(a, da - 2), k = PyArray_DIM(a, da - 1);
    const long n = PyArray_DIM(b, db - 1);
    batch.shape[batch.ndim] = m;
    batch.shape[batch.ndim + 1] = n;
    PyArrayObject* c =
        new_array(sizeof(T) == 4 ? Type::f32 : Type::f64, batch.ndim + 2, batch.shape);
    if (c == nullptr) return nullptr;
    bool complete;
    {
        const Unlocked unlocked(batch.count * m * n * k > WORTH_UNLOCKING);
        complete = multiply<T>(batch, m, n, k, matrix_of<T>(a), matrix_of<T>(b), data_of<T>(c));
    }
    return finished(c, complete);
}

PyObject* matmul_entry(const Arguments& arguments) {
    if (!arguments.plain(2)) return DECLINED;
    PyArrayObject *a = arguments.array(0), *b = arguments.array(1);
    if (a == nullptr || b == nullptr) return DECLINED;
    const Type type = type_of(a);
    if (type != type_of(b) || (type != Type::f32 && type != Type::f64)) return DECLINED;
    const int da = PyArray_NDIM(a), db = PyArray_NDIM(b);
    if (da < 2 || db < 2 || PyArray_DIM(a, da - 1) != PyArray_DIM(b, db - 2)) return DECLINED;
    Batch batch;
    if (!batch_of(a, b, &batch)) return DECLINED;
    return type == Type::f32 ? matmul_of<float>(a, b, batch) : matmul_of<double>(a, b, batch);
}

LAMPAS_KERNEL(matmul, matmul_entry);

}  // namespace
}  // namespace lampas
