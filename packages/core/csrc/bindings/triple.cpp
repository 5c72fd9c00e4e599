// Functions of two and of three operands that numbers belong to, and their gradients.
#include "kernels/triple.hpp"

#include "bindings/operands.hpp"

namespace lampas {
namespace {

const Name VALUE("value"), DELTA("delta"), SLOPE("slope");

template <Triple OP>
PyObject* run(const Operands<3>& operands, const double* numbers) {
    if (operands.type == Type::i64) return DECLINED;
    const TripleKernels& kernels = triple();
    constexpr int op = static_cast<int>(OP);
    const TripleLoop loop = operands.type == Type::f32 ? kernels.f32[op] : kernels.f64[op];
    return operands.run(operands.type, LIGHT,
                        [&](const char* const* at, char* y, long length, const bool* one) {
                            loop(at, y, length, one, numbers);
                        });
}

template <Triple OP, const Name&... NAMES>
PyObject* three_entry(const Arguments& arguments) {
    double numbers[sizeof...(NAMES) + 1];
    Operands<3> operands;
    if (!arguments.sized(3, sizeof...(NAMES)) || !operands.read(arguments)) return DECLINED;
    if (!read_numbers<NAMES...>(arguments, numbers)) return DECLINED;
    return run<OP>(operands, numbers);
}

// A function of two, which finds one of them again in the third's place.
template <Triple OP, const Name&... NAMES>
PyObject* two_entry(const Arguments& arguments) {
    double numbers[sizeof...(NAMES) + 1];
    Operands<3> operands;
    if (!arguments.sized(2, sizeof...(NAMES)) || !operands.read(arguments, 2)) return DECLINED;
    if (!read_numbers<NAMES...>(arguments, numbers)) return DECLINED;
    operands.arrays[2] = operands.arrays[1];
    operands.values[2] = operands.values[1];
    return run<OP>(operands, numbers);
}

LAMPAS_KERNEL(clamp_between, three_entry<Triple::clamp_between>);
LAMPAS_KERNEL(lerp, three_entry<Triple::lerp>);
LAMPAS_KERNEL(addcmul, (three_entry<Triple::addcmul, VALUE>));
LAMPAS_KERNEL(addcdiv, (three_entry<Triple::addcdiv, VALUE>));
LAMPAS_KERNEL(prelu, two_entry<Triple::prelu>);
LAMPAS_KERNEL(prelu_backward, three_entry<Triple::prelu_backward>);
LAMPAS_KERNEL(huber, (two_entry<Triple::huber, DELTA, SLOPE>));
LAMPAS_KERNEL(huber_backward, (three_entry<Triple::huber_backward, DELTA, SLOPE>));

}  // namespace
}  // namespace lampas
