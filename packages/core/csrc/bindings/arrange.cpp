// Copies in another arrangement: joined, rolled, reversed, repeated.
#include <cstring>
#include <vector>

#include "bindings/steps.hpp"
#include "runtime/kernel.hpp"

namespace lampas {
namespace {

const Name DIM("dim"), DIMS("dims"), SHIFTS("shifts"), TIMES("times");

constexpr long PIECE = 128 * 1024;  // bytes of one chunk
constexpr long FEW = 32;  // parts of rows of fewer bytes are left to the reference's loops

// A part of each row of the result: so many bytes, `step` further on in each next row.
struct Segment {
    const char* from;
    long step, bytes;
};

// Fill rows of the result, which lie without gaps; row i reads the row source(i).
template <class Source>
void weave(const std::vector<Segment>& segments, long rows, char* to, Source&& source) {
    long width = 0;
    for (const Segment& s : segments) width += s.bytes;
    const bool streamed = is_streamed(rows * width);
    const Unlocked unlocked(rows * width > PIECE);
    parallel_ranges(rows * width, PIECE, [&](long first, long last) {
        long row = first / width, inside = first % width, from = source(row);
        std::size_t which = 0;
        while (inside >= segments[which].bytes) inside -= segments[which++].bytes;
        while (first < last) {
            const Segment& s = segments[which];
            const long bytes = std::min(s.bytes - inside, last - first);
            const char* at = s.from + from * s.step + inside;
            if (streamed && bytes >= SHORT) copier().stream(at, to + first, bytes);
            else std::memcpy(to + first, at, static_cast<std::size_t>(bytes));
            first += bytes;
            inside = 0;
            if (++which == segments.size()) {
                which = 0;
                from = ++row < rows ? source(row) : 0;
            }
        }
        if (streamed) settle_streams();
    });
}

// Join contiguous arrays of one type, whose shapes are alike but for dimension `dim`.
PyObject* join(const Arguments& arguments, bool stacked) {
    long dim;
    if (arguments.count == 0 || !arguments.sized(arguments.count, 1)) return DECLINED;
    PyArrayObject* first = arguments.array(0);
    if (first == nullptr || !arguments.integer(DIM, &dim)) return DECLINED;
    const int ndim = PyArray_NDIM(first);
    const Type type = type_of(first);
    if (type == Type::other || dim < 0 || dim >= ndim + stacked || ndim >= MOST_DIMS) {
        return DECLINED;
    }
    long rows = 1;
    for (int d = 0; d < dim; ++d) rows *= PyArray_DIM(first, d);
    std::vector<Segment> segments(static_cast<std::size_t>(arguments.count));
    long total = 0, along = 0;
    for (Py_ssize_t i = 0; i < arguments.count; ++i) {
        PyArrayObject* x = arguments.array(i);
        if (x == nullptr || type_of(x) != type || PyArray_NDIM(x) != ndim) return DECLINED;
        if (!is_contiguous(x)) return DECLINED;
        for (int d = 0; d < ndim; ++d) {
            const bool free = !stacked && d == dim;
            if (!free && PyArray_DIM(x, d) != PyArray_DIM(first, d)) return DECLINED;
        }
        const long bytes = rows == 0 ? 0 : PyArray_NBYTES(x) / rows;
        segments[static_cast<std::size_t>(i)] = {data_of<char>(x), bytes, bytes};
        total += bytes;
        along += stacked ? 1 : PyArray_DIM(x, dim);
    }
    if (total == 0 || (rows > 1 && total < FEW * arguments.count)) return DECLINED;
    npy_intp shape[MOST_DIMS];
    for (int d = 0; d < ndim + stacked; ++d) {
        shape[d] = d < dim ? PyArray_DIM(first, d)
                   : d == dim ? along : PyArray_DIM(first, d - stacked);
    }
    PyArrayObject* y = new_array(type, ndim + stacked, shape);
    if (y == nullptr) return nullptr;
    weave(segments, rows, data_of<char>(y), [](long row) { return row; });
    return reinterpret_cast<PyObject*>(y);
}

// cat(*arrays, dim=...), stack(*arrays, dim=...)
PyObject* cat_entry(const Arguments& arguments) { return join(arguments, false); }
PyObject* stack_entry(const Arguments& arguments) { return join(arguments, true); }

// roll(x, shifts=(...), dims=(...)), of which the innermost dimension turns parts of rows and
// the others turn the rows.
PyObject* roll_entry(const Arguments& arguments) {
    PyArrayObject* x = arguments.sized(1, 2) ? arguments.array(0) : nullptr;
    if (x == nullptr || !is_contiguous(x) || PyArray_SIZE(x) == 0) return DECLINED;
    const int ndim = PyArray_NDIM(x);
    if (type_of(x) == Type::other || ndim > MOST_DIMS) return DECLINED;
    long shifts[MOST_DIMS], dims[MOST_DIMS], moved[MOST_DIMS] = {};
    const int count = arguments.integers(SHIFTS, shifts, MOST_DIMS);
    if (count < 1 || arguments.integers(DIMS, dims, MOST_DIMS) != count) return DECLINED;
    int inner = 0;
    for (int i = 0; i < count; ++i) {
        if (dims[i] < 0 || dims[i] >= ndim) return DECLINED;
        const long size = PyArray_DIM(x, dims[i]);
        const long by = (moved[dims[i]] + shifts[i] % size) % size;
        moved[dims[i]] = by < 0 ? by + size : by;
        inner = std::max(inner, static_cast<int>(dims[i]));
    }
    long rows = 1;
    for (int d = 0; d < inner; ++d) rows *= PyArray_DIM(x, d);
    PyArrayObject* y = new_like(x);
    if (y == nullptr) return nullptr;
    const char* from = data_of<char>(x);
    const long width = PyArray_NBYTES(x) / rows, item = width / PyArray_DIM(x, inner);
    const long low = moved[inner] * item;
    const std::vector<Segment> segments = {{from + width - low, width, low},
                                           {from, width, width - low}};
    const npy_intp* shape = PyArray_SHAPE(x);
    weave(segments, rows, data_of<char>(y), [&](long row) {
        long source = 0, step = 1;
        for (int d = inner - 1; d >= 0; --d) {
            const long at = row % shape[d] - moved[d];
            source += (at < 0 ? at + shape[d] : at) * step;
            row /= shape[d];
            step *= shape[d];
        }
        return source;
    });
    return reinterpret_cast<PyObject*>(y);
}

// What is read in steps: an array with elements, which are words.
PyArrayObject* steady(const Arguments& arguments, Py_ssize_t parameters) {
    PyArrayObject* x = arguments.sized(1, parameters) ? arguments.array(0) : nullptr;
    if (x == nullptr || PyArray_SIZE(x) == 0 || PyArray_NDIM(x) > MOST_DIMS) return nullptr;
    return type_of(x) != Type::other && is_word(PyArray_ITEMSIZE(x)) ? x : nullptr;
}

PyObject* copy_of(const Steps& steps, Type type, int ndim, const npy_intp* shape) {
    PyArrayObject* y = new_array(type, ndim, shape);
    if (y != nullptr) steps.fill(data_of<char>(y));
    return reinterpret_cast<PyObject*>(y);
}

// flip(x, dims=(...))
PyObject* flip_entry(const Arguments& arguments) {
    PyArrayObject* x = steady(arguments, 1);
    long dims[MOST_DIMS];
    const int count = x == nullptr ? -1 : arguments.integers(DIMS, dims, MOST_DIMS);
    if (count < 0) return DECLINED;
    const int ndim = PyArray_NDIM(x);
    bool turned[MOST_DIMS] = {};
    for (int i = 0; i < count; ++i) {
        if (dims[i] < 0 || dims[i] >= ndim) return DECLINED;
        turned[dims[i]] = true;
    }
    Steps steps(data_of<char>(x), PyArray_ITEMSIZE(x));
    for (int d = 0; d < ndim; ++d) {
        const long size = PyArray_DIM(x, d), step = PyArray_STRIDE(x, d);
        if (turned[d]) steps.start += (size - 1) * step;
        steps.add(size, turned[d] ? -step : step);
    }
    return copy_of(steps, type_of(x), ndim, PyArray_SHAPE(x));
}

// repeat(x, times=(...)): for each dimension, new ones in front
PyObject* repeat_entry(const Arguments& arguments) {
    PyArrayObject* x = steady(arguments, 1);
    long times[MOST_DIMS];
    const int ndim = x == nullptr ? -1 : arguments.integers(TIMES, times, MOST_DIMS);
    const int more = x == nullptr ? 0 : ndim - PyArray_NDIM(x);
    if (ndim < 0 || more < 0) return DECLINED;
    Steps steps(data_of<char>(x), PyArray_ITEMSIZE(x));
    npy_intp shape[MOST_DIMS];
    for (int d = 0; d < ndim; ++d) {
        if (times[d] <= 0) return DECLINED;
        const long size = d < more ? 1 : PyArray_DIM(x, d - more);
        shape[d] = times[d] * size;
        steps.add(times[d], 0);
        if (d >= more) steps.add(size, PyArray_STRIDE(x, d - more));
    }
    return copy_of(steps, type_of(x), ndim, shape);
}

// repeat_interleave(x, times=..., dim=...)
PyObject* repeat_interleave_entry(const Arguments& arguments) {
    PyArrayObject* x = steady(arguments, 2);
    long times, dim;
    if (x == nullptr || !arguments.integer(TIMES, &times) || !arguments.integer(DIM, &dim)) {
        return DECLINED;
    }
    const int ndim = PyArray_NDIM(x);
    if (times <= 0 || dim < 0 || dim >= ndim) return DECLINED;
    Steps steps(data_of<char>(x), PyArray_ITEMSIZE(x));
    npy_intp shape[MOST_DIMS];
    for (int d = 0; d < ndim; ++d) {
        shape[d] = PyArray_DIM(x, d) * (d == dim ? times : 1);
        steps.add(PyArray_DIM(x, d), PyArray_STRIDE(x, d));
        if (d == dim) steps.add(times, 0);
    }
    return copy_of(steps, type_of(x), ndim, shape);
}

LAMPAS_KERNEL(cat, cat_entry);
LAMPAS_KERNEL(stack, stack_entry);
LAMPAS_KERNEL(roll, roll_entry);
LAMPAS_KERNEL(flip, flip_entry);
LAMPAS_KERNEL(repeat, repeat_entry);
LAMPAS_KERNEL(repeat_interleave, repeat_interleave_entry);

}  // namespace
}  // namespace lampas
