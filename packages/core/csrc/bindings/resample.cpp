// Linear maps along a dimension: the record of ops/adaptive.py, under resized images too.
#include "kernels/resample.hpp"

#include "bindings/layout.hpp"
#include "runtime/kernel.hpp"
#include "runtime/scratch.hpp"

namespace lampas {
namespace {

const Name DIM("dim"), MATRIX("matrix");

// The matrix of float64, in whatever order it lies, by what is not zero in it.
class Sparse {
public:
    explicit Sparse(PyArrayObject* matrix)
        : matrix_(matrix), filled_(count()),
          memory_(static_cast<std::size_t>(PyArray_DIM(matrix, 0) + 1 + 2 * filled_) * 8) {}

    bool read(SparseRows* m) const {
        if (memory_.get() == nullptr) return false;
        m->rows = PyArray_DIM(matrix_, 0);
        m->columns = PyArray_DIM(matrix_, 1);
        long* starts = memory_.as<long>();
        long* column = starts + m->rows + 1;
        double* weight = reinterpret_cast<double*>(column + filled_);
        long next = 0;
        for (long i = 0; i < m->rows; ++i) {
            starts[i] = next;
            for (long j = 0; j < m->columns; ++j) {
                if (at(i, j) == 0.0) continue;
                column[next] = j;
                weight[next++] = at(i, j);
            }
        }
        starts[m->rows] = next;
        m->starts = starts;
        m->column = column;
        m->weight = weight;
        return true;
    }

private:
    double at(long i, long j) const {
        const char* from = static_cast<const char*>(PyArray_DATA(matrix_));
        return *reinterpret_cast<const double*>(from + i * PyArray_STRIDE(matrix_, 0) +
                                                j * PyArray_STRIDE(matrix_, 1));
    }
    long count() const {
        long found = 0;
        for (long i = 0; i < PyArray_DIM(matrix_, 0); ++i) {
            for (long j = 0; j < PyArray_DIM(matrix_, 1); ++j) found += at(i, j) != 0.0;
        }
        return found;
    }

    PyArrayObject* matrix_;
    long filled_;
    Scratch memory_;
};

template <class T>
bool run(const ResampleLoops<T>& loops, const SparseRows& m, const T* x, T* y, long lines,
         long inner) {
    const long longer = (m.rows > m.columns ? m.rows : m.columns) * inner;
    const Unlocked unlocked(lines * longer > HEAVY);
    if (inner > 1) {
        const long entries = m.starts[m.rows] / m.rows + 1;
        parallel_ranges(lines * m.rows, LIGHT / (inner * entries), [&](long first, long last) {
            loops.between(m, x, y, inner, first, last);
        });
        return true;
    }
    const std::size_t bytes = static_cast<std::size_t>(resampler().work_bytes(m));
    const long grain = (LIGHT / longer + 15) / 16 * 16;  // whole vectors
    return parallel_scratch(lines, grain < 16 ? 16 : grain, bytes,
                            [&](const Scratch& work, long first, long last) {
                                loops.last(m, x, y, work.as<char>(), first, last);
                            });
}

PyObject* resample_entry(const Arguments& arguments) {
    PyArrayObject* array = arguments.sized(1, 2) ? arguments.array(0) : nullptr;
    PyObject* given = arguments.keyword(MATRIX);
    long dim;
    if (array == nullptr || given == nullptr || !arguments.integer(DIM, &dim)) return DECLINED;
    PyArrayObject* matrix = as_array(given);
    const Type type = type_of(array);
    const int ndim = PyArray_NDIM(array);
    if (matrix == nullptr || type_of(matrix) != Type::f64 || PyArray_NDIM(matrix) != 2 ||
        (type != Type::f32 && type != Type::f64) || ndim > MOST_DIMS || dim < 0 || dim >= ndim) {
        return DECLINED;
    }
    if (PyArray_SIZE(array) == 0 || PyArray_SIZE(matrix) == 0 ||
        PyArray_DIM(matrix, 1) != PyArray_DIM(array, static_cast<int>(dim))) {
        return DECLINED;
    }
    const Sparse sparse(matrix);
    SparseRows m;
    if (!sparse.read(&m)) return PyErr_NoMemory();
    npy_intp shape[MOST_DIMS];
    long lines = 1, inner = 1;
    for (int d = 0; d < ndim; ++d) {
        shape[d] = d == dim ? m.rows : PyArray_DIM(array, d);
        if (d < dim) lines *= shape[d];
        if (d > dim) inner *= shape[d];
    }
    PyArrayObject* x = contiguous(array);
    PyArrayObject* y = x == nullptr ? nullptr : new_array(type, ndim, shape);
    const bool done =
        y != nullptr &&
        (type == Type::f32
             ? run(resampler().f32, m, data_of<float>(x), data_of<float>(y), lines, inner)
             : run(resampler().f64, m, data_of<double>(x), data_of<double>(y), lines, inner));
    Py_XDECREF(x);
    return finished(y, done);
}

LAMPAS_KERNEL(resample, resample_entry);

}  // namespace
}  // namespace lampas
