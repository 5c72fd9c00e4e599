// Images sampled at the points of a grid, in one pass: the records of ops/grid_sample.py
// that have both.
#include "kernels/grid.hpp"

#include <cstring>

#include "bindings/layout.hpp"
#include "bindings/meeting.hpp"
#include "runtime/kernel.hpp"
#include "runtime/scratch.hpp"

namespace lampas {
namespace {

const Name MODE("mode"), PADDING("padding"), CORNERS("corners"), SIZES("sizes");

constexpr long LARGEST = 0x7fffffff;     // elements of an image
constexpr long LONGEST = 4 * 1024 * 1024;  // that float can number, with those between
constexpr long FEWEST_AT_ONCE = 32;  // points, that fill vectors
constexpr long CHANNELS_TOGETHER = 8;  // to which one thread spreads what it has weighed

// Which of three words a parameter is, or -1.
int word(const Arguments& arguments, const Name& name, const char* const (&known)[3]) {
    PyObject* value = arguments.keyword(name);
    if (value == nullptr || !PyUnicode_Check(value)) return -1;
    for (int i = 0; i < 3; ++i) {
        if (PyUnicode_CompareWithASCIIString(value, known[i]) == 0) return i;
    }
    return -1;
}

bool is_float(PyArrayObject* x) {
    return x != nullptr && (type_of(x) == Type::f32 || type_of(x) == Type::f64) &&
           PyArray_SIZE(x) > 0;
}

// Images (N, C, sizes), a grid (N, points, dims) and what is at the points (N, C, points).
struct Gridded {
    GridHow how{};
    long images = 0;
    Type type = Type::other;

    bool read_how(const Arguments& arguments) {
        const int mode = word(arguments, MODE, {"nearest", "bilinear", "bicubic"});
        const int padding = word(arguments, PADDING, {"zeros", "border", "reflection"});
        how.mode = static_cast<GridMode>(mode);
        how.padding = static_cast<GridPadding>(padding);
        return mode >= 0 && padding >= 0 && arguments.flag(CORNERS, &how.corners);
    }
    bool read_grid(PyArrayObject* grid) {
        if (!is_float(grid)) return false;
        const int last = PyArray_NDIM(grid) - 1;
        type = type_of(grid);
        how.dims = last - 1;
        if (how.dims < 2 || how.dims > MOST_AXES || PyArray_DIM(grid, last) != how.dims) {
            return false;
        }
        images = PyArray_DIM(grid, 0);
        how.points = PyArray_SIZE(grid) / (images * how.dims);
        return how.dims == 2 || how.mode != GridMode::bicubic;
    }
    bool set_sizes(const long* sizes) {
        how.plane = 1;
        for (int d = 0; d < how.dims; ++d) {
            how.sizes[d] = sizes[d];
            if (sizes[d] < 1 || sizes[d] > LONGEST || sizes[d] > LARGEST / how.plane) return false;
            how.plane *= sizes[d];
        }
        return true;
    }
    bool read_images(PyArrayObject* x) {
        if (!is_float(x) || type_of(x) != type || PyArray_NDIM(x) != how.dims + 2 ||
            PyArray_DIM(x, 0) != images) {
            return false;
        }
        how.channels = PyArray_DIM(x, 1);
        return set_sizes(PyArray_SHAPE(x) + 2);
    }
    bool fits_points(PyArrayObject* g, PyArrayObject* grid) const {
        if (!is_float(g) || type_of(g) != type || PyArray_NDIM(g) != how.dims + 2 ||
            PyArray_DIM(g, 0) != images) {
            return false;
        }
        return PyArray_CompareLists(PyArray_SHAPE(g) + 2, PyArray_SHAPE(grid) + 1, how.dims);
    }

