#pragma once

#include "runtime/paths.hpp"

namespace lampas {

// Functions of one element; those of the last list take numbers too (see unary.cpp).
#define LAMPAS_UNARY(X) \
    X(neg) X(abs) X(square) X(sqrt) X(rsqrt) X(reciprocal) X(relu) X(sgn) X(hardsigmoid) \
    X(hardswish) X(exp) X(expm1) X(log) X(log1p) X(tanh) X(sigmoid) X(erf) X(silu) \
    X(mish) X(gelu) X(gelu_tanh) X(logsigmoid)
#define LAMPAS_ANGLES(X) X(sin) X(cos)
#define LAMPAS_UNARY_WITH(X) \
    X(leaky_relu, 1) X(elu, 3) X(softplus, 2) X(hardtanh, 2) X(clamp, 2) X(threshold, 2) \
    X(hardshrink, 1) X(softshrink, 1) X(pow_number, 1)

// Gradients: of a cotangent and the op's input or output.
#define LAMPAS_SLOPE(X) \
    X(sigmoid_backward) X(tanh_backward) X(hardswish_backward) X(silu_backward) \
    X(mish_backward) X(gelu_backward) X(gelu_tanh_backward) X(logsigmoid_backward)
#define LAMPAS_SLOPE_WITH(X) \
    X(gate, 2) X(leaky_relu_backward, 1) X(elu_backward, 3) X(softplus_backward, 2)

#define LAMPAS_NAME(name, ...) name,
enum class Unary : int {
    LAMPAS_UNARY(LAMPAS_NAME) LAMPAS_ANGLES(LAMPAS_NAME) LAMPAS_UNARY_WITH(LAMPAS_NAME) count
};
enum class Slope : int { LAMPAS_SLOPE(LAMPAS_NAME) LAMPAS_SLOPE_WITH(LAMPAS_NAME) count };

constexpr int UNARY_COUNT = static_cast<int>(Unary::count);
constexpr int SLOPE_COUNT = static_cast<int>(Slope::count);

using UnaryLoop = void (*)(const void* x, void* y, long count, const double* numbers);
// Of an operand that is `one`, the first element counts for all.
using SlopeLoop = void (*)(const void* g, const void* x, void* y, long count, bool one_g,
                           bool one_x, const double* numbers);

struct UnaryKernels {
    UnaryLoop f32[UNARY_COUNT], f64[UNARY_COUNT];
    // The same past the caches, as fill_past (past.hpp) takes its arrays; or nullptr.
    UnaryLoop past_f32[UNARY_COUNT];
};
LAMPAS_FAMILY(UnaryKernels, unary)

struct SlopeKernels {
    SlopeLoop f32[SLOPE_COUNT], f64[SLOPE_COUNT];
};
LAMPAS_FAMILY(SlopeKernels, slope)

}  // namespace lampas
