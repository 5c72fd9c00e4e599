// Pooling: the records of ops/pool.py on float32 and float64 arrays.
#include "kernels/pooling.hpp"

#include "bindings/layout.hpp"
#include "runtime/kernel.hpp"
#include "runtime/scratch.hpp"

namespace lampas {
namespace {

const Name WINDOWS("windows"), INCLUDE_PAD("include_pad"), DIVISOR("divisor");

constexpr long NEAR = 256;                     // places below this are bytes
constexpr long MOST_TAPS = 1L << 24;           // the floats count so far
constexpr double EXACT = 9007199254740992.0;   // integers up to 2^53 are doubles

// Up to three integers in a tuple, as the last ones of three.
bool read_sizes(PyObject* object, long* sizes, long least, long missing, int* dims) {
    if (!PyTuple_Check(object)) return false;
    const int length = static_cast<int>(PyTuple_GET_SIZE(object));
    if (length < 1 || length > 3 || (*dims != 0 && length != *dims)) return false;
    *dims = length;
    for (int i = 0; i < 3; ++i) {
        const int own = i - (3 - length);
        PyObject* item = own < 0 ? nullptr : PyTuple_GET_ITEM(object, own);
        if (item != nullptr && !PyLong_Check(item)) return false;
        sizes[i] = item == nullptr ? missing : PyLong_AsLong(item);
        if (sizes[i] == -1 && PyErr_Occurred()) PyErr_Clear();
        if (sizes[i] < least) return false;
    }
    return true;
}

// The Windows of ops/_windows.py, a tuple of tuples; returns their dimensions, or 0.
int read_windows(const Arguments& arguments, Windows* how) {
    PyObject* object = arguments.keyword(WINDOWS);
    if (object == nullptr || !PyTuple_Check(object) || PyTuple_GET_SIZE(object) != 6) return 0;
    const struct {
        long* sizes;
        long least, missing;
    } parts[6] = {{how->size, 1, 1},    {how->kernel, 1, 1},   {how->stride, 1, 1},
                  {how->padding, 0, 0}, {how->dilation, 1, 1}, {how->out, 1, 1}};
    int dims = 0;
    for (int i = 0; i < 6; ++i) {
        if (!read_sizes(PyTuple_GET_ITEM(object, i), parts[i].sizes, parts[i].least,
                        parts[i].missing, &dims)) {
            return 0;
        }
    }
    return dims;
}

struct Pooling {
    Windows how;
    int dims = 0;  // of the windows
    int lead = 0;  // dimensions before them
    long planes = 1;
    Type type = Type::other;
    PyArrayObject* array = nullptr;

    // Whether an array has the planes that windows lie over, or those of their results.
    bool read(const Arguments& arguments, Py_ssize_t index, bool pooled) {
        dims = read_windows(arguments, &how);
        array = arguments.array(index);
        if (dims == 0 || array == nullptr || how.taps() > MOST_TAPS) return false;
        type = type_of(array);
        if ((type != Type::f32 && type != Type::f64) || PyArray_SIZE(array) == 0) return false;
        lead = PyArray_NDIM(array) - dims;
        if (lead < 0 || lead + dims > MOST_DIMS || !fits(array, pooled)) return false;
        for (int d = 0; d < lead; ++d) planes *= PyArray_DIM(array, d);
        return true;
    }

    bool fits(PyArrayObject* other, bool pooled) const {
        if (PyArray_NDIM(other) != lead + dims) return false;
        const long* sizes = (pooled ? how.out : how.size) + 3 - dims;
        for (int d = 0; d < lead + dims; ++d) {
            const long wanted = d < lead ? PyArray_DIM(array, d) : sizes[d - lead];
            if (PyArray_DIM(other, d) != wanted) return false;
        }
        return true;
    }

    bool near() const { return how.taps() <= NEAR; }

    bool is_place(PyArrayObject* place) const {
        return place != nullptr && type_of(place) == (near() ? Type::u8 : Type::i32) &&
               fits(place, true);
    }

    PyArrayObject* result(Type of, bool pooled) const {
        npy_intp shape[MOST_DIMS];
        const long* sizes = (pooled ? how.out : how.size) + 3 - dims;
        for (int d = 0; d < lead + dims; ++d) {
            shape[d] = d < lead ? PyArray_DIM(array, d) : sizes[d - lead];
        }
        return new_array(of, lead + dims, shape);
    }

