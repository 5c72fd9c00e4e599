// Copies: in row-major order, in another dtype, with elements dropped.
#include "kernels/copy.hpp"

#include <cstring>

#include "bindings/steps.hpp"
#include "runtime/kernel.hpp"

namespace lampas {
namespace {

const Name ORDER("order"), DTYPE("dtype"), SHAPE("shape");

constexpr long PIECE = 32 * 1024;  // elements of one chunk
constexpr long WORTH = 4096;       // from so many on a copy is worth a look at its strides

// What is copied to row-major order: dimensions of one element left out, neighbours that
// are one in memory joined. Strides in elements.
struct Source {
    int ndim = 0, item = 0;
    long shape[MOST_DIMS], stride[MOST_DIMS];

    bool read(PyArrayObject* x) {
        if (PyArray_NDIM(x) > MOST_DIMS) return false;
        item = static_cast<int>(PyArray_ITEMSIZE(x));
        if (item != 4 && item != 8) return false;
        for (int d = 0; d < PyArray_NDIM(x); ++d) {
            const long size = PyArray_DIM(x, d), bytes = PyArray_STRIDE(x, d);
            if (size == 1) continue;
            if (bytes % item != 0) return false;
            const long step = bytes / item;
            if (ndim > 0 && stride[ndim - 1] == size * step) {
                shape[ndim - 1] *= size;
                stride[ndim - 1] = step;
                continue;
            }
            shape[ndim] = size;
            stride[ndim++] = step;
        }
        return ndim > 0;
    }

