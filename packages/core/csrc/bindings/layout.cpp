#include "bindings/layout.hpp"

#include <unistd.h>

namespace lampas {
namespace {

constexpr long STREAMED = 32 << 20;  // where the size of the last cache isn't known

// Whether memory holds the elements without gaps, in some order of the dimensions, of
// which none but the row-major one is asked for here.
bool is_dense(PyArrayObject* array) {
    const int ndim = PyArray_NDIM(array);
    const npy_intp* shape = PyArray_SHAPE(array);
    const npy_intp* strides = PyArray_STRIDES(array);
    npy_intp expected = PyArray_ITEMSIZE(array);
    bool used[MOST_DIMS] = {};
    for (int step = 0; step < ndim; ++step) {
        int found = -1;
        for (int d = ndim - 1; d >= 0; --d) {
            if (!used[d] && (strides[d] == expected || shape[d] == 1)) {
                found = d;
                break;
            }
        }
        if (found < 0) return false;
        used[found] = true;
        expected *= shape[found];
    }
    return true;
}

// All arrays have one shape and one dense order.
bool alike(PyArrayObject* const* arrays, int count, PyArrayObject* first) {
    for (int o = 0; o < count; ++o) {
        PyArrayObject* other = arrays[o];
        if (other == nullptr || other == first) continue;
        if (!same_shape(first, other)) return false;
        const npy_intp* a = PyArray_STRIDES(first);
        const npy_intp* b = PyArray_STRIDES(other);
        const npy_intp items = PyArray_ITEMSIZE(first), other_items = PyArray_ITEMSIZE(other);
        for (int d = 0; d < PyArray_NDIM(first); ++d) {
            if (PyArray_DIM(first, d) != 1 && a[d] / items != b[d] / other_items) return false;
        }
    }
    return is_dense(first);
}

bool broadcast(Layout& layout, PyArrayObject* const* arrays) {
    for (int o = 0; o < layout.operands; ++o) {
        if (arrays[o] == nullptr) continue;
        const int ndim = PyArray_NDIM(arrays[o]);
        if (ndim > layout.ndim) layout.ndim = ndim;
    }
    layout.count = 1;
    for (int d = 0; d < layout.ndim; ++d) {
        npy_intp size = 1;
        for (int o = 0; o < layout.operands; ++o) {
            if (arrays[o] == nullptr) continue;
            const int own = d - (layout.ndim - PyArray_NDIM(arrays[o]));
            const npy_intp extent = own < 0 ? 1 : PyArray_DIM(arrays[o], own);
            if (extent == 1) continue;
            if (size != 1 && size != extent) return false;
            size = extent;
        }
        layout.shape[d] = size;
        layout.count *= size;
    }
    return layout.count > 0;
}

npy_intp stride_of(const Layout& layout, PyArrayObject* array, int dim) {
    if (array == nullptr) return 0;
    const int own = dim - (layout.ndim - PyArray_NDIM(array));
    return own < 0 || PyArray_DIM(array, own) == 1 ? 0 : PyArray_STRIDE(array, own);
}

// Join dimensions from the last on into the run, then neighbours among the others.
bool runs(Layout& layout, PyArrayObject* const* arrays) {
    long step[MOST_OPERANDS];  // what the next dimension must have to be joined
    layout.run = 1;
    int d = layout.ndim - 1;
    for (int o = 0; o < layout.operands; ++o) layout.one[o] = true;
    bool begun = false;
    for (; d >= 0; --d) {
        if (layout.shape[d] == 1) continue;
        bool joined = true;
        for (int o = 0; o < layout.operands && joined; ++o) {
            const npy_intp stride = stride_of(layout, arrays[o], d);
            if (!begun) {
                // Rows that are read backwards or with gaps are left to the reference.
                if (stride != 0 && stride != layout.item[o]) return false;
            } else {
                joined = stride == (layout.one[o] ? 0 : step[o]);
            }
        }
        if (!joined) break;
        for (int o = 0; o < layout.operands; ++o) {
            if (!begun) layout.one[o] = stride_of(layout, arrays[o], d) == 0;
            step[o] = layout.item[o] * layout.run * layout.shape[d];
        }
        layout.run *= layout.shape[d];
        begun = true;
    }
    layout.outer = 0;
    for (int e = 0; e <= d; ++e) {
        if (layout.shape[e] == 1) continue;
        bool joined = layout.outer > 0;
        for (int o = 0; o < layout.operands && joined; ++o) {
            const npy_intp stride = stride_of(layout, arrays[o], e);
            joined = layout.stride[o][layout.outer - 1] == stride * layout.shape[e];
        }
        if (!joined) layout.extent[layout.outer++] = 1;
        layout.extent[layout.outer - 1] *= layout.shape[e];
        for (int o = 0; o < layout.operands; ++o) {
            layout.stride[o][layout.outer - 1] = stride_of(layout, arrays[o], e);
        }
    }
    // Many short runs cost more than the reference's own loop.
    return layout.outer == 0 || layout.run >= 8;
}

}  // namespace

bool row_major(PyArrayObject* array) {
    npy_intp last = 0;
    for (int d = PyArray_NDIM(array) - 1; d >= 0; --d) {
        const npy_intp stride = PyArray_STRIDE(array, d);
        if (PyArray_DIM(array, d) == 1 || stride == 0) continue;
        if (stride < last) return false;
        last = stride;
    }
    return true;
}

bool lie_alike(PyArrayObject* const* arrays, int count) {
    return PyArray_NDIM(arrays[0]) <= MOST_DIMS && alike(arrays, count, arrays[0]);
}

bool lay_out(Layout& layout, PyArrayObject* const* arrays, const void* const* numbers, int count) {
    layout.operands = count;
    PyArrayObject* first = nullptr;
    bool whole = true;
    for (int o = 0; o < count; ++o) {
        PyArrayObject* array = arrays[o];
        if (array == nullptr) {
            layout.data[o] = static_cast<const char*>(numbers[o]);
            layout.item[o] = 0;
            layout.one[o] = true;
            continue;
        }
        layout.data[o] = data_of<char>(array);
        layout.item[o] = static_cast<int>(PyArray_ITEMSIZE(array));
        layout.one[o] = false;
        if (PyArray_NDIM(array) > MOST_DIMS) return false;
        if (first == nullptr) {
            first = array;
            whole = is_contiguous(array);
        } else {
            whole = whole && is_contiguous(array) && same_shape(first, array);
        }
    }
    if (first == nullptr) return false;
    if (whole || alike(arrays, count, first)) {
        layout.ndim = PyArray_NDIM(first);
        for (int d = 0; d < layout.ndim; ++d) layout.shape[d] = PyArray_DIM(first, d);
        layout.count = layout.run = PyArray_SIZE(first);
        layout.like = whole ? nullptr : first;
        return layout.count > 0;
    }
    // The reference lays its result out as the operands are: row-major only if they all are.
    for (int o = 0; o < count; ++o) {
        if (arrays[o] != nullptr && !row_major(arrays[o])) return false;
    }
    return broadcast(layout, arrays) && runs(layout, arrays);
}

bool is_streamed(long bytes) {
#if defined(__SSE2__)
#if defined(_SC_LEVEL3_CACHE_SIZE)
    static const long least = std::max(sysconf(_SC_LEVEL3_CACHE_SIZE), STREAMED);
#else
    constexpr long least = STREAMED;
#endif
    return bytes >= least;
#else
    return bytes < 0;  // there are no such instructions
#endif
}

void settle_streams() {
#if defined(__SSE2__)
    __builtin_ia32_sfence();
#endif
}

PyArrayObject* new_result(const Layout& layout, Type type) {
    if (layout.like != nullptr) return new_laid_out(type, layout.like);
    return new_array(type, layout.ndim, layout.shape);
}

}  // namespace lampas