    // Call body(work, first, last) for all planes; false without memory.
    template <class Body>
    bool run(Body&& body) const {
        const std::size_t bytes = static_cast<std::size_t>(pooling().work_bytes(how));
        const long larger = how.inputs() > how.outputs() ? how.inputs() : how.outputs();
        const Unlocked unlocked(planes * larger > HEAVY);
        return parallel_scratch(planes, LIGHT / larger, bytes,
                                [&](const Scratch& work, long first, long last) {
                                    body(work.as<char>(), first, last);
                                });
    }
};

// Call body with the loops and the types of elements and places.
template <class Body>
auto for_types(const Pooling& p, Body&& body) {
    const PoolingKernels& kernels = pooling();
    if (p.type == Type::f32) {
        return p.near() ? body(kernels.f32_near, float(), std::uint8_t())
                        : body(kernels.f32_far, float(), std::int32_t());
    }
    return p.near() ? body(kernels.f64_near, double(), std::uint8_t())
                    : body(kernels.f64_far, double(), std::int32_t());
}

PyObject* max_pool_entry(const Arguments& arguments) {
    Pooling p;
    if (!arguments.sized(1, 1) || !p.read(arguments, 0, false)) return DECLINED;
    PyArrayObject* x = contiguous(p.array);
    PyArrayObject* y = x == nullptr ? nullptr : p.result(p.type, true);
    PyArrayObject* place = y == nullptr ? nullptr : p.result(p.near() ? Type::u8 : Type::i32, true);
    const bool done =
        place != nullptr && for_types(p, [&](const auto& loops, auto element, auto number) {
            using T = decltype(element);
            using Place = decltype(number);
            return p.run([&](char* work, long first, long last) {
                loops.largest(p.how, data_of<T>(x), data_of<T>(y), data_of<Place>(place), work,
                              first, last);
            });
        });
    PyObject* pair = done ? PyTuple_Pack(2, y, place) : nullptr;
    Py_XDECREF(y);
    Py_XDECREF(place);
    Py_XDECREF(x);
    return finished(reinterpret_cast<PyArrayObject*>(pair), pair != nullptr);
}

// Both take an array and places: max_spread(g, place) and max_pick(x, place).
template <bool SPREAD>
PyObject* place_entry(const Arguments& arguments) {
    Pooling p;
    if (!arguments.sized(2, 1) || !p.read(arguments, 0, SPREAD)) return DECLINED;
    PyArrayObject* places = arguments.array(1);
    if (!p.is_place(places)) return DECLINED;
    PyArrayObject* from = contiguous(p.array);
    PyArrayObject* place = from == nullptr ? nullptr : contiguous(places);
    PyArrayObject* to = place == nullptr ? nullptr : p.result(p.type, !SPREAD);
    const bool done =
        to != nullptr && for_types(p, [&](const auto& loops, auto element, auto number) {
            using T = decltype(element);
            using Place = decltype(number);
            return p.run([&](char* work, long first, long last) {
                if constexpr (SPREAD) {
                    loops.spread(p.how, data_of<T>(from), data_of<Place>(place), data_of<T>(to),
                                 work, first, last);
                } else {
                    loops.pick(p.how, data_of<T>(from), data_of<Place>(place), data_of<T>(to),
                               work, first, last);
                }
            });
        });
    Py_XDECREF(from);
    Py_XDECREF(place);
    return finished(to, done);
}

// ---- means

// The lengths of windows: with or without the padding that they reach into.
long length_of(const Windows& how, int d, long at, bool include_pad) {
    long start = how.start(d, at), end = start + how.kernel[d];
    const long limit = how.size[d] + (include_pad ? how.padding[d] : 0);
    if (end > limit) end = limit;
    if (!include_pad && start < 0) start = 0;
    return end - start;
}

// Divides by `divisor`, or by the number of elements.
bool read_divisors(const Arguments& arguments, const Windows& how, Divisors* by, long* lengths) {
    PyObject* divisor = arguments.keyword(DIVISOR);
    bool include_pad;
    if (divisor == nullptr || !arguments.flag(INCLUDE_PAD, &include_pad)) return false;
    by->one = divisor != Py_None;
    if (by->one) {
        return PyLong_CheckExact(divisor) && arguments.number(DIVISOR, &by->value) &&
               by->value <= EXACT && by->value >= -EXACT;
    }
    bool equal = true;
    by->value = 1.0;
    for (int d = 0; d < 3; ++d) {
        by->lengths[d] = lengths;
        for (long at = 0; at < how.out[d]; ++at) {
            lengths[at] = length_of(how, d, at, include_pad);
            equal = equal && lengths[at] == lengths[0];
        }
        by->value *= static_cast<double>(lengths[0]);
        lengths += how.out[d];
    }
    by->one = equal;
    return true;
}

template <bool SHARE>
PyObject* mean_entry(const Arguments& arguments) {
    Pooling p;
    if (!arguments.sized(1, 3) || !p.read(arguments, 0, SHARE)) return DECLINED;
    for (int d = 0; d < 3; ++d) {
        if (p.how.dilation[d] != 1) return DECLINED;
    }
    const long count = p.how.out[0] + p.how.out[1] + p.how.out[2];
    const Scratch lengths(static_cast<std::size_t>(count) * sizeof(long));
    Divisors by;
    if (lengths.get() == nullptr) return PyErr_NoMemory();
    if (!read_divisors(arguments, p.how, &by, lengths.as<long>())) return DECLINED;
    PyArrayObject* from = contiguous(p.array);
    PyArrayObject* to = from == nullptr ? nullptr : p.result(p.type, !SHARE);
    const auto run = [&](const auto& loops, auto element) {
        using T = decltype(element);
        return p.run([&](char* work, long first, long last) {
            if constexpr (SHARE) {
                loops.share(p.how, by, data_of<T>(from), data_of<T>(to), work, first, last);
            } else {
                loops.mean(p.how, by, data_of<T>(from), data_of<T>(to), work, first, last);
            }
        });
    };
    const bool done = to != nullptr && (p.type == Type::f32 ? run(pooling().f32_mean, float())
                                                            : run(pooling().f64_mean, double()));
    Py_XDECREF(from);
    return finished(to, done);
}

LAMPAS_KERNEL(max_pool, max_pool_entry);
LAMPAS_KERNEL(max_spread, place_entry<true>);
LAMPAS_KERNEL(max_pick, place_entry<false>);
LAMPAS_KERNEL(avg_pool, mean_entry<false>);
LAMPAS_KERNEL(avg_spread, mean_entry<true>);

}  // namespace
}  // namespace lampas
