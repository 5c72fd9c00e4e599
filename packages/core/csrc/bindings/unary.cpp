// Functions of one array, with or without numbers, and the gradients of activations.
#include "kernels/unary.hpp"

#include "bindings/operands.hpp"
#include "kernels/special.hpp"

namespace lampas {
namespace {

const Name SLOPE("slope"), ALPHA("alpha"), SCALE("scale"), RATE("rate"), BETA("beta");
const Name THRESHOLD("threshold"), VALUE("value"), LOW("low"), HIGH("high"), MIN("min");
const Name MAX("max"), LAMBD("lambd"), EXPONENT("exponent");

constexpr double ABSENT = __builtin_nan("");

PyObject* apply_loop(PyArrayObject* x, UnaryLoop loop, UnaryLoop past, long grain,
                     const double* numbers) {
    Layout layout;
    if (loop == nullptr || !lay_out(layout, &x, nullptr, 1)) return DECLINED;
    if (layout.one[0] && layout.run > 1) return DECLINED;
    const auto apply_to = [&](UnaryLoop f) {
        return [&layout, f, numbers](const char* const* at, char* y, long length) {
            if (f != nullptr) f(at[0], y, length, numbers);
            return f != nullptr;
        };
    };
    return fill_result(layout, type_of(x), grain, apply_to(loop), apply_to(past));
}

PyObject* apply(PyArrayObject* x, Unary op, const double* numbers) {
    if (x == nullptr) return DECLINED;
    const Type type = type_of(x);
    const int index = static_cast<int>(op);
    const UnaryLoop loop = type == Type::f32   ? unary().f32[index]
                           : type == Type::f64 ? unary().f64[index]
                                               : nullptr;
    const UnaryLoop past = type == Type::f32 ? unary().past_f32[index] : nullptr;
    return apply_loop(x, loop, past, op < Unary::exp ? LIGHT : HEAVY, numbers);
}

template <Special OP>
PyObject* special_entry(const Arguments& arguments) {
    PyArrayObject* x = arguments.plain(1) ? arguments.array(0) : nullptr;
    if (x == nullptr || type_of(x) != Type::f32) return DECLINED;
    return apply_loop(x, special().f32[static_cast<int>(OP)], nullptr, HEAVY, nullptr);
}

PyObject* apply_slope(const Arguments& arguments, Slope op, const double* numbers) {
    PyArrayObject* arrays[2] = {arguments.array(0), arguments.array(1)};
    if (arrays[0] == nullptr || arrays[1] == nullptr) return DECLINED;
    const Type type = type_of(arrays[1]);
    const int index = static_cast<int>(op);
    const SlopeLoop loop = type == Type::f32   ? slope().f32[index]
                           : type == Type::f64 ? slope().f64[index]
                                               : nullptr;
    if (loop == nullptr || type_of(arrays[0]) != type) return DECLINED;
    if (!same_shape(arrays[0], arrays[1])) return DECLINED;
    Layout layout;
    if (!lay_out(layout, arrays, nullptr, 2)) return DECLINED;
    const long grain = op == Slope::gate ? LIGHT : HEAVY;
    return fill_result(layout, type, grain, [&](const char* const* at, char* y, long length) {
        loop(at[0], at[1], y, length, layout.one[0], layout.one[1], numbers);
    });
}

template <Unary OP>
PyObject* unary_entry(const Arguments& arguments) {
    return arguments.plain(1) ? apply(arguments.array(0), OP, nullptr) : DECLINED;
}

template <Unary OP, const Name&... NAMES>
PyObject* numbered_entry(const Arguments& arguments) {
    double numbers[sizeof...(NAMES)];
    if (!arguments.sized(1, sizeof...(NAMES))) return DECLINED;
    if (!read_numbers<NAMES...>(arguments, numbers)) return DECLINED;
    return apply(arguments.array(0), OP, numbers);
}

template <Slope OP>
PyObject* slope_entry(const Arguments& arguments) {
    return arguments.plain(2) ? apply_slope(arguments, OP, nullptr) : DECLINED;
}

template <Slope OP, const Name&... NAMES>
PyObject* numbered_slope_entry(const Arguments& arguments) {
    double numbers[sizeof...(NAMES)];
    if (!arguments.sized(2, sizeof...(NAMES))) return DECLINED;
    if (!read_numbers<NAMES...>(arguments, numbers)) return DECLINED;
    return apply_slope(arguments, OP, numbers);
}

// Limits of which each may be None, which is told to loops as NaN.
bool read_limits(const Arguments& arguments, const Name& low, const Name& high, double* limits) {
    const Name* const names[2] = {&low, &high};
    for (int i = 0; i < 2; ++i) {
        limits[i] = ABSENT;
        if (arguments.is_none(*names[i])) continue;
        if (!arguments.number(*names[i], &limits[i]) || limits[i] != limits[i]) return false;
    }
    return true;
}

PyObject* clamp_entry(const Arguments& arguments) {
    double limits[2];
    if (!arguments.sized(1, 2) || !read_limits(arguments, MIN, MAX, limits)) return DECLINED;
    return apply(arguments.array(0), Unary::clamp, limits);
}

PyObject* gate_entry(const Arguments& arguments) {
    double limits[2];
    if (!arguments.sized(2, 2) || !read_limits(arguments, LOW, HIGH, limits)) return DECLINED;
    return apply_slope(arguments, Slope::gate, limits);
}

PyObject* pow_number_entry(const Arguments& arguments) {
    double exponent;
    if (!arguments.sized(1, 1) || !arguments.number(EXPONENT, &exponent)) return DECLINED;
    const bool known = exponent == 0.5 || exponent == -1.0 || exponent == 1.0 ||
                       exponent == 2.0 || exponent == 3.0;
    PyArrayObject* x = arguments.array(0);
    if (known || x == nullptr) return apply(x, Unary::pow_number, &exponent);
    if (type_of(x) != Type::f32 || exponent != exponent) return DECLINED;
    return apply_loop(x, special().power, nullptr, HEAVY, &exponent);
}

#define ENTRY(name) LAMPAS_KERNEL(name, unary_entry<Unary::name>);
#define SPECIAL_ENTRY(name) LAMPAS_KERNEL(name, special_entry<Special::name>);
#define SLOPE_ENTRY(name) LAMPAS_KERNEL(name, slope_entry<Slope::name>);
LAMPAS_UNARY(ENTRY)
LAMPAS_ANGLES(ENTRY)
LAMPAS_SPECIAL(SPECIAL_ENTRY)
LAMPAS_SLOPE(SLOPE_ENTRY)

LAMPAS_KERNEL(leaky_relu, (numbered_entry<Unary::leaky_relu, SLOPE>));
LAMPAS_KERNEL(elu, (numbered_entry<Unary::elu, ALPHA, SCALE, RATE>));
LAMPAS_KERNEL(softplus, (numbered_entry<Unary::softplus, BETA, THRESHOLD>));
LAMPAS_KERNEL(hardtanh, (numbered_entry<Unary::hardtanh, LOW, HIGH>));
LAMPAS_KERNEL(clamp, clamp_entry);
LAMPAS_KERNEL(threshold, (numbered_entry<Unary::threshold, THRESHOLD, VALUE>));
LAMPAS_KERNEL(hardshrink, (numbered_entry<Unary::hardshrink, LAMBD>));
LAMPAS_KERNEL(softshrink, (numbered_entry<Unary::softshrink, LAMBD>));
LAMPAS_KERNEL(pow_number, pow_number_entry);
LAMPAS_KERNEL(gate, gate_entry);
LAMPAS_KERNEL(leaky_relu_backward, (numbered_slope_entry<Slope::leaky_relu_backward, SLOPE>));
LAMPAS_KERNEL(elu_backward, (numbered_slope_entry<Slope::elu_backward, ALPHA, SCALE, RATE>));
LAMPAS_KERNEL(softplus_backward,
              (numbered_slope_entry<Slope::softplus_backward, BETA, THRESHOLD>));

}  // namespace
}  // namespace lampas
