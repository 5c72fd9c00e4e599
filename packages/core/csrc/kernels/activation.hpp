// Activations and their slopes on vectors, for the loops of unary.cpp and slope.cpp and
// for kernels that apply one to what they computed.
#pragma once

#include "kernels/math.hpp"

namespace lampas::LAMPAS_PATH {

constexpr float ROOT_2_PI = 0.797884560802865f;  // sqrt(2 / pi)
constexpr float CUBIC = 0.044715f;
constexpr float ROOT_HALF = 0.707106781186547f;
constexpr float DENSITY = 0.398942280401433f;  // 1 / sqrt(2 pi)

// NaN passes through.
template <class V> LAMPAS_INLINE V clip(V x, V low, V high) {
    return smaller(high, larger(low, x));
}

template <class V> LAMPAS_INLINE V relu(V x) { return larger(V{}, x); }
LAMPAS_INLINE f32v silu(f32v x) { return x / (1.0f + exp_normal(-x)); }
LAMPAS_INLINE f32v normal_cdf(f32v x) { return 0.5f * (1.0f + erf(x * ROOT_HALF)); }
LAMPAS_INLINE f32v gelu(f32v x) { return x * normal_cdf(x); }
// 0.5 (1 + tanh(z)) is sigmoid(2 z), which needs one exponential and no more.
LAMPAS_INLINE f32v gelu_tanh_share(f32v x) {
    return sigmoid((2.0f * ROOT_2_PI) * x * (1.0f + CUBIC * (x * x)));
}
LAMPAS_INLINE f32v gelu_tanh(f32v x) { return x * gelu_tanh_share(x); }
// tanh(log(1 + e)) = (e^2 + 2 e) / (e^2 + 2 e + 2)
LAMPAS_INLINE f32v mish_share(f32v x) {
    const f32v e = exp(smaller(all(20.0f), x));
    const f32v u = e * (e + 2.0f);
    return u / (u + 2.0f);
}
LAMPAS_INLINE f32v mish(f32v x) { return x * mish_share(x); }

LAMPAS_INLINE f32v silu_slope(f32v x) {
    const f32v s = sigmoid(x);
    return s * (1.0f + x * (1.0f - s));
}
LAMPAS_INLINE f32v mish_slope(f32v x) {
    const f32v t = mish_share(x);
    return t + x * (1.0f - t * t) * sigmoid(x);
}
LAMPAS_INLINE f32v gelu_slope(f32v x) {
    return normal_cdf(x) + x * (exp_normal(-0.5f * x * x) * DENSITY);
}
LAMPAS_INLINE f32v gelu_tanh_slope(f32v x) {
    const f32v square = x * x;
    const f32v s = sigmoid((2.0f * ROOT_2_PI) * x * (1.0f + CUBIC * square));
    const f32v slope = (2.0f * ROOT_2_PI) * (1.0f + (3.0f * CUBIC) * square);
    return s + x * (s * (1.0f - s)) * slope;
}

}  // namespace lampas::LAMPAS_PATH
