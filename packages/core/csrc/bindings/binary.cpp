// Ops of two operands: arithmetic, comparisons, and the choice between two by a third.
#include "kernels/binary.hpp"

#include "bindings/operands.hpp"
#include "kernels/pairs.hpp"

namespace lampas {
namespace {

PyObject* run(const Operands<2>& pair, BinaryLoop loop, Type result, long grain = LIGHT,
              BinaryLoop past = nullptr) {
    const auto apply = [](BinaryLoop f) {
        return [f](const char* const* at, char* y, long length, const bool* one) {
            if (f != nullptr) f(at[0], at[1], y, length, one[0], one[1]);
            return f != nullptr;
        };
    };
    return pair.run(result, grain, apply(loop), apply(past));
}

template <TwoOf OP>
PyObject* pair_entry(const Arguments& arguments) {
    Operands<2> pair;
    if (!arguments.plain(2) || !pair.read(arguments) || pair.type != Type::f32) return DECLINED;
    return run(pair, pairs().f32[static_cast<int>(OP)], Type::f32, HEAVY);
}

template <Binary OP>
PyObject* arithmetic_entry(const Arguments& arguments) {
    Operands<2> pair;
    if (!arguments.plain(2) || !pair.read(arguments) || pair.type == Type::i64) return DECLINED;
    const BinaryKernels& kernels = binary();
    constexpr int op = static_cast<int>(OP);
    const bool single = pair.type == Type::f32;
    return run(pair, single ? kernels.f32[op] : kernels.f64[op], pair.type, LIGHT,
               single ? kernels.past_f32[op] : nullptr);
}

template <Comparison OP>
PyObject* comparison_entry(const Arguments& arguments) {
    Operands<2> pair;
    if (!arguments.plain(2) || !pair.read(arguments)) return DECLINED;
    const BinaryKernels& kernels = binary();
    constexpr int op = static_cast<int>(OP);
    const BinaryLoop loop = pair.type == Type::f32   ? kernels.compare_f32[op]
                            : pair.type == Type::f64 ? kernels.compare_f64[op]
                                                     : kernels.compare_i64[op];
    return run(pair, loop, Type::boolean);
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
