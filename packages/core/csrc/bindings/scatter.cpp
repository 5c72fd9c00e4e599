// Values written, added or joined otherwise to places of an array by an index.
#include <cstring>

#include "bindings/places.hpp"

namespace lampas {
namespace {

const Name DIM("dim"), INDEX("index"), SHAPE("shape"), LARGEST("largest"), SIZE("size");
const Name UNIQUE("unique");

constexpr long PIECE = 128 * 1024;  // bytes

// How values of a type are joined to what is there; nullptr where the reference does it.
Put put_of(Type type, Join join) {
    const int which = static_cast<int>(join);
    if (join == Join::set) {
        return type == Type::other ? nullptr : placer().set[logarithm_of(item_size(type))];
    }
    switch (type) {
        case Type::f32: return placer().join_f32[which];
        case Type::f64: return placer().join_f64[which];
        case Type::i64: return placer().join_i64[which];
        default: return nullptr;
    }
}

void clear(PyArrayObject* y) {
    char* to = data_of<char>(y);
    const long bytes = PyArray_NBYTES(y);
    const Unlocked unlocked(bytes > PIECE);
    parallel_ranges(bytes, PIECE, [&](long first, long last) {
        std::memset(to + first, 0, static_cast<std::size_t>(last - first));
    });
}

// A copy of x in row-major order, whatever its own.
PyArrayObject* copied(PyArrayObject* x) {
    PyArrayObject* y = new_like(x);
    if (y == nullptr) return nullptr;
    if (!is_contiguous(x)) {
        if (PyArray_CopyInto(y, x) == 0) return y;
        Py_DECREF(y);
        return nullptr;
    }
    const char* from = data_of<char>(x);
    char* to = data_of<char>(y);
    const long bytes = PyArray_NBYTES(x);
    const Unlocked unlocked(bytes > PIECE);
    parallel_ranges(bytes, PIECE, [&](long first, long last) {
        std::memcpy(to + first, from + first, static_cast<std::size_t>(last - first));
    });
    return y;
}

// Values joined to `y`, a new array that is given back or, where an index is bad, let go.
PyObject* joined(PyArrayObject* y, const Places& places, PyArrayObject* values, Put put,
                 Join join) {
    if (y == nullptr) return nullptr;
    const Type type = type_of(y);
    const int valued = item_size(type_of(values));
    void* to = data_of<void>(y);
    const void* from = data_of<void>(values);
    if (join == Join::sum ? places.add(put, type, valued, to, from)
                          : places.put(put, item_size(type), valued, to, from)) {
        return reinterpret_cast<PyObject*>(y);
    }
    Py_DECREF(y);
    return DECLINED;
}

// What sums are kept in beside the type of their values: floats in double, and doubles as
// Pair, whose array is of complex numbers.
Type wider(Type type) { return type == Type::f32 ? Type::f64 : Type::c128; }

// Numbers as a wider type in row-major order, or nullptr with an error set.
PyArrayObject* widened(PyArrayObject* x) {
    const int number = type_of(x) == Type::f32 ? NPY_DOUBLE : NPY_CDOUBLE;
    PyObject* y = PyArray_FromArray(x, PyArray_DescrFromType(number),
                                    NPY_ARRAY_CARRAY | NPY_ARRAY_FORCECAST);
    return reinterpret_cast<PyArrayObject*>(y);
}

float narrow(double value) { return static_cast<float>(value); }
double narrow(Pair value) { return value.value(); }

template <class T, class W>
void round_all(T* to, const W* from, long count) {
    const Unlocked unlocked(count > LIGHT);
    parallel_ranges(count, LIGHT, [&](long first, long last) {
        for (long i = first; i < last; ++i) to[i] = narrow(from[i]);
    });
}

// An array of a wider type that is given away, rounded.
PyArrayObject* rounded(PyArrayObject* wide) {
    const bool pairs = type_of(wide) == Type::c128;
    PyArrayObject* y =
        new_array(pairs ? Type::f64 : Type::f32, PyArray_NDIM(wide), PyArray_SHAPE(wide));
    const long count = PyArray_SIZE(wide);
    if (y != nullptr && pairs) round_all(data_of<double>(y), data_of<Pair>(wide), count);
    if (y != nullptr && !pairs) round_all(data_of<float>(y), data_of<double>(wide), count);
    Py_DECREF(wide);
    return y;
}

// Where many numbers may come to one place they are added up in a wider type, as the
// reference adds them in pairs: one by one in their own they would lose digits. Where there
// are as many places as no cache holds, that takes several times as long, and of doubles it
// does so everywhere, so there they must be many for each place, or for some.
constexpr long FEW = 64, MANY = 4, IN_CACHE = 32 * 1024;

bool wants_wider(Type type, long count, const Places& places, Join join) {
    if (join != Join::sum || places.count() <= FEW) return false;
    if (type == Type::f64) return places.is_crowded(FEW);
    if (type != Type::f32) return false;
    if (count <= IN_CACHE || places.count() > MANY * count) return true;
    return places.is_crowded(FEW);
}

// Values joined to `wide`, an array of their wider type that is given away, and rounded; the
// places have met the values.
PyObject* joined_wider(PyArrayObject* wide, const Places& places, PyArrayObject* values) {
    const Put put = type_of(values) == Type::f32 ? placer().sum_wide : placer().sum_pairs;
    PyObject* sums = joined(wide, places, values, put, Join::sum);
    if (sums == nullptr) return nullptr;
    return reinterpret_cast<PyObject*>(rounded(reinterpret_cast<PyArrayObject*>(sums)));
}

// ---- into zeros

struct Zeros {
    npy_intp shape[MOST_DIMS];
    int ndim = 0;

