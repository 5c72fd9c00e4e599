// Triangles of matrices: rows copied up to the diagonal or from it on, zeros elsewhere.
#include <algorithm>
#include <cstring>

#include "bindings/layout.hpp"
#include "runtime/kernel.hpp"

namespace lampas {
namespace {

const Name DIAGONAL("diagonal");

template <bool UPPER>
PyObject* triangle_entry(const Arguments& arguments) {
    PyArrayObject* x = arguments.sized(1, 1) ? arguments.array(0) : nullptr;
    long diagonal;
    if (x == nullptr || !is_contiguous(x) || type_of(x) == Type::other) return DECLINED;
    const int ndim = PyArray_NDIM(x);
    if (ndim < 2 || PyArray_SIZE(x) == 0) return DECLINED;
    if (!arguments.integer(DIAGONAL, &diagonal)) return DECLINED;
    const long rows = PyArray_DIM(x, ndim - 2), columns = PyArray_DIM(x, ndim - 1);
    if (diagonal < -rows || diagonal > columns) return DECLINED;
    PyArrayObject* y = new_like(x);
    if (y == nullptr) return nullptr;
    const long item = PyArray_ITEMSIZE(x), pitch = columns * item;
    const char* from = data_of<char>(x);
    char* to = data_of<char>(y);
    const long count = PyArray_SIZE(x) / columns;
    const Unlocked unlocked(PyArray_SIZE(x) > LIGHT);
    parallel_ranges(count, std::max(1L, LIGHT / columns), [&](long first, long last) {
        for (long row = first; row < last; ++row) {
            // Columns below this one stand on or left of the diagonal, or left of it.
            const long border = row % rows + diagonal + (UPPER ? 0 : 1);
            const auto split =
                static_cast<std::size_t>(std::clamp(border, 0L, columns) * item);
            const auto rest = static_cast<std::size_t>(pitch) - split;
            const char* source = from + row * pitch;
            char* target = to + row * pitch;
            if (UPPER) {
                std::memset(target, 0, split);
                std::memcpy(target + split, source + split, rest);
            } else {
                std::memcpy(target, source, split);
                std::memset(target + split, 0, rest);
            }
        }
    });
    return reinterpret_cast<PyObject*>(y);
}

LAMPAS_KERNEL(tril, triangle_entry<false>);
LAMPAS_KERNEL(triu, triangle_entry<true>);

}  // namespace
}  // namespace lampas
