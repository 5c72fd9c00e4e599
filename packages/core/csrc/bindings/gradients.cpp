// Gradients added up, measured, scaled and clipped; averages of parameters. Where there are
// lists of arrays, all are served in one call.
#include "kernels/gradients.hpp"

#include <atomic>
#include <cmath>
#include <cstring>

#include "bindings/stretches.hpp"

namespace lampas {
namespace {

const Name ORDER("order"), FACTOR("factor"), LIMIT("limit"), WEIGHT("weight");

// Below and above these, squares of double lose what norms of single arrays keep.
constexpr double LEAST = 1e-280, MOST = 1e300;

template <class T>
T* at(const Row& row, int column, long first) {
    return reinterpret_cast<T*>(row.arrays[column]) + first;
}

// measure(stretch) of each chunk, in the chunks' order.
template <class Measure>
std::vector<double> measured(const std::vector<Row>& rows, Measure&& measure) {
    const std::vector<Stretch> stretches = stretches_of(rows);
    std::vector<double> parts(stretches.size());
    const Unlocked unlocked(elements_of(rows) > STRETCH);
    parallel_chunks(static_cast<long>(stretches.size()), [&](long chunk) {
        const auto c = static_cast<std::size_t>(chunk);
        parts[c] = measure(stretches[c]);
    });
    return parts;
}

template <class T>
std::vector<double> measured(const std::vector<Row>& rows,
                             double (*loop)(const T* x, long count)) {
    return measured(rows, [&](const Stretch& s) {
        return loop(at<const T>(rows[s.row], 0, s.first), s.last - s.first);
    });
}

template <class T>
PyObject* norm_of_type(Type type, double norm) {
    PyArrayObject* result = new_array(type, 0, nullptr);
    if (result != nullptr) *data_of<T>(result) = static_cast<T>(norm);
    return reinterpret_cast<PyObject*>(result);
}

template <class T>
PyObject* norm(Type type, const std::vector<Row>& rows, double order,
               const GradientLoops<T>& loops) {
    double total = 0.0;
    if (std::isinf(order)) {
        for (const double part : measured(rows, loops.largest)) {
            if (part > total || part != part) total = part;
        }
        return norm_of_type<T>(type, total);
    }
    for (const double part : measured(rows, order == 2.0 ? loops.squares : loops.sizes)) {
        total += part;
    }
    if (order == 1.0) return norm_of_type<T>(type, total);
    if (sizeof(T) == 8 && !(total > LEAST && total < MOST)) return DECLINED;
    return norm_of_type<T>(type, std::sqrt(total));
}

// total_norm(arrays, *, order): of all elements as one vector, an array without dimensions
PyObject* norm_entry(const Arguments& arguments) {
    double order;
    if (!arguments.sized(1, 1) || !arguments.number(ORDER, &order)) return DECLINED;
    if (order != 1.0 && order != 2.0 && !(order > 0.0 && std::isinf(order))) return DECLINED;
    const Type type = type_of_rows(arguments[0]);
    std::vector<Row> rows;
    if ((type != Type::f32 && type != Type::f64) ||
        !read_rows(arguments[0], 1, 0, type, &rows)) {
        return DECLINED;
    }
    return type == Type::f32 ? norm(type, rows, order, gradients().f32)
                             : norm(type, rows, order, gradients().f64);
}

// Run call(rows, loops) with rows of `width` arrays, of which the first is written, and
// one number as a parameter.
template <class Call>
PyObject* change(const Arguments& arguments, int width, const Name& name, Call&& call) {
    double number;
    if (!arguments.sized(1, 1) || !arguments.number(name, &number)) return DECLINED;
    const Type type = type_of_rows(arguments[0]);
    std::vector<Row> rows;
    if ((type != Type::f32 && type != Type::f64) ||
        !read_rows(arguments[0], width, 1, type, &rows)) {
        return DECLINED;
    }
    return type == Type::f32 ? call(rows, number, gradients().f32)
                             : call(rows, number, gradients().f64);
}

// scale_all(arrays, *, factor): True
PyObject* scale_entry(const Arguments& arguments) {
    return change(arguments, 1, FACTOR,
                  []<class T>(const std::vector<Row>& rows, double factor,
                              const GradientLoops<T>& loops) -> PyObject* {
                      for_each_stretch(rows, [&](std::size_t i, long first, long last) {
                          loops.scale(at<T>(rows[i], 0, first), last - first, factor);
                      });
                      Py_RETURN_TRUE;
                  });
}

// zero_all(arrays): True
PyObject* zero_entry(const Arguments& arguments) {
    if (!arguments.plain(1)) return DECLINED;
    const Type type = type_of_rows(arguments[0]);
    const long size = item_size(type);
    std::vector<Row> rows;
    if (size == 0 || !read_rows(arguments[0], 1, 1, type, &rows)) return DECLINED;
    for_each_stretch(rows, [&](std::size_t i, long first, long last) {
        std::memset(rows[i].arrays[0] + first * size, 0,
                    static_cast<std::size_t>((last - first) * size));
    });
    Py_RETURN_TRUE;
}

// clamp_all(arrays, *, limit): True
PyObject* clamp_entry(const Arguments& arguments) {
    return change(arguments, 1, LIMIT,
                  []<class T>(const std::vector<Row>& rows, double limit,
                              const GradientLoops<T>& loops) -> PyObject* {
                      if (!(limit >= 0.0)) return DECLINED;
                      for_each_stretch(rows, [&](std::size_t i, long first, long last) {
                          loops.clamp(at<T>(rows[i], 0, first), last - first, limit);
                      });
                      Py_RETURN_TRUE;
                  });
}

// unscale_all(arrays, *, factor): whether all are finite then
PyObject* unscale_entry(const Arguments& arguments) {
    return change(arguments, 1, FACTOR,
                  []<class T>(const std::vector<Row>& rows, double factor,
                              const GradientLoops<T>& loops) -> PyObject* {
                      std::atomic<bool> finite{true};
                      for_each_stretch(rows, [&](std::size_t i, long first, long last) {
                          if (!loops.unscale(at<T>(rows[i], 0, first), last - first, factor)) {
                              finite.store(false, std::memory_order_relaxed);
                          }
                      });
                      return PyBool_FromLong(finite.load());
                  });
}

// mix_all(rows, *, weight): True; a row is an array and what it is moved towards
PyObject* mix_entry(const Arguments& arguments) {
    return change(arguments, 2, WEIGHT,
                  []<class T>(const std::vector<Row>& rows, double weight,
                              const GradientLoops<T>& loops) -> PyObject* {
                      for_each_stretch(rows, [&](std::size_t i, long first, long last) {
                          loops.mix(at<T>(rows[i], 0, first), at<const T>(rows[i], 1, first),
                                    last - first, weight);
                      });
                      Py_RETURN_TRUE;
                  });
}

template <class T>
void add_to(PyArrayObject* x, PyArrayObject* more, void (*loop)(T*, const T*, long)) {
    const long count = PyArray_SIZE(x);
    T* to = data_of<T>(x);
    const T* from = data_of<const T>(more);
    if (count <= LIGHT) {
        loop(to, from, count);
        return;
    }
    const Unlocked unlocked;
    parallel_ranges(count, LIGHT, [&](long first, long last) {
        loop(to + first, from + first, last - first);
    });
}

// Whether they overlap otherwise than element on element.
bool tangled(PyArrayObject* x, PyArrayObject* more) {
    const char* a = data_of<const char>(x);
    const char* b = data_of<const char>(more);
    const npy_intp bytes = PyArray_NBYTES(x);
    return a != b && a < b + bytes && b < a + bytes;
}

// add_into(x, more): x, to which more was added
PyObject* add_into_entry(const Arguments& arguments) {
    if (!arguments.plain(2)) return DECLINED;
    PyArrayObject* const arrays[2] = {arguments.array(0), arguments.array(1)};
    if (arrays[0] == nullptr || arrays[1] == nullptr) return DECLINED;
    const Type type = type_of(arrays[0]);
    if ((type != Type::f32 && type != Type::f64) || type_of(arrays[1]) != type) return DECLINED;
    if (!PyArray_ISWRITEABLE(arrays[0]) || !lie_alike(arrays, 2)) return DECLINED;
    if (tangled(arrays[0], arrays[1])) return DECLINED;
    if (type == Type::f32) add_to<float>(arrays[0], arrays[1], gradients().f32.add);
    else add_to<double>(arrays[0], arrays[1], gradients().f64.add);
    return Py_NewRef(arguments[0]);
}

LAMPAS_KERNEL(total_norm, norm_entry);
LAMPAS_KERNEL(scale_all, scale_entry);
LAMPAS_KERNEL(zero_all, zero_entry);
LAMPAS_KERNEL(clamp_all, clamp_entry);
LAMPAS_KERNEL(unscale_all, unscale_entry);
LAMPAS_KERNEL(mix_all, mix_entry);
LAMPAS_KERNEL(add_into, add_into_entry);

}  // namespace
}  // namespace lampas