    bool read(const Arguments& arguments) {
        long sizes[MOST_DIMS];
        ndim = arguments.integers(SHAPE, sizes, MOST_DIMS);
        for (int d = 0; d < ndim; ++d) shape[d] = sizes[d];
        return ndim > 0;
    }

    PyObject* with(Places& places, PyArrayObject* values, Join join) {
        const Put put = put_of(type_of(values), join);
        if (put == nullptr || PyArray_NDIM(values) != places.ndim() ||
            !PyArray_CompareLists(PyArray_SHAPE(values), places.shape(), places.ndim())) {
            return DECLINED;
        }
        long size = 1;
        for (int d = 0; d < ndim; ++d) size *= shape[d];
        const Type type = type_of(values);
        const bool wide = wants_wider(type, size, places, join);
        if (!places.values_of(values)) return DECLINED;
        PyArrayObject* y = new_array(wide ? wider(type) : type, ndim, shape);
        if (y == nullptr) return nullptr;
        clear(y);
        return wide ? joined_wider(y, places, values) : joined(y, places, values, put, join);
    }
};

// The first operand's values joined in zeros, along `dim`.
PyObject* along_zeros(const Arguments& arguments, PyArrayObject* index, Join join) {
    PyArrayObject* x = arguments.array(0);
    Zeros zeros;
    Places places;
    long dim;
    if (x == nullptr || !zeros.read(arguments) || !arguments.integer(DIM, &dim)) return DECLINED;
    if (!places.of_shape(zeros.ndim, zeros.shape)) return DECLINED;
    if (!places.along(index, dim)) return DECLINED;
    return zeros.with(places, x, join);
}

// scatter_zeros(x, shape=, dim=, index=)
PyObject* scatter_zeros_entry(const Arguments& arguments) {
    if (!arguments.sized(1, 3)) return DECLINED;
    return along_zeros(arguments, arguments.array(INDEX), Join::sum);
}

// deposit(x, index, dim=, shape=), and the same for an index that repeats nothing
template <Join JOIN>
PyObject* along_entry(const Arguments& arguments) {
    if (!arguments.sized(2, 2)) return DECLINED;
    return along_zeros(arguments, arguments.array(1), JOIN);
}

// scatter_flat(x, index, size=, unique=)
PyObject* scatter_flat_entry(const Arguments& arguments) {
    PyArrayObject* x = arguments.sized(2, 2) ? arguments.array(0) : nullptr;
    long size;
    bool unique;
    if (x == nullptr || !arguments.integer(SIZE, &size) || !arguments.flag(UNIQUE, &unique) ||
        PyArray_NDIM(x) < 1 || PyArray_NDIM(x) > MOST_DIMS) {
        return DECLINED;
    }
    Zeros zeros;
    Places places;
    zeros.ndim = PyArray_NDIM(x);
    for (int d = 0; d < zeros.ndim; ++d) zeros.shape[d] = PyArray_DIM(x, d);
    zeros.shape[zeros.ndim - 1] = size;
    if (!places.of_shape(zeros.ndim, zeros.shape)) return DECLINED;
    if (!places.along(arguments.array(1), zeros.ndim - 1)) return DECLINED;
    return zeros.with(places, x, unique ? Join::set : Join::sum);
}

// weighed(index, weights, size=): sums of weights, added up in double
PyObject* weighed_entry(const Arguments& arguments) {
    PyArrayObject* index = arguments.sized(2, 1) ? arguments.array(0) : nullptr;
    PyArrayObject* weights = index != nullptr ? arguments.array(1) : nullptr;
    long size;
    if (weights == nullptr || !arguments.integer(SIZE, &size)) return DECLINED;
    const Type type = type_of(weights);
    const npy_intp shape[1] = {size};
    Places places;
    if ((type != Type::f32 && type != Type::f64) || PyArray_NDIM(weights) != 1 ||
        PyArray_NDIM(index) != 1 || PyArray_DIM(weights, 0) != PyArray_DIM(index, 0) ||
        !places.of_shape(1, shape) || !places.by_first(index) || !places.values_of(weights)) {
        return DECLINED;
    }
    PyArrayObject* y = new_array(Type::f64, 1, shape);
    if (y == nullptr) return nullptr;
    clear(y);
    if (type == Type::f32) return joined_wider(y, places, weights);
    return joined(y, places, weights, put_of(type, Join::sum), Join::sum);
}

// take_add(x, shape=, index=a tuple)
PyObject* take_add_entry(const Arguments& arguments) {
    PyArrayObject* x = arguments.sized(1, 2) ? arguments.array(0) : nullptr;
    Zeros zeros;
    Places places;
    if (x == nullptr || !zeros.read(arguments)) return DECLINED;
    if (!places.of_shape(zeros.ndim, zeros.shape)) return DECLINED;
    if (!places.by_tuple(arguments.keyword(INDEX))) return DECLINED;
    return zeros.with(places, x, Join::sum);
}

// ---- into a copy

PyObject* into_copy(PyArrayObject* x, Places& places, PyArrayObject* values, Join join) {
    const Put put = put_of(type_of(x), join);
    if (put == nullptr || type_of(values) != type_of(x)) return DECLINED;
    const bool wide = wants_wider(type_of(x), PyArray_SIZE(x), places, join);
    if (!places.values_of(values)) return DECLINED;
    PyArrayObject* y = wide ? widened(x) : copied(x);
    if (wide) return joined_wider(y, places, values);
    return joined(y, places, values, put, join);
}

bool target(PyArrayObject* x, Places& places) {
    return x != nullptr && places.of_shape(PyArray_NDIM(x), PyArray_SHAPE(x));
}

// scatter_set(x, source, dim=, index=) and its like
PyObject* scatter_into(const Arguments& arguments, Join join) {
    PyArrayObject *x = arguments.array(0), *source = arguments.array(1);
    Places places;
    long dim;
    if (!target(x, places) || source == nullptr || !arguments.integer(DIM, &dim)) return DECLINED;
    if (!places.along(arguments.array(INDEX), dim)) return DECLINED;
    return into_copy(x, places, source, join);
}

template <Join JOIN>
PyObject* scatter_entry(const Arguments& arguments) {
    return arguments.sized(2, 2) ? scatter_into(arguments, JOIN) : DECLINED;
}

PyObject* scatter_extreme_entry(const Arguments& arguments) {
    bool largest;
    if (!arguments.sized(2, 3) || !arguments.flag(LARGEST, &largest)) return DECLINED;
    return scatter_into(arguments, largest ? Join::max : Join::min);
}

// index_set(x, value, index=a tuple), and its like that adds
template <Join JOIN>
PyObject* index_entry(const Arguments& arguments) {
    PyArrayObject* x = arguments.sized(2, 1) ? arguments.array(0) : nullptr;
    Places places;
    if (!target(x, places) || arguments.array(1) == nullptr) return DECLINED;
    if (!places.by_tuple(arguments.keyword(INDEX))) return DECLINED;
    return into_copy(x, places, arguments.array(1), JOIN);
}

PyObject* index_clear_entry(const Arguments& arguments) {
    PyArrayObject* x = arguments.sized(1, 1) ? arguments.array(0) : nullptr;
    Places places;
    if (!target(x, places) || !places.by_tuple(arguments.keyword(INDEX))) return DECLINED;
    if (type_of(x) == Type::other) return DECLINED;
    PyArrayObject* zero = new_array(type_of(x), 0, nullptr);
    if (zero == nullptr) return nullptr;
    std::memset(data_of<void>(zero), 0, static_cast<std::size_t>(PyArray_NBYTES(zero)));
    PyObject* y = into_copy(x, places, zero, Join::set);
    Py_DECREF(zero);
    return y;
}

LAMPAS_KERNEL(scatter_zeros, scatter_zeros_entry);
LAMPAS_KERNEL(deposit, along_entry<Join::sum>);
LAMPAS_KERNEL(unsort, along_entry<Join::set>);
LAMPAS_KERNEL(place, along_entry<Join::set>);
LAMPAS_KERNEL(scatter_flat, scatter_flat_entry);
LAMPAS_KERNEL(weighed, weighed_entry);
LAMPAS_KERNEL(take_add, take_add_entry);
LAMPAS_KERNEL(scatter_set, scatter_entry<Join::set>);
LAMPAS_KERNEL(scatter_sum, scatter_entry<Join::sum>);
LAMPAS_KERNEL(scatter_product, scatter_entry<Join::product>);
LAMPAS_KERNEL(scatter_extreme, scatter_extreme_entry);
LAMPAS_KERNEL(index_set, index_entry<Join::set>);
LAMPAS_KERNEL(index_sum, index_entry<Join::sum>);
LAMPAS_KERNEL(index_clear, index_clear_entry);

}  // namespace
}  // namespace lampas
