// sum_repeated(parts, numbers): for each number in order, the sum of the parts, (n, ...), at
// which it stands in `numbers`, (n,), and where it stands first.
#include <algorithm>

#include "bindings/layout.hpp"
#include "kernels/order.hpp"
#include "kernels/row_sums.hpp"
#include "runtime/kernel.hpp"

namespace lampas {
namespace {

constexpr long PIECE = 16 * 1024;  // elements that one thread adds up at a time

// Numbers in order, where each stood, those that are equal as they came, and where in this
// order another number begins; after the last one stands how many there are.
struct Runs {
    const long length;
    const Scratch scratch;
    std::int64_t *numbers = nullptr, *order = nullptr, *begins = nullptr;
    long count = 0;

    explicit Runs(long n) : length(n), scratch(static_cast<std::size_t>(n * 24 + 8)) {
        numbers = scratch.as<std::int64_t>();
        order = numbers + n;
        begins = order + n;
    }

    bool find(const std::int64_t* from) {
        if (numbers == nullptr) return false;
        if (std::is_sorted(from, from + length)) {
            for (long i = 0; i < length; ++i) order[i] = i;
            split(from);
            return true;
        }
        const Scratch items(static_cast<std::size_t>(length * ITEM));
        if (items.get() == nullptr) return false;
        const Line line{from, 1, length, false, 0, length};
        orderer().i64(line, numbers, order, 1, items.get());
        split(numbers);
        return true;
    }

private:
    void split(const std::int64_t* sorted) {
        begins[0] = 0;
        count = length > 0;
        for (long i = 1; i < length; ++i) {
            begins[count] = i;  // written over where it is none
            count += sorted[i] != sorted[i - 1];
        }
        begins[count] = length;
    }
};

// A thread has the runs that begin among so many of the parts.
template <class T>
void add_up(const Runs& runs, const T* parts, long size, T* sums, std::int64_t* firsts) {
    const std::int64_t *begins = runs.begins, *last = begins + runs.count;
    parallel_ranges(runs.length, std::max(1L, PIECE / std::max(1L, size)), [&](long from, long to) {
        long run = std::lower_bound(begins, last, from) - begins;
        for (; run < runs.count && begins[run] < to; ++run) {
            const std::int64_t* numbers = runs.order + begins[run];
            firsts[run] = numbers[0];
            sum_rows<T>()(parts, numbers, begins[run + 1] - begins[run], size, sums + run * size);
        }
    });
}

template <class T>
PyObject* summed(PyArrayObject* parts, PyArrayObject* numbers) {
    const long length = PyArray_DIM(numbers, 0), size = PyArray_SIZE(parts) / std::max(1L, length);
    const Dense rows(parts);
    if (rows == nullptr) return nullptr;
    Runs runs(length);
    bool found;
    {
        const Unlocked unlocked(length > LIGHT);
        found = runs.find(data_of<std::int64_t>(numbers));
    }
    if (!found) return PyErr_NoMemory();
    npy_intp shape[MOST_DIMS];
    std::copy_n(PyArray_SHAPE(parts), PyArray_NDIM(parts), shape);
    shape[0] = runs.count;
    PyArrayObject* sums = new_array(type_of(parts), PyArray_NDIM(parts), shape);
    PyArrayObject* firsts = sums ? new_array(Type::i64, 1, shape) : nullptr;
    if (firsts == nullptr) {
        Py_XDECREF(sums);
        return nullptr;
    }
    {
        const Unlocked unlocked(length * size > LIGHT);
        add_up(runs, data_of<T>(rows), size, data_of<T>(sums), data_of<std::int64_t>(firsts));
    }
    return Py_BuildValue("(NN)", sums, firsts);
}

PyObject* entry(const Arguments& arguments) {
    if (!arguments.plain(2)) return DECLINED;
    PyArrayObject *parts = arguments.array(0), *numbers = arguments.array(1);
    if (parts == nullptr || numbers == nullptr || type_of(numbers) != Type::i64 ||
        PyArray_NDIM(numbers) != 1 || !is_contiguous(numbers)) {
        return DECLINED;
    }
    const int ndim = PyArray_NDIM(parts);
    const long length = PyArray_DIM(numbers, 0);
    if (ndim < 1 || ndim > MOST_DIMS || PyArray_DIM(parts, 0) != length || length == 0 ||
        length > LONGEST_LINE) {
        return DECLINED;
    }
    switch (type_of(parts)) {
        case Type::f32: return summed<float>(parts, numbers);
        case Type::f64: return summed<double>(parts, numbers);
        default: return DECLINED;
    }
}

LAMPAS_KERNEL(sum_repeated, entry);

}  // namespace
}  // namespace lampas