    // The dimension along which elements are adjacent, or -1.
    int adjacent() const {
        for (int d = ndim - 1; d >= 0; --d) {
            if (stride[d] == 1) return d;
        }
        return -1;
    }
};

// Turn the last dimension and the one whose elements are adjacent, for all others.
void copy_turned(const Source& s, int adjacent, const char* from, char* to) {
    const int last = s.ndim - 1;
    long pitch = 1, others = 1;  // of the adjacent dimension in the copy
    for (int d = adjacent + 1; d < s.ndim; ++d) pitch *= s.shape[d];
    for (int d = 0; d < last; ++d) others *= d == adjacent ? 1 : s.shape[d];
    const long rows = s.shape[last], columns = s.shape[adjacent];
    const long wanted = PIECE / rows / 16 * 16;
    const long width = wanted < 16 ? 16 : wanted < columns ? wanted : columns;
    const long tiles = (columns + width - 1) / width;
    const Turn turn = s.item == 4 ? copier().turn4 : copier().turn8;
    const long work = width * rows;
    parallel_ranges(others * tiles, work < PIECE ? PIECE / work : 1, [&](long first, long end) {
        for (long i = first; i < end; ++i) {
            long number = i / tiles, source = 0, target = 0, step = 1;
            for (int d = last; d >= 0; --d) {
                if (d != last && d != adjacent) {
                    source += number % s.shape[d] * s.stride[d];
                    target += number % s.shape[d] * step;
                    number /= s.shape[d];
                }
                step *= s.shape[d];
            }
            const long column = i % tiles * width;
            const long count = columns - column < width ? columns - column : width;
            turn(from + (source + column) * s.item, s.stride[last],
                 to + (target + column * pitch) * s.item, pitch, rows, count);
        }
    });
}

// Fill `y`, which is contiguous and as large, with x in row-major order.
bool copy_into(PyArrayObject* x, PyArrayObject* y) {
    Source source;
    if (!source.read(x)) return false;
    const int adjacent = source.adjacent();
    const char* from = data_of<char>(x);
    char* to = data_of<char>(y);
    const long last = source.stride[source.ndim - 1];
    if (last >= -1 && last <= 1) {
        Steps steps(from, source.item);
        for (int d = 0; d < source.ndim; ++d) {
            steps.add(source.shape[d], source.stride[d] * source.item);
        }
        steps.fill(to);
        return true;
    }
    if (adjacent < 0) return false;
    const Unlocked unlocked(PyArray_SIZE(x) > PIECE);
    copy_turned(source, adjacent, from, to);
    return true;
}

PyObject* row_major_copy(PyArrayObject* x, int ndim, const npy_intp* shape) {
    const Type type = type_of(x);
    if (item_size(type) != 4 && item_size(type) != 8) return DECLINED;
    PyArrayObject* y = new_array(type, ndim, shape);
    if (y == nullptr) return nullptr;
    if (copy_into(x, y)) return reinterpret_cast<PyObject*>(y);
    Py_DECREF(y);
    return DECLINED;
}

// clone(x), with the order of x in memory, or clone(x, order="C").
PyObject* clone_entry(const Arguments& arguments) {
    PyArrayObject* x = arguments.count == 1 ? arguments.array(0) : nullptr;
    if (x == nullptr || PyArray_SIZE(x) < WORTH) return DECLINED;
    if (is_contiguous(x)) {
        if (type_of(x) == Type::other) return DECLINED;
        PyArrayObject* y = new_like(x);
        if (y == nullptr) return nullptr;
        const char* from = data_of<char>(x);
        char* to = data_of<char>(y);
        const long bytes = PyArray_NBYTES(x);
        const Unlocked unlocked(bytes > 4 * PIECE);
        const bool streamed = is_streamed(bytes);
        parallel_ranges(bytes, 4 * PIECE, [&](long first, long last) {
            if (streamed) {
                copier().stream(from + first, to + first, last - first);
                settle_streams();
            } else {
                std::memcpy(to + first, from + first, static_cast<std::size_t>(last - first));
            }
        });
        return reinterpret_cast<PyObject*>(y);
    }
    if (arguments.keywords == nullptr) {
        // What repeats its elements has no order of its own to keep.
        bool repeats = false;
        for (int d = 0; d < PyArray_NDIM(x); ++d) repeats |= PyArray_STRIDE(x, d) == 0;
        if (!repeats || !row_major(x)) return DECLINED;
        return row_major_copy(x, PyArray_NDIM(x), PyArray_SHAPE(x));
    }
    PyObject* order = arguments.sized(1, 1) ? arguments.keyword(ORDER) : nullptr;
    if (order == nullptr || !PyUnicode_Check(order)) return DECLINED;
    if (PyUnicode_CompareWithASCIIString(order, "C") != 0) return DECLINED;
    return row_major_copy(x, PyArray_NDIM(x), PyArray_SHAPE(x));
}

// reshape(x, shape=...) where the elements must be copied for it.
PyObject* reshape_entry(const Arguments& arguments) {
    PyArrayObject* x = arguments.sized(1, 1) ? arguments.array(0) : nullptr;
    if (x == nullptr || is_contiguous(x) || PyArray_SIZE(x) < WORTH) return DECLINED;
    long sizes[MOST_DIMS];
    npy_intp shape[MOST_DIMS];
    const int ndim = arguments.integers(SHAPE, sizes, MOST_DIMS);
    if (ndim < 1 || !PyTuple_Check(arguments.keyword(SHAPE))) return DECLINED;
    long product = 1;
    for (int d = 0; d < ndim; ++d) {
        if (sizes[d] < 0) return DECLINED;
        shape[d] = sizes[d];
        product *= sizes[d];
    }
    if (product != PyArray_SIZE(x)) return DECLINED;
    // A Source's dimensions can't be joined further: where the new sizes do not keep them
    // apart, there is no view.
    Source source;
    if (!source.read(x)) return DECLINED;
    int at = ndim - 1;
    for (int d = source.ndim - 1; d >= 0; --d) {
        long size = 1;
        while (at >= 0 && size < source.shape[d]) size *= sizes[at--];
        if (size != source.shape[d]) return row_major_copy(x, ndim, shape);
    }
    return DECLINED;
}

int number_of(Type type) {
    switch (type) {
        case Type::f32: return static_cast<int>(Number::f32);
        case Type::f64: return static_cast<int>(Number::f64);
        case Type::i64: return static_cast<int>(Number::i64);
        case Type::i32: return static_cast<int>(Number::i32);
        case Type::u8: return static_cast<int>(Number::u8);
        case Type::boolean: return static_cast<int>(Number::boolean);
        case Type::bf16: return static_cast<int>(Number::bf16);
        case Type::f16: return static_cast<int>(Number::f16);
        default: return -1;
    }
}

// cast(x, dtype=a NumPy dtype)
PyObject* cast_entry(const Arguments& arguments) {
    PyArrayObject* x = arguments.sized(1, 1) ? arguments.array(0) : nullptr;
    PyObject* dtype = arguments.keyword(DTYPE);
    if (x == nullptr || dtype == nullptr || !PyArray_DescrCheck(dtype)) return DECLINED;
    auto* descriptor = reinterpret_cast<PyArray_Descr*>(dtype);
    if (PyArray_DESCR(x) == descriptor) return Py_NewRef(reinterpret_cast<PyObject*>(x));
    if (!PyArray_ISNBO(descriptor->byteorder)) return DECLINED;
    const Type from = type_of(x), to = type_numbered(descriptor->type_num);
    const int source = number_of(from), target = number_of(to);
    if (from == to || source < 0 || target < 0) return DECLINED;
    const Convert convert = copier().convert[source][target];
    Layout layout;
    if (convert == nullptr || !lay_out(layout, &x, nullptr, 1)) return DECLINED;
    if (layout.one[0] && layout.run > 1) return DECLINED;
    return fill_result(layout, to, LIGHT, [&](const char* const* at, char* y, long length) {
        convert(at[0], y, length);
    });
}

LAMPAS_KERNEL(clone, clone_entry);
LAMPAS_KERNEL(reshape, reshape_entry);
LAMPAS_KERNEL(cast, cast_entry);

}  // namespace
}  // namespace lampas
