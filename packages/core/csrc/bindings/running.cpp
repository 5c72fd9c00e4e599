// Running products, largest and smallest elements along one dimension of contiguous arrays,
// the running sums of doubles and integers, of exponentials, and linear recurrences.
#include "kernels/log_sums.hpp"

#include "bindings/along.hpp"
#include "bindings/running.hpp"
#include "runtime/kernel.hpp"

namespace lampas {

PyObject* running_totals(const Along& along, Running loop, bool reverse) {
    PyArrayObject* y = new_like(along.x);
    if (y == nullptr) return nullptr;
    const char* from = data_of<char>(along.x);
    char* to = data_of<char>(y);
    const long item = PyArray_ITEMSIZE(along.x);
    along.run(RUNNING_COLUMNS, [&](long at, long columns, long) {
        loop(from + at * item, to + at * item, along.size, columns, along.after, reverse);
    });
    return reinterpret_cast<PyObject*>(y);
}

namespace {

const Name DIM("dim"), REVERSE("reverse");

PyObject* cumprod_entry(const Arguments& arguments) {
    Along along;
    long dim;
    bool reverse;
    if (!arguments.sized(1, 2) || !arguments.integer(DIM, &dim)) return DECLINED;
    if (!arguments.flag(REVERSE, &reverse) || !along.read(arguments.array(0), dim)) return DECLINED;
    const Type type = type_of(along.x);
    const Running loop = type == Type::f32   ? running().product_f32
                         : type == Type::f64 ? running().product_f64
                         : type == Type::i64 ? running().product_i64
                                             : nullptr;
    return loop == nullptr ? DECLINED : running_totals(along, loop, reverse);
}

template <int SMALLEST>
PyObject* top_entry(const Arguments& arguments) {
    Along along;
    long dim;
    if (!arguments.sized(1, 1) || !arguments.integer(DIM, &dim)) return DECLINED;
    if (!along.read(arguments.array(0), dim)) return DECLINED;
    const Type type = type_of(along.x);
    const RunningTop loop = type == Type::f32   ? running().top_f32[SMALLEST]
                            : type == Type::f64 ? running().top_f64[SMALLEST]
                            : type == Type::i64 ? running().top_i64[SMALLEST]
                                                : nullptr;
    if (loop == nullptr) return DECLINED;
    PyArrayObject* values = new_like(along.x);
    PyArrayObject* places =
        values ? new_array(Type::i64, PyArray_NDIM(along.x), PyArray_SHAPE(along.x)) : nullptr;
    if (places == nullptr) {
        Py_XDECREF(values);
        return nullptr;
    }
    const char* from = data_of<char>(along.x);
    char* to = data_of<char>(values);
    auto* where = data_of<std::int64_t>(places);
    const long item = PyArray_ITEMSIZE(along.x);
    along.run(RUNNING_COLUMNS, [&](long at, long columns, long) {
        loop(from + at * item, to + at * item, where + at, along.size, columns, along.after);
    });
    return Py_BuildValue("(NN)", values, places);
}

PyObject* logcumsumexp_entry(const Arguments& arguments) {
    Along along;
    long dim;
    if (!arguments.sized(1, 1) || !arguments.integer(DIM, &dim)) return DECLINED;
    if (!along.read(arguments.array(0), dim)) return DECLINED;
    const Type type = type_of(along.x);
    if (type != Type::f32 && type != Type::f64) return DECLINED;
    return running_totals(along, type == Type::f32 ? log_sums().f32 : log_sums().f64, false);
}

PyObject* recur_entry(const Arguments& arguments) {
    PyArrayObject *x = arguments.sized(2, 2) ? arguments.array(0) : nullptr, *a = nullptr;
    long dim;
    bool reverse;
    if (!arguments.integer(DIM, &dim) || !arguments.flag(REVERSE, &reverse)) return DECLINED;
    if (x != nullptr) a = arguments.array(1);
    if (a == nullptr || type_of(a) != type_of(x) || !same_shape(a, x)) return DECLINED;
    const Type type = type_of(x);
    if ((type != Type::f32 && type != Type::f64) || PyArray_SIZE(x) == 0) return DECLINED;
    const Recurrence loop = type == Type::f32 ? running().recur_f32 : running().recur_f64;
    const Dense start(x), factor(a);
    Along along;
    if (!along.read(start, dim) || factor == nullptr) return DECLINED;
    PyArrayObject* y = new_like(start);
    if (y == nullptr) return nullptr;
    const char *from = data_of<char>(start), *factors = data_of<char>(factor);
    char* to = data_of<char>(y);
    const long item = PyArray_ITEMSIZE(x);
    along.run(RUNNING_COLUMNS, [&](long at, long columns, long) {
        at *= item;
        loop(from + at, factors + at, to + at, along.size, columns, along.after, reverse);
    });
    return reinterpret_cast<PyObject*>(y);
}

LAMPAS_KERNEL(cumprod, cumprod_entry);
LAMPAS_KERNEL(logcumsumexp, logcumsumexp_entry);
LAMPAS_KERNEL(recur, recur_entry);
LAMPAS_KERNEL(cummax, top_entry<0>);
LAMPAS_KERNEL(cummin, top_entry<1>);

}  // namespace
}  // namespace lampas
