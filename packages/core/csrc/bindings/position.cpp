// The places of the largest and smallest elements along one dimension or all.
#include "bindings/pattern.hpp"

namespace lampas {
namespace {

const Name DIM("dim"), KEEPDIM("keepdim");

constexpr long PIECE = 64 * 1024;
constexpr long TILE = 1024;  // columns of one piece of work

struct Places {
    Pattern pattern;
    bool keep = false;

    bool read(const Arguments& arguments) {
        PyArrayObject* x = arguments.sized(1, 2) ? arguments.array(0) : nullptr;
        if (x == nullptr || !arguments.flag(KEEPDIM, &keep)) return false;
        const int ndim = PyArray_NDIM(x);
        if (ndim == 0 || ndim > MOST_DIMS) return false;
        long dims[MOST_DIMS], dim;
        int count = 1;
        if (arguments.is_none(DIM)) {
            for (count = 0; count < ndim; ++count) dims[count] = count;
        } else if (arguments.integer(DIM, &dim)) {
            dims[0] = dim;
        } else {
            return false;
        }
        if (!pattern.read(x, dims, count) || !pattern.floats()) return false;
        // Columns hold their rows' numbers in 32 bits.
        return pattern.d == 1 ? pattern.b < 2147483647 : pattern.b == 1;
    }

    // Values may be nullptr; false without memory.
    template <class T>
    bool find(bool largest, T* values, std::int64_t* positions) const;
};

bool is_ahead(bool largest, double value, double best) {
    if (best != best) return false;
    return value != value || (largest ? value > best : value < best);
}

template <class T>
bool Places::find(bool largest, T* values, std::int64_t* positions) const {
    const ReduceKernels& kernels = reducer();
    const int which = largest ? 0 : 1;
    const T* x = data_of<T>(pattern.x);
    const long a = pattern.a, b = pattern.b, c = pattern.c, d = pattern.d;
    if (d == 1 && c > 1) {
        const auto columns = sizeof(T) == 4 ? kernels.top_columns_f32[which]
                                            : kernels.top_columns_f64[which];
        const Scratch scratch(values != nullptr ? 1 : static_cast<std::size_t>(a * c) * sizeof(T));
        T* best = values != nullptr ? values : scratch.as<T>();
        if (best == nullptr) return false;
        const long tiles = (c + TILE - 1) / TILE;
        const long work = b * (c < TILE ? c : TILE);
        parallel_ranges(a * tiles, work < PIECE ? PIECE / work : 1, [&](long first, long last) {
            for (long i = first; i < last; ++i) {
                const long column = i % tiles * TILE, at = i / tiles;
                const long width = c - column < TILE ? c - column : TILE;
                columns(x + at * b * c + column, b, width, c, best + at * c + column,
                        positions + at * c + column);
            }
        });
        return true;
    }
    const auto run = sizeof(T) == 4 ? kernels.top_run_f32[which] : kernels.top_run_f64[which];
    const long length = d > 1 ? d : b, runs = a * c;
    const long pieces = (length + PIECE - 1) / PIECE;
    const Scratch scratch(static_cast<std::size_t>(runs * pieces) * 16);
    double* best = scratch.as<double>();
    if (best == nullptr) return false;
    auto* where = reinterpret_cast<std::int64_t*>(best + runs * pieces);
    parallel_ranges(runs * pieces, length < PIECE ? PIECE / length : 1,
                    [&](long first, long last) {
        for (long i = first; i < last; ++i) {
            const long from = i % pieces * PIECE;
            const long count = length - from < PIECE ? length - from : PIECE;
            run(x + i / pieces * length + from, count, best + i, where + i);
            where[i] += from;
        }
    });
    for (long r = 0; r < runs; ++r) {
        long top = r * pieces;
        for (long i = top + 1; i < (r + 1) * pieces; ++i) {
            if (is_ahead(largest, best[i], best[top])) top = i;
        }
        positions[r] = where[top];
        if (values != nullptr) values[r] = static_cast<T>(best[top]);
    }
    return true;
}

template <bool LARGEST, bool VALUES>
PyObject* place_entry(const Arguments& arguments) {
    Places places;
    if (!places.read(arguments)) return DECLINED;
    const Pattern& pattern = places.pattern;
    npy_intp shape[MOST_DIMS];
    const int ndim = pattern.shape(places.keep, shape);
    PyArrayObject* positions = new_array(Type::i64, ndim, shape);
    PyArrayObject* values = VALUES ? new_array(pattern.type, ndim, shape) : nullptr;
    bool done = positions != nullptr && (!VALUES || values != nullptr);
    if (done) {
        const Unlocked unlocked(worth_unlocking(pattern));
        auto* where = data_of<std::int64_t>(positions);
        void* best = VALUES ? data_of<void>(values) : nullptr;
        done = pattern.type == Type::f32
                   ? places.find(LARGEST, static_cast<float*>(best), where)
                   : places.find(LARGEST, static_cast<double*>(best), where);
    }
    if (!done) {
        Py_XDECREF(positions);
        Py_XDECREF(values);
        return PyErr_NoMemory();
    }
    if (VALUES) return Py_BuildValue("(NN)", values, positions);
    return reinterpret_cast<PyObject*>(positions);
}

LAMPAS_KERNEL(max_dim, (place_entry<true, true>));
LAMPAS_KERNEL(min_dim, (place_entry<false, true>));
LAMPAS_KERNEL(argmax, (place_entry<true, false>));
LAMPAS_KERNEL(argmin, (place_entry<false, false>));

}  // namespace
}  // namespace lampas