    // Call body(image, memory, first, last) for all points; false without memory.
    template <class Body>
    bool for_points(long room, Body&& body) const {
        const long blocks = (how.points + GRID_AT_ONCE - 1) / GRID_AT_ONCE;
        const Unlocked unlocked(images * how.points * how.channels > LIGHT / 8);
        const long grain = LIGHT / 8 / (GRID_AT_ONCE * how.channels);
        return parallel_scratch(images * blocks, grain, static_cast<std::size_t>(room),
                                [&](const Scratch& memory, long from, long to) {
            for (long i = from; i < to; ++i) {
                const long first = i % blocks * GRID_AT_ONCE, next = first + GRID_AT_ONCE;
                body(i / blocks, memory.get(), first, next < how.points ? next : how.points);
            }
        });
    }
};

// `body` with the loops of the type of `result`, which is then given back.
template <class Body>
PyObject* by_type(PyArrayObject* result, Body&& body) {
    if (result == nullptr) return nullptr;
    const bool done = type_of(result) == Type::f32 ? body(gridder().f32) : body(gridder().f64);
    return finished(result, done);
}

template <class T>
bool run_sample(const Gridded& s, const GridLoops<T>& loops, PyArrayObject* x,
                PyArrayObject* grid, PyArrayObject* y) {
    const GridHow& how = s.how;
    return s.for_points(loops.room, [&](long image, void* memory, long first, long last) {
        loops.sample(how, data_of<T>(x) + image * how.channels * how.plane,
                     data_of<T>(grid) + image * how.points * how.dims,
                     data_of<T>(y) + image * how.channels * how.points, memory, first, last);
    });
}

// grid_sample(x, grid, mode=, padding=, corners=)
PyObject* sample_entry(const Arguments& arguments) {
    if (!arguments.sized(2, 3)) return DECLINED;
    const Dense x(arguments.array(0)), grid(arguments.array(1));
    Gridded s;
    if (!s.read_how(arguments) || !s.read_grid(grid) || !s.read_images(x)) return DECLINED;
    npy_intp shape[MOST_AXES + 2] = {s.images, s.how.channels};
    for (int d = 0; d < s.how.dims; ++d) shape[d + 2] = PyArray_DIM(grid, d + 1);
    PyArrayObject* y = new_array(s.type, s.how.dims + 2, shape);
    return by_type(y, [&](const auto& loops) { return run_sample(s, loops, x, grid, y); });
}

// Elements that a point takes from.
long taps_of(const GridHow& how) {
    const long each = how.mode == GridMode::nearest ? 1 : how.mode == GridMode::bilinear ? 2 : 4;
    return each * each * (how.dims == 3 ? each : 1);
}

template <class T>
bool run_spread(const Gridded& s, const GridLoops<T>& loops, PyArrayObject* g,
                PyArrayObject* grid, PyArrayObject* dx) {
    const GridHow& how = s.how;
    const long groups = (how.channels + CHANNELS_TOGETHER - 1) / CHANNELS_TOGETHER;
    const long terms = how.points * taps_of(how);
    const long apart = points_apart(how.points, terms, how.plane);
    const long at_once = apart < GRID_AT_ONCE ? std::max(apart, FEWEST_AT_ONCE)
                                              : apart / GRID_AT_ONCE * GRID_AT_ONCE;
    const long kept = room_apart(how.plane * CHANNELS_TOGETHER, how.points, at_once);
    const long room = (loops.room + 63) / 64 * 64;
    const Unlocked unlocked(s.images * how.points * how.channels > LIGHT / 8);
    const auto some = [&](const Scratch& memory, long from, long to) {
        T* const sums = reinterpret_cast<T*>(memory.as<char>() + room);
        for (long i = from; i < to; ++i) {
            const long image = i / groups, channel = i % groups * CHANNELS_TOGETHER;
            const long channels = std::min(how.channels - channel, CHANNELS_TOGETHER);
            const long plane = image * how.channels + channel;
            const auto add = [&](T* x, long first, long last) {
                for (; first < last; first += GRID_AT_ONCE) {
                    loops.spread(how, data_of<T>(g) + plane * how.points,
                                 data_of<T>(grid) + image * how.points * how.dims, x,
                                 memory.get(), channels, first,
                                 std::min(first + GRID_AT_ONCE, last));
                }
            };
            add_up_points(data_of<T>(dx) + plane * how.plane, channels * how.plane, how.points,
                          at_once, sums, add);
        }
    };
    const long grain = LIGHT / 8 / (how.points * CHANNELS_TOGETHER);
    const std::size_t bytes =
        static_cast<std::size_t>(room) + static_cast<std::size_t>(kept) * sizeof(T);
    return parallel_scratch(s.images * groups, grain, bytes, some);
}

// grid_sample_input(g, grid, sizes=, mode=, padding=, corners=)
PyObject* input_entry(const Arguments& arguments) {
    if (!arguments.sized(2, 4)) return DECLINED;
    const Dense g(arguments.array(0)), grid(arguments.array(1));
    Gridded s;
    long sizes[MOST_AXES];
    if (!s.read_how(arguments) || !s.read_grid(grid) || !s.fits_points(g, grid) ||
        arguments.integers(SIZES, sizes, MOST_AXES) != s.how.dims || !s.set_sizes(sizes)) {
        return DECLINED;
    }
    s.how.channels = PyArray_DIM(g, 1);
    npy_intp shape[MOST_AXES + 2] = {s.images, s.how.channels};
    for (int d = 0; d < s.how.dims; ++d) shape[d + 2] = sizes[d];
    PyArrayObject* dx = new_array(s.type, s.how.dims + 2, shape);
    return by_type(dx, [&](const auto& loops) { return run_spread(s, loops, g, grid, dx); });
}

template <class T>
bool run_move(const Gridded& s, const GridLoops<T>& loops, PyArrayObject* g, PyArrayObject* x,
              PyArrayObject* grid, PyArrayObject* dgrid) {
    const GridHow& how = s.how;
    return s.for_points(loops.room, [&](long image, void* memory, long first, long last) {
        loops.move(how, data_of<T>(g) + image * how.channels * how.points,
                   data_of<T>(x) + image * how.channels * how.plane,
                   data_of<T>(grid) + image * how.points * how.dims,
                   data_of<T>(dgrid) + image * how.points * how.dims, memory, first, last);
    });
}

// grid_sample_points(g, x, grid, mode=, padding=, corners=)
PyObject* points_entry(const Arguments& arguments) {
    if (!arguments.sized(3, 3)) return DECLINED;
    const Dense g(arguments.array(0)), x(arguments.array(1)), grid(arguments.array(2));
    Gridded s;
    if (!s.read_how(arguments) || !s.read_grid(grid) || !s.read_images(x) ||
        !s.fits_points(g, grid) || PyArray_DIM(g, 1) != s.how.channels) {
        return DECLINED;
    }
    PyArrayObject* dgrid = new_like(grid);
    return by_type(dgrid,
                   [&](const auto& loops) { return run_move(s, loops, g, x, grid, dgrid); });
}

LAMPAS_KERNEL(grid_sample, sample_entry);
LAMPAS_KERNEL(grid_sample_input, input_entry);
LAMPAS_KERNEL(grid_sample_points, points_entry);

}  // namespace
}  // namespace lampas
