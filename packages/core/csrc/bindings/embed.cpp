// The gradient of a table of rows: rows of the cotangent added up by the row they are of.
#include <cstring>

#include "bindings/layout.hpp"
#include "kernels/row_sums.hpp"
#include "runtime/kernel.hpp"

namespace lampas {
namespace {

const Name INDEX("index"), COUNT("count"), PADDING("padding_idx"), BY_COUNT("by_count");

constexpr long ROWS_TOGETHER = 64;  // rows of the table that one thread fills at a time

// Where each row's occurrences begin in `order`, which lists them as they come.
bool sort_by_row(const std::int64_t* index, long length, long count, std::int64_t* begins,
                 std::int64_t* order) {
    std::memset(begins, 0, static_cast<std::size_t>(count + 1) * sizeof(std::int64_t));
    for (long i = 0; i < length; ++i) {
        if (index[i] < 0 || index[i] >= count) return false;
        ++begins[index[i] + 1];
    }
    for (long row = 0; row < count; ++row) begins[row + 1] += begins[row];
    // Each begin moves on to its end, which is the next one's begin.
    for (long i = 0; i < length; ++i) order[begins[index[i]]++] = i;
    for (long row = count; row > 0; --row) begins[row] = begins[row - 1];
    begins[0] = 0;
    return true;
}

template <class T>
void fill(const T* from, T* to, const std::int64_t* order, const std::int64_t* begins, long length,
          long count, long size, long padding) {
    const Unlocked unlocked((length + count) * size > LIGHT);
    const long grain = (length + count) * size > LIGHT ? ROWS_TOGETHER : count;
    parallel_ranges(count, grain, [&](long first, long last) {
        for (long row = first; row < last; ++row) {
            const long some = row == padding ? 0 : begins[row + 1] - begins[row];
            sum_rows<T>()(from, order + begins[row], some, size, to + row * size);
        }
    });
}

PyObject* embedding_backward_entry(const Arguments& arguments) {
    PyArrayObject* g = arguments.sized(1, 4) ? arguments.array(0) : nullptr;
    PyObject* places = arguments.keyword(INDEX);
    PyArrayObject* index = g == nullptr || places == nullptr ? nullptr : as_array(places);
    long count;
    bool by_count;
    if (index == nullptr || type_of(index) != Type::i64 || !is_contiguous(index) ||
        PyArray_NDIM(g) < 1) {
        return DECLINED;
    }
    const Type type = type_of(g);
    if (type != Type::f32 && type != Type::f64) return DECLINED;
    if (!arguments.integer(COUNT, &count) || !arguments.flag(BY_COUNT, &by_count)) return DECLINED;
    if (by_count || count < 1 || PyArray_SIZE(g) == 0) return DECLINED;
    long padding = -1;
    if (!arguments.is_none(PADDING) &&
        (!arguments.integer(PADDING, &padding) || padding < 0 || padding >= count)) {
        return DECLINED;
    }
    const long length = PyArray_SIZE(index), size = PyArray_DIM(g, PyArray_NDIM(g) - 1);
    if (PyArray_SIZE(g) != length * size) return DECLINED;
    const npy_intp shape[2] = {count, size};
    const Scratch scratch(static_cast<std::size_t>(count + 1 + length) * sizeof(std::int64_t));
    auto* begins = scratch.as<std::int64_t>();
    if (begins == nullptr) return PyErr_NoMemory();
    std::int64_t* order = begins + count + 1;
    if (!sort_by_row(data_of<std::int64_t>(index), length, count, begins, order)) return DECLINED;
    // A cotangent that stands for many is written out.
    auto* rows = reinterpret_cast<PyArrayObject*>(PyArray_GETCONTIGUOUS(g));
    PyArrayObject* dw = rows == nullptr ? nullptr : new_array(type, 2, shape);
    if (dw == nullptr) {
        Py_XDECREF(rows);
        return nullptr;
    }
    const auto each = [&](auto number) {
        using T = decltype(number);
        fill(data_of<T>(rows), data_of<T>(dw), order, begins, length, count, size, padding);
    };
    if (type == Type::f32) each(float());
    else each(double());
    Py_DECREF(rows);
    return reinterpret_cast<PyObject*>(dw);
}

LAMPAS_KERNEL(embedding_backward, embedding_backward_entry);

}  // namespace
}  // namespace lampas
