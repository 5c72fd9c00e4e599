// Weighted sums of elements around points: the records of ops/grid_sample.py.
#include "kernels/sample.hpp"

#include "bindings/layout.hpp"
#include "bindings/meeting.hpp"
#include "runtime/kernel.hpp"
#include "runtime/scratch.hpp"

namespace lampas {
namespace {

const Name SIZE("size");

constexpr long LARGEST = 0x7fffffff;

bool is_plain(PyArrayObject* array, Type type) {
    return array != nullptr && type_of(array) == type && PyArray_NDIM(array) == 3 &&
           is_contiguous(array) && PyArray_SIZE(array) > 0;
}

bool same_dims(PyArrayObject* array, long a, long b, long c) {
    return PyArray_DIM(array, 0) == a && PyArray_DIM(array, 1) == b && PyArray_DIM(array, 2) == c;
}

// index (N, K, P), and one or two arrays of images (N, C, M), points (N, C, P) or weights
// (N, K, P), all contiguous.
struct Sampling {
    Points how{};
    long images = 0;
    Type type = Type::other;
    PyArrayObject* index = nullptr;

    bool read_index(PyArrayObject* places) {
        index = places;
        if (!is_plain(index, Type::i64)) return false;
        images = PyArray_DIM(index, 0);
        how.taps = PyArray_DIM(index, 1);
        how.points = PyArray_DIM(index, 2);
        return true;
    }
    // The array that tells the type and the number of channels; returns its last dimension.
    long read_channels(PyArrayObject* array) {
        type = array == nullptr ? Type::other : type_of(array);
        if ((type != Type::f32 && type != Type::f64) || !is_plain(array, type)) return 0;
        how.channels = PyArray_DIM(array, 1);
        return PyArray_DIM(array, 0) == images ? PyArray_DIM(array, 2) : 0;
    }
    bool is(PyArrayObject* array, long rows, long columns) const {
        return is_plain(array, type) && same_dims(array, images, rows, columns);
    }
    bool in_range() const {
        const std::int64_t* at = data_of<std::int64_t>(index);
        const std::uint64_t size = static_cast<std::uint64_t>(how.size);
        bool outside = false;
        for (long i = 0; i < PyArray_SIZE(index); ++i) {
            outside |= static_cast<std::uint64_t>(at[i]) >= size;
        }
        return how.size <= LARGEST && !outside;
    }

    PyArrayObject* result(long rows, long columns) const {
        const npy_intp shape[3] = {images, rows, columns};
        return new_array(type, 3, shape);
    }

