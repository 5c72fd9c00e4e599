// Elements by an index: along a dimension, by index arrays, rows of a table.
#include "bindings/places.hpp"

namespace lampas {
namespace {

const Name DIM("dim"), INDEX("index"), UNIQUE("unique"), PADDING("padding_idx");
const Name BY_COUNT("by_count");

constexpr long PIECE = 64 * 1024;

PyObject* picked(PyArrayObject* x, Places& places) {
    PyArrayObject* y = new_array(type_of(x), places.ndim(), places.shape());
    if (y == nullptr) return nullptr;
    places.values_in_order();
    const int item = item_size(type_of(x));
    const Pick pick = placer().pick[logarithm_of(item)];
    if (places.pick(pick, item, data_of<void>(x), data_of<void>(y))) {
        return reinterpret_cast<PyObject*>(y);
    }
    Py_DECREF(y);
    return DECLINED;
}

bool read(PyArrayObject* x, Places& places) {
    return x != nullptr && type_of(x) != Type::other && places.of(x);
}

// gather(x, dim=d, index=an array)
PyObject* gather_entry(const Arguments& arguments) {
    PyArrayObject* x = arguments.sized(1, 2) ? arguments.array(0) : nullptr;
    Places places;
    long dim;
    if (!read(x, places) || !arguments.integer(DIM, &dim)) return DECLINED;
    if (!places.along(arguments.array(INDEX), dim)) return DECLINED;
    return picked(x, places);
}

// The same with the index as an operand, as long as x in the other dimensions.
PyObject* picked_along(const Arguments& arguments, long dim) {
    PyArrayObject *x = arguments.array(0), *index = arguments.array(1);
    Places places;
    if (!read(x, places) || index == nullptr || !places.along(index, dim)) return DECLINED;
    for (int d = 0; d < PyArray_NDIM(x); ++d) {
        if (d != dim && PyArray_DIM(x, d) != PyArray_DIM(index, d)) return DECLINED;
    }
    return picked(x, places);
}

PyObject* collect_entry(const Arguments& arguments) {
    long dim;
    if (!arguments.sized(2, 1) || !arguments.integer(DIM, &dim)) return DECLINED;
    return picked_along(arguments, dim);
}

PyObject* gather_flat_entry(const Arguments& arguments) {
    bool unique;
    PyArrayObject* x = arguments.sized(2, 1) ? arguments.array(0) : nullptr;
    if (x == nullptr || !arguments.flag(UNIQUE, &unique)) return DECLINED;
    return picked_along(arguments, PyArray_NDIM(x) - 1);
}

// take(x, index=a tuple of arrays and full slices)
PyObject* take_entry(const Arguments& arguments) {
    PyArrayObject* x = arguments.sized(1, 1) ? arguments.array(0) : nullptr;
    Places places;
    if (!read(x, places) || !places.by_tuple(arguments.keyword(INDEX))) return DECLINED;
    return picked(x, places);
}

PyObject* embedding_entry(const Arguments& arguments) {
    PyArrayObject* x = arguments.sized(1, 3) ? arguments.array(0) : nullptr;
    Places places;
    // Only the gradient reads the others.
    if (arguments.keyword(PADDING) == nullptr || arguments.keyword(BY_COUNT) == nullptr) {
        return DECLINED;
    }
    PyArrayObject* index = arguments.array(INDEX);
    if (!read(x, places) || index == nullptr || !places.by_first(index)) return DECLINED;
    return picked(x, places);
}

// bounds(x): the least and the largest of an array of integers
PyObject* bounds_entry(const Arguments& arguments) {
    PyArrayObject* x = arguments.plain(1) ? arguments.array(0) : nullptr;
    if (x == nullptr || type_of(x) != Type::i64 || !is_contiguous(x) || PyArray_SIZE(x) == 0) {
        return DECLINED;
    }
    const auto* from = data_of<std::int64_t>(x);
    const long count = PyArray_SIZE(x);
    std::int64_t low, high;
    if (count <= PIECE) {
        placer().bounds(from, count, &low, &high);
        return Py_BuildValue("(LL)", static_cast<long long>(low), static_cast<long long>(high));
    }
    const long pieces = (count + PIECE - 1) / PIECE;
    const Scratch scratch(static_cast<std::size_t>(pieces) * 16);
    auto* found = scratch.as<std::int64_t>();
    if (found == nullptr) return PyErr_NoMemory();
    {
        const Unlocked unlocked;
        parallel_ranges(count, PIECE, [&](long first, long last) {
            std::int64_t* own = found + first / PIECE * 2;
            placer().bounds(from + first, last - first, own, own + 1);
        });
    }
    low = found[0];
    high = found[1];
    for (long i = 1; i < pieces; ++i) {
        if (found[2 * i] < low) low = found[2 * i];
        if (found[2 * i + 1] > high) high = found[2 * i + 1];
    }
    return Py_BuildValue("(LL)", static_cast<long long>(low), static_cast<long long>(high));
}

// ---- the places of what is set in a mask

// One number for each element set, as its position in each dimension.
void divide(std::int64_t* const* to, const npy_intp* shape, int ndim, long first, long last) {
    for (int d = ndim - 1; d > 0; --d) {
        const std::int64_t size = shape[d];
        std::int64_t* place = to[d];
        std::int64_t* rest = to[d - 1];
        // Numbers ascend, so that most have the same rest as the one before.
        std::int64_t quotient = -1, border = 0, start = 0;
        for (long i = first; i < last; ++i) {
            const std::int64_t number = place[i];
            if (number >= border) {
                quotient = number / size;
                start = quotient * size;
                border = start + size;
            }
            rest[i] = quotient;
            place[i] = number - start;
        }
    }
}

// nonzero_places(x): a tuple of the indices of each dimension
PyObject* nonzero_entry(const Arguments& arguments) {
    PyArrayObject* x = arguments.plain(1) ? arguments.array(0) : nullptr;
    if (x == nullptr || type_of(x) != Type::boolean || !is_contiguous(x)) return DECLINED;
    const int ndim = PyArray_NDIM(x);
    if (ndim == 0 || ndim > MOST_DIMS || PyArray_SIZE(x) == 0) return DECLINED;
    const auto* mask = data_of<unsigned char>(x);
    const long count = PyArray_SIZE(x), pieces = (count + PIECE - 1) / PIECE;
    const Scratch scratch(static_cast<std::size_t>(pieces + 1) * sizeof(long));
    long* starts = scratch.as<long>();
    if (starts == nullptr) return PyErr_NoMemory();
    {
        const Unlocked unlocked(count > PIECE);
        parallel_ranges(count, PIECE, [&](long first, long last) {
            starts[first / PIECE + 1] = placer().count_set(mask + first, last - first);
        });
    }
    starts[0] = 0;
    for (long i = 0; i < pieces; ++i) starts[i + 1] += starts[i];
    const npy_intp found = starts[pieces];
    PyObject* result = PyTuple_New(ndim);
    std::int64_t* to[MOST_DIMS];
    for (int d = 0; d < ndim && result != nullptr; ++d) {
        PyArrayObject* places = new_array(Type::i64, 1, &found);
        if (places == nullptr) {
            Py_CLEAR(result);
        } else {
            to[d] = data_of<std::int64_t>(places);
            PyTuple_SET_ITEM(result, d, reinterpret_cast<PyObject*>(places));
        }
    }
    if (result == nullptr) return nullptr;
    const Unlocked unlocked(count > PIECE);
    parallel_ranges(count, PIECE, [&](long first, long last) {
        const long begin = starts[first / PIECE], end = starts[first / PIECE + 1];
        placer().list_set(mask + first, last - first, first, to[ndim - 1] + begin);
        divide(to, PyArray_SHAPE(x), ndim, begin, end);
    });
    return result;
}

LAMPAS_KERNEL(nonzero_places, nonzero_entry);
LAMPAS_KERNEL(gather, gather_entry);
LAMPAS_KERNEL(collect, collect_entry);
LAMPAS_KERNEL(resort, collect_entry);
LAMPAS_KERNEL(pick, collect_entry);
LAMPAS_KERNEL(gather_flat, gather_flat_entry);
LAMPAS_KERNEL(take, take_entry);
LAMPAS_KERNEL(embedding, embedding_entry);
LAMPAS_KERNEL(bounds, bounds_entry);

}  // namespace
}  // namespace lampas
