// L-BFGS: the two loops over its history in one call, what joins the history, and the move
// of all parameters.
#include "kernels/lbfgs.hpp"

#include "bindings/stretches.hpp"

namespace lampas {
namespace {

const Name SCALE("scale"), LENGTH("length");

// The last changes of gradients (y) and of parameters (s), and 1 / (y s) of each.
template <class T>
struct Pair {
    const T *y, *s;
    double rho;
};

// A vector of this type and length, or nullptr.
PyArrayObject* vector_of(PyObject* object, Type type, long count) {
    PyArrayObject* x = as_array(object);
    if (x == nullptr || type_of(x) != type || PyArray_NDIM(x) != 1 || !is_contiguous(x)) {
        return nullptr;
    }
    return PyArray_SIZE(x) == count ? x : nullptr;
}

template <class T>
bool read_pairs(const Arguments& arguments, Type type, long count, std::vector<Pair<T>>* pairs) {
    for (Py_ssize_t list = 1; list < 4; ++list) {
        if (!PyList_Check(arguments[list])) return false;
    }
    PyObject *ys = arguments[1], *ss = arguments[2], *rhos = arguments[3];
    const Py_ssize_t size = PyList_GET_SIZE(ys);
    if (size == 0 || PyList_GET_SIZE(ss) != size || PyList_GET_SIZE(rhos) != size) return false;
    for (Py_ssize_t i = 0; i < size; ++i) {
        PyArrayObject* y = vector_of(PyList_GET_ITEM(ys, i), type, count);
        PyArrayObject* s = vector_of(PyList_GET_ITEM(ss, i), type, count);
        PyObject* rho = PyList_GET_ITEM(rhos, i);
        if (y == nullptr || s == nullptr || !PyFloat_Check(rho)) return false;
        pairs->push_back({data_of<const T>(y), data_of<const T>(s), PyFloat_AS_DOUBLE(rho)});
    }
    return true;
}

// From the newest pair to the oldest and back.
template <class T>
void two_loops(const T* g, const std::vector<Pair<T>>& pairs, T scale, T* q, long count) {
    const LbfgsLoops<T>& loops = lbfgs_of<T>();
    std::vector<double> parts(static_cast<std::size_t>((count + STRETCH - 1) / STRETCH));
    const auto sum = [&](auto&& pass) {
        parallel_ranges(count, STRETCH, [&](long first, long last) {
            parts[static_cast<std::size_t>(first / STRETCH)] = pass(first, last - first);
        });
        double total = 0.0;
        for (const double part : parts) total += part;
        return total;
    };
    const std::size_t size = pairs.size();
    std::vector<double> weights(size);
    double along = sum(
        [&](long i, long n) { return loops.begin(q + i, g + i, pairs[size - 1].s + i, n); });
    for (std::size_t k = size; k-- > 0;) {
        weights[k] = along * pairs[k].rho;
        const T* y = pairs[k].y;
        const T by = static_cast<T>(-weights[k]);
        if (k == 0) {
            along = sum([&](long i, long n) { return loops.turn(q + i, y + i, by, scale, n); });
        } else {
            const T* next = pairs[k - 1].s;
            along = sum([&](long i, long n) { return loops.step(q + i, y + i, by, next + i, n); });
        }
    }
    for (std::size_t k = 0; k < size; ++k) {
        const T* s = pairs[k].s;
        const T by = static_cast<T>(weights[k] - along * pairs[k].rho);
        if (k + 1 < size) {
            const T* next = pairs[k + 1].y;
            along = sum([&](long i, long n) { return loops.step(q + i, s + i, by, next + i, n); });
        } else {
            parallel_ranges(count, STRETCH, [&](long first, long last) {
                loops.end(q + first, s + first, by, last - first);
            });
        }
    }
}

template <class T>
PyObject* direction(const Arguments& arguments, PyArrayObject* g, double scale) {
    const long count = PyArray_SIZE(g);
    std::vector<Pair<T>> pairs;
    if (!read_pairs(arguments, type_of(g), count, &pairs)) return DECLINED;
    PyArrayObject* q = new_like(g);
    if (q == nullptr) return nullptr;
    const Unlocked unlocked(count > STRETCH);
    two_loops(data_of<const T>(g), pairs, static_cast<T>(scale), data_of<T>(q), count);
    return reinterpret_cast<PyObject*>(q);
}

// lbfgs_direction(gradient, ys, ss, rhos, *, scale): lists from the oldest to the newest
PyObject* direction_entry(const Arguments& arguments) {
    double scale;
    if (!arguments.sized(4, 1) || !arguments.number(SCALE, &scale)) return DECLINED;
    PyArrayObject* g = arguments.array(0);
    if (g == nullptr || PyArray_NDIM(g) != 1 || PyArray_SIZE(g) == 0 || !is_contiguous(g)) {
        return DECLINED;
    }
    if (type_of(g) == Type::f32) return direction<float>(arguments, g, scale);
    if (type_of(g) == Type::f64) return direction<double>(arguments, g, scale);
    return DECLINED;
}

template <class T>
PyObject* pair(PyArrayObject* const* from, double length) {
    const long count = PyArray_SIZE(from[0]);
    PyArrayObject* y = new_like(from[0]);
    PyArrayObject* s = y == nullptr ? nullptr : new_like(from[0]);
    if (s == nullptr) {
        Py_XDECREF(y);
        return nullptr;
    }
    std::vector<double> parts(2 * static_cast<std::size_t>((count + STRETCH - 1) / STRETCH));
    {
        const Unlocked unlocked(count > STRETCH);
        parallel_ranges(count, STRETCH, [&](long first, long last) {
            lbfgs_of<T>().pair(data_of<const T>(from[0]) + first, data_of<const T>(from[1]) + first,
                               data_of<const T>(from[2]) + first, static_cast<T>(length),
                               data_of<T>(y) + first, data_of<T>(s) + first, last - first,
                               &parts[2 * static_cast<std::size_t>(first / STRETCH)]);
        });
    }
    double along = 0.0, square = 0.0;
    for (std::size_t i = 0; i < parts.size(); i += 2) {
        along += parts[i];
        square += parts[i + 1];
    }
    return Py_BuildValue("(NNdd)", y, s, along, square);
}

// lbfgs_pair(gradient, the one before, direction, *, length): y, s, y s and y y
PyObject* pair_entry(const Arguments& arguments) {
    double length;
    if (!arguments.sized(3, 1) || !arguments.number(LENGTH, &length)) return DECLINED;
    PyArrayObject* from[3] = {arguments.array(0)};
    if (from[0] == nullptr) return DECLINED;
    const Type type = type_of(from[0]);
    if (type != Type::f32 && type != Type::f64) return DECLINED;
    for (int i = 0; i < 3; ++i) {
        from[i] = vector_of(arguments[i], type, PyArray_SIZE(from[0]));
        if (from[i] == nullptr) return DECLINED;
    }
    return type == Type::f32 ? pair<float>(from, length) : pair<double>(from, length);
}

template <class T>
PyObject* move(const std::vector<Row>& rows, double length) {
    for_each_stretch(rows, [&](std::size_t i, long first, long last) {
        lbfgs_of<T>().end(reinterpret_cast<T*>(rows[i].arrays[0]) + first,
                          reinterpret_cast<const T*>(rows[i].arrays[1]) + first,
                          static_cast<T>(length), last - first);
    });
    Py_RETURN_TRUE;
}

// lbfgs_move(rows, *, length): True; a row is a parameter and its part of the direction
PyObject* move_entry(const Arguments& arguments) {
    double length;
    if (!arguments.sized(1, 1) || !arguments.number(LENGTH, &length)) return DECLINED;
    const Type type = type_of_rows(arguments[0]);
    std::vector<Row> rows;
    if ((type != Type::f32 && type != Type::f64) ||
        !read_rows(arguments[0], 2, 1, type, &rows)) {
        return DECLINED;
    }
    return type == Type::f32 ? move<float>(rows, length) : move<double>(rows, length);
}

LAMPAS_KERNEL(lbfgs_direction, direction_entry);
LAMPAS_KERNEL(lbfgs_pair, pair_entry);
LAMPAS_KERNEL(lbfgs_move, move_entry);

}  // namespace
}  // namespace lampas