    // Call body(near, image, first, last) for all points; false without memory.
    template <class Body>
    bool for_points(Body&& body) const {
        const long blocks = (how.points + POINTS_AT_ONCE - 1) / POINTS_AT_ONCE;
        const std::size_t bytes = static_cast<std::size_t>(how.taps * POINTS_AT_ONCE) * 4;
        const long grain = LIGHT / (POINTS_AT_ONCE * how.taps * how.channels);
        const Unlocked unlocked(images * how.points * how.taps * how.channels > LIGHT);
        const auto some = [&](const Scratch& near, long from, long to) {
            for (long i = from; i < to; ++i) {
                const long first = i % blocks * POINTS_AT_ONCE, next = first + POINTS_AT_ONCE;
                body(near.as<std::int32_t>(), i / blocks, first,
                     next < how.points ? next : how.points);
            }
        };
        return parallel_scratch(images * blocks, grain, bytes, some);
    }
};

template <class T>
bool run_sample(const Sampling& s, const SampleLoops<T>& loops, PyArrayObject* x,
                PyArrayObject* weight, PyArrayObject* y) {
    const Points& how = s.how;
    const long taken = how.taps * how.points;
    return s.for_points([&](std::int32_t* near, long image, long first, long last) {
        loops.sample(how, data_of<T>(x) + image * how.channels * how.size,
                     data_of<T>(weight) + image * taken,
                     data_of<std::int64_t>(s.index) + image * taken,
                     data_of<T>(y) + image * how.channels * how.points, near, first, last);
    });
}

PyObject* sample_entry(const Arguments& arguments) {
    Sampling s;
    if (!arguments.plain(3)) return DECLINED;
    const Dense index(arguments.array(2));
    if (!s.read_index(index)) return DECLINED;
    const Dense x(arguments.array(0)), weight(arguments.array(1));
    s.how.size = s.read_channels(x);
    if (s.how.size == 0 || !s.is(weight, s.how.taps, s.how.points) || !s.in_range()) {
        return DECLINED;
    }
    PyArrayObject* y = s.result(s.how.channels, s.how.points);
    const bool done = y != nullptr && (s.type == Type::f32
                                           ? run_sample<float>(s, sampler().f32, x, weight, y)
                                           : run_sample<double>(s, sampler().f64, x, weight, y));
    return finished(y, done);
}

template <class T>
bool run_match(const Sampling& s, const SampleLoops<T>& loops, PyArrayObject* g, PyArrayObject* x,
               PyArrayObject* result) {
    const Points& how = s.how;
    const long taken = how.taps * how.points;
    return s.for_points([&](std::int32_t* near, long image, long first, long last) {
        loops.match(how, data_of<T>(g) + image * how.channels * how.points,
                    data_of<T>(x) + image * how.channels * how.size,
                    data_of<std::int64_t>(s.index) + image * taken,
                    data_of<T>(result) + image * taken, near, first, last);
    });
}

PyObject* match_entry(const Arguments& arguments) {
    Sampling s;
    if (!arguments.plain(3)) return DECLINED;
    const Dense index(arguments.array(2));
    if (!s.read_index(index)) return DECLINED;
    const Dense g(arguments.array(0)), x(arguments.array(1));
    s.how.size = s.read_channels(x);
    if (s.how.size == 0 || !s.is(g, s.how.channels, s.how.points) || !s.in_range()) {
        return DECLINED;
    }
    PyArrayObject* result = s.result(s.how.taps, s.how.points);
    const bool done =
        result != nullptr && (s.type == Type::f32
                                  ? run_match<float>(s, sampler().f32, g, x, result)
                                  : run_match<double>(s, sampler().f64, g, x, result));
    return finished(result, done);
}

template <class T>
bool run_spread(const Sampling& s, const SampleLoops<T>& loops, PyArrayObject* g,
                PyArrayObject* weight, PyArrayObject* dx) {
    const Points& how = s.how;
    const long taken = how.taps * how.points;
    const long at_once = points_apart(how.points, taken, how.size);
    const long kept = std::max(room_apart(how.size, how.points, at_once), 1L);
    const Unlocked unlocked(s.images * how.channels * taken > LIGHT);
    const auto some = [&](const Scratch& memory, long from, long to) {
        for (long plane = from; plane < to; ++plane) {
            const long image = plane / how.channels;
            const auto add = [&](T* x, long first, long last) {
                loops.spread(how, data_of<T>(g) + plane * how.points,
                             data_of<T>(weight) + image * taken,
                             data_of<std::int64_t>(s.index) + image * taken, x, first, last);
            };
            add_up_points(data_of<T>(dx) + plane * how.size, how.size, how.points, at_once,
                          memory.as<T>(), add);
        }
    };
    const std::size_t bytes = static_cast<std::size_t>(kept) * sizeof(T);
    return parallel_scratch(s.images * how.channels, LIGHT / taken, bytes, some);
}

PyObject* spread_entry(const Arguments& arguments) {
    Sampling s;
    if (!arguments.sized(3, 1)) return DECLINED;
    const Dense index(arguments.array(2));
    if (!s.read_index(index)) return DECLINED;
    const Dense g(arguments.array(0)), weight(arguments.array(1));
    if (!arguments.integer(SIZE, &s.how.size) || s.how.size < 1) return DECLINED;
    if (s.read_channels(g) != s.how.points || !s.is(weight, s.how.taps, s.how.points) ||
        !s.in_range()) {
        return DECLINED;
    }
    PyArrayObject* dx = s.result(s.how.channels, s.how.size);
    const bool done =
        dx != nullptr && (s.type == Type::f32
                              ? run_spread<float>(s, sampler().f32, g, weight, dx)
                              : run_spread<double>(s, sampler().f64, g, weight, dx));
    return finished(dx, done);
}

LAMPAS_KERNEL(sample, sample_entry);
LAMPAS_KERNEL(sample_match, match_entry);
LAMPAS_KERNEL(sample_spread, spread_entry);

}  // namespace
}  // namespace lampas
