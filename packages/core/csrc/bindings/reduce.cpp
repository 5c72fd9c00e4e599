// Reductions of float32 and float64: sums, means, variances, extremes and norms; products
// and extremes of integers.
#include "bindings/pattern.hpp"
#include "bindings/tally.hpp"

namespace lampas {
namespace {

const Name CORRECTION("correction"), SHAPE("shape"), ORD("ord");

template <class T, class F>
void write(const double* from, void* to, long count, F f) {
    T* result = static_cast<T*>(to);
    parallel_ranges(count, LIGHT, [&](long first, long last) {
        for (long i = first; i < last; ++i) result[i] = static_cast<T>(f(from[i]));
    });
}

// y = f(fold of x), of x's type
template <class F>
bool fold_to(const Pattern& pattern, Fold how, const void* centers, void* y, F f) {
    Results<double> results(pattern.outputs());
    double* values = results.get();
    if (values == nullptr || !fold(pattern, how, centers, values)) return false;
    if (pattern.type == Type::f32) {
        write<float>(values, y, pattern.outputs(), f);
    } else {
        write<double>(values, y, pattern.outputs(), f);
    }
    return true;
}

template <class F>
PyObject* reduced(const Pattern& pattern, Fold how, int ndim, const npy_intp* shape, F f) {
    PyArrayObject* y = new_array(pattern.type, ndim, shape);
    if (y == nullptr) return nullptr;
    bool done;
    {
        const Unlocked unlocked(worth_unlocking(pattern));
        done = fold_to(pattern, how, nullptr, data_of<void>(y), f);
    }
    return finished(y, done);
}

// Two results of work that is complete, or none.
PyObject* both(PyArrayObject* first, PyArrayObject* second, bool complete) {
    if (complete) return Py_BuildValue("(NN)", first, second);
    Py_XDECREF(second);
    return finished(first, false);
}

template <Fold HOW, bool MEAN>
PyObject* fold_entry(const Arguments& arguments) {
    Pattern pattern;
    bool keep;
    if (!read_reduction(arguments, 2, &pattern, &keep) || !pattern.floats()) return DECLINED;
    npy_intp shape[MOST_DIMS];
    const int ndim = pattern.shape(keep, shape);
    const double count = MEAN ? static_cast<double>(pattern.folded()) : 1.0;
    return reduced(pattern, HOW, ndim, shape, [count](double v) { return v / count; });
}

// Of integers too, of whose type the result is.
template <Fold HOW, Tally OF_INTEGERS>
PyObject* fold_or_tally_entry(const Arguments& arguments) {
    Pattern pattern;
    bool keep;
    if (!read_reduction(arguments, 2, &pattern, &keep)) return DECLINED;
    if (!pattern.floats()) return tallied(pattern, OF_INTEGERS, keep, pattern.type);
    npy_intp shape[MOST_DIMS];
    const int ndim = pattern.shape(keep, shape);
    return reduced(pattern, HOW, ndim, shape, [](double v) { return v; });
}

PyObject* sum_to_entry(const Arguments& arguments) {
    PyArrayObject* x = arguments.sized(1, 1) ? arguments.array(0) : nullptr;
    long wanted[MOST_DIMS];
    const int length = arguments.integers(SHAPE, wanted, MOST_DIMS);
    if (x == nullptr || length < 0 || length > PyArray_NDIM(x)) return DECLINED;
    const int extra = PyArray_NDIM(x) - length;
    long dims[MOST_DIMS];
    npy_intp shape[MOST_DIMS];
    int count = 0;
    if (PyArray_NDIM(x) > MOST_DIMS) return DECLINED;
    for (int d = 0; d < PyArray_NDIM(x); ++d) {
        if (d < extra || (wanted[d - extra] == 1 && PyArray_DIM(x, d) != 1)) dims[count++] = d;
        if (d >= extra) shape[d - extra] = wanted[d - extra];
    }
    if (count == 0) return Py_NewRef(reinterpret_cast<PyObject*>(x));
    Pattern pattern;
    if (!pattern.read(x, dims, count) || !pattern.floats()) return DECLINED;
    return reduced(pattern, Fold::sum, length, shape, [](double v) { return v; });
}

// The sum of squares about the mean, divided by what `correction` leaves; and the mean.
template <bool ROOT, bool MEAN>
PyObject* var_entry(const Arguments& arguments) {
    Pattern pattern;
    bool keep;
    double correction;
    if (!read_reduction(arguments, 3, &pattern, &keep) || !pattern.floats()) return DECLINED;
    if (!arguments.number(CORRECTION, &correction)) return DECLINED;
    npy_intp shape[MOST_DIMS];
    const int ndim = pattern.shape(keep, shape);
    PyArrayObject* y = new_array(pattern.type, ndim, shape);
    PyArrayObject* mean = MEAN && y != nullptr ? new_array(pattern.type, ndim, shape) : nullptr;
    if (y == nullptr || (MEAN && mean == nullptr)) return both(y, mean, false);
    bool done;
    {
        const Unlocked unlocked(worth_unlocking(pattern));
        const double count = static_cast<double>(pattern.folded());
        const double left = count - correction > 0.0 ? count - correction : 0.0;
        const Scratch scratch(MEAN ? 1 : static_cast<std::size_t>(pattern.outputs()) *
                                             sizeof(double));
        void* means = MEAN ? data_of<void>(mean) : scratch.get();
        void* to = data_of<void>(y);
        done = means != nullptr &&
               fold_to(pattern, Fold::sum, nullptr, means,
                       [count](double v) { return v / count; }) &&
               fold_to(pattern, Fold::square, means, to, [left](double v) {
                   return ROOT ? __builtin_sqrt(v / left) : v / left;
               });
    }
    return MEAN ? both(y, mean, done) : finished(y, done);
}

PyObject* aminmax_entry(const Arguments& arguments) {
    Pattern pattern;
    bool keep;
    if (!read_reduction(arguments, 2, &pattern, &keep)) return DECLINED;
    const bool floats = pattern.floats();
    if (!floats && !tallies_of(pattern.type, Tally::max)) return DECLINED;
    npy_intp shape[MOST_DIMS];
    const int ndim = pattern.shape(keep, shape);
    const auto same = [](double v) { return v; };
    const auto fold_one = [&](Fold how, Tally tally) {
        return floats ? reduced(pattern, how, ndim, shape, same)
                      : tallied(pattern, tally, keep, pattern.type);
    };
    auto* low = reinterpret_cast<PyArrayObject*>(fold_one(Fold::min, Tally::min));
    if (low == nullptr) return nullptr;
    auto* high = reinterpret_cast<PyArrayObject*>(fold_one(Fold::max, Tally::max));
    return both(low, high, high != nullptr);
}

PyObject* norm_entry(const Arguments& arguments) {
    Pattern pattern;
    bool keep;
    double order;
    if (!arguments.number(ORD, &order)) return DECLINED;
    if (!read_reduction(arguments, 3, &pattern, &keep) || !pattern.floats()) return DECLINED;
    if (order == 0.0) return tallied(pattern, Tally::nonzero, keep, pattern.type);
    npy_intp shape[MOST_DIMS];
    const int ndim = pattern.shape(keep, shape);
    const auto same = [](double v) { return v; };
    if (__builtin_isinf(order)) {
        return reduced(pattern, order > 0 ? Fold::most : Fold::least, ndim, shape, same);
    }
    if (order == 1.0) return reduced(pattern, Fold::size, ndim, shape, same);
    if (order == 2.0) {
        return reduced(pattern, Fold::square, ndim, shape,
                       [](double v) { return __builtin_sqrt(v); });
    }
    const auto root = [](double v) { return __builtin_pow(v, 1.0 / 3); };
    return order == 3.0 ? reduced(pattern, Fold::cube, ndim, shape, root) : DECLINED;
}

LAMPAS_KERNEL(vector_norm, norm_entry);
LAMPAS_KERNEL(sum, (fold_entry<Fold::sum, false>));
LAMPAS_KERNEL(mean, (fold_entry<Fold::sum, true>));
LAMPAS_KERNEL(amax, (fold_or_tally_entry<Fold::max, Tally::max>));
LAMPAS_KERNEL(amin, (fold_or_tally_entry<Fold::min, Tally::min>));
LAMPAS_KERNEL(prod, (fold_or_tally_entry<Fold::product, Tally::product>));
LAMPAS_KERNEL(sum_to, sum_to_entry);
LAMPAS_KERNEL(nansum, (fold_entry<Fold::known, false>));
LAMPAS_KERNEL(aminmax, aminmax_entry);
LAMPAS_KERNEL(var, (var_entry<false, false>));
LAMPAS_KERNEL(std, (var_entry<true, false>));
LAMPAS_KERNEL(var_mean, (var_entry<false, true>));
LAMPAS_KERNEL(std_mean, (var_entry<true, true>));

}  // namespace
}  // namespace lampas
