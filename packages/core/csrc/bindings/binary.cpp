// Ops of two operands: arithmetic, comparisons, and the choice between two by a third.
#include "kernels/binary.hpp"

#include "bindings/layout.hpp"
#include "kernels/pairs.hpp"
#include "runtime/kernel.hpp"

namespace lampas {
namespace {

constexpr double EXACT = 9007199254740992.0;  // integers up to 2^53 are doubles

union Number {
    float f32;
    double f64;
    std::int64_t i64;
};

// A Python number as an element of an array's type, as the reference makes it.
bool read_number(PyObject* object, Type type, Number* number) {
    double value;
    if (PyFloat_CheckExact(object)) {
        if (type == Type::i64) return false;
        value = PyFloat_AS_DOUBLE(object);
    } else if (PyLong_CheckExact(object)) {
        int overflow;
        const long integer = PyLong_AsLongAndOverflow(object, &overflow);
        if (overflow != 0) return false;
        if (type == Type::i64) {
            number->i64 = integer;
            return true;
        }
        value = static_cast<double>(integer);
        // A float must not be rounded twice.
        if (type == Type::f32 && (value > EXACT || value < -EXACT)) return false;
    } else {
        return false;
    }
    if (type == Type::f32) {
        number->f32 = static_cast<float>(value);
    } else {
        number->f64 = value;
    }
    return true;
}

// Two operands of one type, of which one may be a number.
struct Pair {
    PyArrayObject* arrays[2] = {nullptr, nullptr};
    Number values[2];
    Type type = Type::other;

    bool read(const Arguments& arguments) {
        if (!arguments.plain(2)) return false;
        for (int o = 0; o < 2; ++o) {
            if (!PyArray_CheckExact(arguments[o])) continue;
            arrays[o] = as_array(arguments[o]);
            if (arrays[o] == nullptr) return false;
            const Type own = type_of(arrays[o]);
            if (type != Type::other && own != type) return false;
            type = own;
        }
        if (type != Type::f32 && type != Type::f64 && type != Type::i64) return false;
        for (int o = 0; o < 2; ++o) {
            if (arrays[o] == nullptr && !read_number(arguments[o], type, &values[o])) return false;
        }
        return true;
    }

    PyObject* run(BinaryLoop loop, Type result, long grain = LIGHT) {
        const void* numbers[2] = {&values[0], &values[1]};
        Layout layout;
        if (!lay_out(layout, arrays, numbers, 2)) return DECLINED;
        return fill_result(layout, result, grain, [&](const char* const* at, char* y, long length) {
            loop(at[0], at[1], y, length, layout.one[0], layout.one[1]);
        });
    }
};

template <TwoOf OP>
PyObject* pair_entry(const Arguments& arguments) {
    Pair pair;
    if (!pair.read(arguments) || pair.type != Type::f32) return DECLINED;
    return pair.run(pairs().f32[static_cast<int>(OP)], Type::f32, HEAVY);
}

template <Binary OP>
PyObject* arithmetic_entry(const Arguments& arguments) {
    Pair pair;
    if (!pair.read(arguments) || pair.type == Type::i64) return DECLINED;
    const BinaryKernels& kernels = binary();
    constexpr int op = static_cast<int>(OP);
    return pair.run(pair.type == Type::f32 ? kernels.f32[op] : kernels.f64[op], pair.type);
}

template <Comparison OP>
PyObject* comparison_entry(const Arguments& arguments) {
    Pair pair;
    if (!pair.read(arguments)) return DECLINED;
    const BinaryKernels& kernels = binary();
    constexpr int op = static_cast<int>(OP);
    const BinaryLoop loop = pair.type == Type::f32   ? kernels.compare_f32[op]
                            : pair.type == Type::f64 ? kernels.compare_f64[op]
                                                     : kernels.compare_i64[op];
    return pair.run(loop, Type::boolean);
}

// where(condition, x, other) and masked(x, condition), whose other operand is 0.
PyObject* choose(PyArrayObject* condition, PyArrayObject* x, PyArrayObject* other) {
    if (condition == nullptr || x == nullptr) return DECLINED;
    if (type_of(condition) != Type::boolean) return DECLINED;
    const Type type = type_of(x);
    const int size = item_size(type);
    if ((size != 4 && size != 8) || type == Type::c64) return DECLINED;
    if (other != nullptr && type_of(other) != type) return DECLINED;
    const std::int64_t zero = 0;
    PyArrayObject* const arrays[3] = {condition, x, other};
    const void* const numbers[3] = {nullptr, nullptr, &zero};
    Layout layout;
    if (!lay_out(layout, arrays, numbers, 3) || layout.one[0]) return DECLINED;
    const auto loop = size == 4 ? binary().choose4 : binary().choose8;
    return fill_result(layout, type, LIGHT, [&](const char* const* at, char* y, long length) {
        loop(at[0], at[1], at[2], y, length, layout.one[1], layout.one[2]);
    });
}

PyObject* where_entry(const Arguments& arguments) {
    if (!arguments.plain(3) || arguments.array(2) == nullptr) return DECLINED;
    return choose(arguments.array(0), arguments.array(1), arguments.array(2));
}

PyObject* masked_entry(const Arguments& arguments) {
    if (!arguments.plain(2)) return DECLINED;
    return choose(arguments.array(1), arguments.array(0), nullptr);
}

LAMPAS_KERNEL(add, arithmetic_entry<Binary::add>);
LAMPAS_KERNEL(sub, arithmetic_entry<Binary::sub>);
LAMPAS_KERNEL(mul, arithmetic_entry<Binary::mul>);
LAMPAS_KERNEL(div, arithmetic_entry<Binary::div>);
LAMPAS_KERNEL(maximum, arithmetic_entry<Binary::maximum>);
LAMPAS_KERNEL(minimum, arithmetic_entry<Binary::minimum>);
LAMPAS_KERNEL(clamp_min, arithmetic_entry<Binary::maximum>);
LAMPAS_KERNEL(clamp_max, arithmetic_entry<Binary::minimum>);
LAMPAS_KERNEL(eq, comparison_entry<Comparison::eq>);
LAMPAS_KERNEL(ne, comparison_entry<Comparison::ne>);
LAMPAS_KERNEL(lt, comparison_entry<Comparison::lt>);
LAMPAS_KERNEL(le, comparison_entry<Comparison::le>);
LAMPAS_KERNEL(gt, comparison_entry<Comparison::gt>);
LAMPAS_KERNEL(ge, comparison_entry<Comparison::ge>);
LAMPAS_KERNEL(where, where_entry);
#define PAIR_ENTRY(name) LAMPAS_KERNEL(name, pair_entry<TwoOf::name>);
LAMPAS_PAIRS(PAIR_ENTRY)
LAMPAS_KERNEL(masked, masked_entry);

}  // namespace
}  // namespace lampas
