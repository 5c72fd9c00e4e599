// Running products, largest and smallest elements along one dimension of contiguous arrays,
// and the running sums of doubles and integers.
#include "kernels/running.hpp"

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

LAMPAS_KERNEL(cumprod, cumprod_entry);
LAMPAS_KERNEL(cummax, top_entry<0>);
LAMPAS_KERNEL(cummin, top_entry<1>);

}  // namespace
}  // namespace lampas
