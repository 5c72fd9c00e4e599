// Order along a dimension: all of it, some ranks, the middle one.
#include "kernels/order.hpp"

#include <algorithm>

#include "bindings/layout.hpp"
#include "runtime/kernel.hpp"
#include "runtime/scratch.hpp"

namespace lampas {
namespace {

const Name DIM("dim"), DESCENDING("descending"), FIRST("first"), COUNT("count");
const Name KEEPDIM("keepdim");

constexpr long PIECE = 8 * 1024;  // elements that one thread orders at a time

// A contiguous array as lines along one dimension.
struct Lines {
    PyArrayObject* x = nullptr;
    Order order = nullptr;
    long dim = 0, before = 1, size = 0, after = 1;

    bool read(const Arguments& arguments) {
        x = arguments.array(0);
        if (x == nullptr || !is_contiguous(x) || PyArray_SIZE(x) == 0) return false;
        const Type type = type_of(x);
        order = type == Type::f32   ? orderer().f32
                : type == Type::f64 ? orderer().f64
                : type == Type::i64 ? orderer().i64
                                    : nullptr;
        const int ndim = PyArray_NDIM(x);
        if (order == nullptr || ndim > MOST_DIMS || !arguments.integer(DIM, &dim)) return false;
        if (dim < 0 || dim >= ndim) return false;
        for (int d = 0; d < dim; ++d) before *= PyArray_DIM(x, d);
        for (int d = static_cast<int>(dim) + 1; d < ndim; ++d) after *= PyArray_DIM(x, d);
        size = PyArray_DIM(x, static_cast<int>(dim));
        return size <= LONGEST_LINE;
    }

    // The place of the first NaN of a line, or -1.
    long lost(const char* line) const {
        for (long i = 0; i < size; ++i) {
            const char* at = line + i * after * PyArray_ITEMSIZE(x);
            const bool nan = type_of(x) == Type::f32
                                 ? *reinterpret_cast<const float*>(at) !=
                                       *reinterpret_cast<const float*>(at)
                                 : *reinterpret_cast<const double*>(at) !=
                                       *reinterpret_cast<const double*>(at);
            if (nan) return i;
        }
        return -1;
    }

    // A pair of arrays: the elements of ranks [first, last) and their places. Where
    // `nan_wins`, a line with NaN has its first one at every rank.
    PyObject* run(bool descending, long first, long last, bool keep, bool nan_wins) const {
        const int ndim = PyArray_NDIM(x);
        npy_intp shape[MOST_DIMS];
        int length = 0;
        for (int d = 0; d < ndim; ++d) {
            if (d == dim && !keep) continue;
            shape[length++] = d == dim ? last - first : PyArray_DIM(x, d);
        }
        PyArrayObject* values = new_array(type_of(x), length, shape);
        PyArrayObject* places = values ? new_array(Type::i64, length, shape) : nullptr;
        if (places == nullptr) {
            Py_XDECREF(values);
            return nullptr;
        }
        bool done;
        {
            const Unlocked unlocked(PyArray_SIZE(x) > PIECE / 4);
            const bool floats = type_of(x) != Type::i64;
            done = fill(descending, first, last, nan_wins && floats, data_of<char>(values),
                        data_of<std::int64_t>(places));
        }
        if (!done) {
            Py_DECREF(values);
            Py_DECREF(places);
            return PyErr_NoMemory();
        }
        return Py_BuildValue("(NN)", values, places);
    }

private:
    bool fill(bool descending, long first, long last, bool nan_wins, char* values,
              std::int64_t* places) const {
        const char* from = data_of<char>(x);
        const long item = PyArray_ITEMSIZE(x), wanted = last - first;
        const std::size_t bytes = static_cast<std::size_t>(size * ITEM);
        const auto some = [&](const Scratch& scratch, long begin, long end) {
            for (long i = begin; i < end; ++i) {
                const long start = i / after * size * after + i % after;
                const long to = i / after * wanted * after + i % after;
                const char* at = from + start * item;
                Line line{at, after, size, descending, first, last};
                const long nan = nan_wins ? lost(at) : -1;
                if (nan >= 0) line = {at + nan * after * item, after, 1, false, 0, 1};
                order(line, values + to * item, places + to, after, scratch.get());
                if (nan >= 0) places[to] = nan;
            }
        };
        return parallel_scratch(before * after, PIECE / size, bytes, some);
    }
};

PyObject* sort_entry(const Arguments& arguments) {
    Lines lines;
    bool descending;
    if (!arguments.sized(1, 2) || !arguments.flag(DESCENDING, &descending)) return DECLINED;
    if (!lines.read(arguments)) return DECLINED;
    return lines.run(descending, 0, lines.size, true, false);
}

// ranked(x, dim=, descending=, first=, count=)
PyObject* ranked_entry(const Arguments& arguments) {
    Lines lines;
    bool descending;
    long first, count;
    if (!arguments.sized(1, 4) || !arguments.flag(DESCENDING, &descending)) return DECLINED;
    if (!arguments.integer(FIRST, &first) || !arguments.integer(COUNT, &count)) return DECLINED;
    if (!lines.read(arguments)) return DECLINED;
    if (first < 0 || count < 1 || first + count > lines.size) return DECLINED;
    return lines.run(descending, first, first + count, true, false);
}

PyObject* median_entry(const Arguments& arguments) {
    Lines lines;
    bool keep;
    if (!arguments.sized(1, 2) || !arguments.flag(KEEPDIM, &keep)) return DECLINED;
    if (!lines.read(arguments)) return DECLINED;
    const long middle = (lines.size - 1) / 2;
    return lines.run(false, middle, middle + 1, keep, true);
}

LAMPAS_KERNEL(sort, sort_entry);
LAMPAS_KERNEL(ranked, ranked_entry);
LAMPAS_KERNEL(median_dim, median_entry);

}  // namespace
}  // namespace lampas
