// Random numbers: philox_NAME(key, key, block, count, ...) draws `count` numbers from a
// place in a stream, as an array of one dimension.
#include "kernels/random.hpp"

#include "bindings/layout.hpp"
#include "runtime/kernel.hpp"

namespace lampas {
namespace {

constexpr long BLOCKS = 1024;  // of one chunk

bool read_word(PyObject* object, std::uint64_t* word) {
    if (!PyLong_CheckExact(object)) return false;
    *word = PyLong_AsUnsignedLongLong(object);
    if (*word != ~std::uint64_t(0) || !PyErr_Occurred()) return true;
    PyErr_Clear();
    return false;
}

// The place and the count of a draw.
struct Draw {
    Stream from;
    npy_intp count = 0;

    // False where the numbers of the blocks would pass 2^64.
    bool read(const Arguments& arguments, Py_ssize_t operands) {
        if (!arguments.plain(operands)) return false;
        std::uint64_t wanted;
        if (!read_word(arguments[0], &from.key[0]) || !read_word(arguments[1], &from.key[1]) ||
            !read_word(arguments[2], &from.block) || !read_word(arguments[3], &wanted)) {
            return false;
        }
        if (wanted >> 60 != 0 || from.block > ~std::uint64_t(0) - wanted) return false;
        count = static_cast<npy_intp>(wanted);
        return true;
    }

    // fill(stream, first, count) of an array, of which `each` numbers come from a block.
    template <class Fill>
    PyObject* fill(PyArrayObject* y, long each, Fill&& fill) const {
        if (y == nullptr) return nullptr;
        const Unlocked unlocked(count > BLOCKS * each);
        parallel_ranges(count, BLOCKS * each, [&](long first, long last) {
            Stream at = from;
            at.block += static_cast<std::uint64_t>(first / each);
            fill(at, first, last - first);
        });
        return reinterpret_cast<PyObject*>(y);
    }
};

// philox_words(..., count): int64
PyObject* words_entry(const Arguments& arguments) {
    Draw draw;
    if (!draw.read(arguments, 4)) return DECLINED;
    PyArrayObject* y = new_array(Type::i64, 1, &draw.count);
    return draw.fill(y, 4, [&](const Stream& at, long first, long count) {
        random_numbers().words(at, data_of<std::uint64_t>(y) + first, count);
    });
}

// philox_uniform(..., count, bits): float64 for 53 bits, else float32
PyObject* uniform_entry(const Arguments& arguments) {
    Draw draw;
    std::uint64_t bits;
    if (!draw.read(arguments, 5) || !read_word(arguments[4], &bits)) return DECLINED;
    if (bits == 53) {
        PyArrayObject* y = new_array(Type::f64, 1, &draw.count);
        return draw.fill(y, 4, [&](const Stream& at, long first, long count) {
            random_numbers().uniform64(at, data_of<double>(y) + first, count);
        });
    }
    if (bits > 24) return DECLINED;
    PyArrayObject* y = new_array(Type::f32, 1, &draw.count);
    return draw.fill(y, 8, [&](const Stream& at, long first, long count) {
        random_numbers().uniform32(at, data_of<float>(y) + first, count,
                                   static_cast<int>(bits));
    });
}

// philox_normal(..., count, wide): float64 if wide, else float32; the count is even
PyObject* normal_entry(const Arguments& arguments) {
    Draw draw;
    if (!draw.read(arguments, 5) || draw.count % 2 != 0 || !PyBool_Check(arguments[4])) {
        return DECLINED;
    }
    if (arguments[4] == Py_True) {
        PyArrayObject* y = new_array(Type::f64, 1, &draw.count);
        return draw.fill(y, 4, [&](const Stream& at, long first, long count) {
            random_numbers().normal64(at, data_of<double>(y) + first, count);
        });
    }
    PyArrayObject* y = new_array(Type::f32, 1, &draw.count);
    return draw.fill(y, 8, [&](const Stream& at, long first, long count) {
        random_numbers().normal32(at, data_of<float>(y) + first, count);
    });
}

// philox_below(..., count, limit): bool, whether a half is less than the limit
PyObject* below_entry(const Arguments& arguments) {
    Draw draw;
    std::uint64_t limit;
    if (!draw.read(arguments, 5) || !read_word(arguments[4], &limit)) return DECLINED;
    PyArrayObject* y = new_array(Type::boolean, 1, &draw.count);
    return draw.fill(y, 8, [&](const Stream& at, long first, long count) {
        random_numbers().below(at, data_of<bool>(y) + first, count, limit);
    });
}

// philox_integers(..., count, low, span): int64, modulo 2^64; a span of 0 is one of 2^64
PyObject* integers_entry(const Arguments& arguments) {
    Draw draw;
    std::uint64_t low, span;
    if (!draw.read(arguments, 6) || !read_word(arguments[4], &low) ||
        !read_word(arguments[5], &span)) {
        return DECLINED;
    }
    PyArrayObject* y = new_array(Type::i64, 1, &draw.count);
    return draw.fill(y, 4, [&](const Stream& at, long first, long count) {
        random_numbers().integers(at, data_of<std::uint64_t>(y) + first, count, low, span);
    });
}

const Name KEEP("keep"), SCALE("scale");

// dropout(x, *, keep, scale)
PyObject* dropout_entry(const Arguments& arguments) {
    double scale;
    if (!arguments.sized(1, 2) || !arguments.number(SCALE, &scale)) return DECLINED;
    PyArrayObject* const arrays[2] = {arguments.array(0), arguments.array(KEEP)};
    if (arrays[0] == nullptr || arrays[1] == nullptr || type_of(arrays[0]) != Type::f32 ||
        type_of(arrays[1]) != Type::boolean || PyArray_SIZE(arrays[0]) == 0) {
        return DECLINED;
    }
    const void* const numbers[2] = {nullptr, nullptr};
    Layout layout;
    if (!lay_out(layout, arrays, numbers, 2) || layout.one[0]) return DECLINED;
    return fill_result(layout, Type::f32, LIGHT, [&](const char* const* at, char* y, long length) {
        random_numbers().drop(reinterpret_cast<const float*>(at[0]),
                              reinterpret_cast<const bool*>(at[1]), reinterpret_cast<float*>(y),
                              length, static_cast<float>(scale), layout.one[1]);
    });
}

LAMPAS_KERNEL(philox_words, words_entry);
LAMPAS_KERNEL(philox_uniform, uniform_entry);
LAMPAS_KERNEL(philox_normal, normal_entry);
LAMPAS_KERNEL(philox_below, below_entry);
LAMPAS_KERNEL(philox_integers, integers_entry);
LAMPAS_KERNEL(dropout, dropout_entry);

}  // namespace
}  // namespace lampas
