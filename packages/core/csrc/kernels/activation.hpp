// Activations and their slopes on vectors, for the loops of unary.cpp and slope.cpp and
// for kernels that apply one to what they computed.
#pragma once

#include "kernels/double.hpp"

namespace lampas::LAMPAS_PATH {

template <class V> constexpr element<V> ROOT_2_PI = 0.79788456080286536;  // sqrt(2 / pi)
template <class V> constexpr element<V> CUBIC = 0.044715;
template <class V> constexpr element<V> ROOT_HALF = 0.70710678118654752;
template <class V> constexpr element<V> DENSITY = 0.39894228040143268;  // 1 / sqrt(2 pi)

// NaN passes through.
template <class V> LAMPAS_INLINE V clip(V x, V low, V high) {
    return smaller(high, larger(low, x));
}

template <class V> LAMPAS_INLINE V relu(V x) { return larger(V{}, x); }
template <class V> LAMPAS_INLINE V silu(V x) { return x / (1.0f + exp_normal(-x)); }
template <class V> LAMPAS_INLINE V normal_cdf(V x) { return 0.5f * (1.0f + erf(x * ROOT_HALF<V>)); }
template <class V> LAMPAS_INLINE V gelu(V x) { return x * normal_cdf(x); }
// 0.5 (1 + tanh(z)) is sigmoid(2 z), which needs one exponential and no more.
template <class V> LAMPAS_INLINE V gelu_tanh(V x) {
    constexpr element<V> RATE = -2 * ROOT_2_PI<V>;
    return x / exp_and_one(x * (RATE + (RATE * CUBIC<V>) * (x * x)));
}
// tanh(log(1 + e)) = (e^2 + 2 e) / (e^2 + 2 e + 2)
template <class V> LAMPAS_INLINE V mish_share(V x) {
    const V e = exp(smaller(V{} + 20, x));
    const V u = e * (e + 2.0f);
    return u / (u + 2.0f);
}
template <class V> LAMPAS_INLINE V mish(V x) { return x * mish_share(x); }

template <class V> LAMPAS_INLINE V silu_slope(V x) {
    const V s = sigmoid(x);
    return s * (1.0f + x * (1.0f - s));
}
// With w = 1 - t for t = tanh(log(1 + e)), so that 1 - t^2 keeps its digits where t is near 1.
template <class V> LAMPAS_INLINE V mish_slope(V x) {
    const V e = exp(smaller(V{} + 20, x)), u = e * (e + 2.0f);
    const V w = 2.0f / (u + 2.0f), t = u > 2.0f ? 1.0f - w : u * w * 0.5f;
    return t + x * (x > 20 ? V{} : w * (1.0f + t)) * sigmoid(x);
}
template <class V> LAMPAS_INLINE V gelu_slope(V x) {
    return normal_cdf(x) + x * (exp(-0.5f * x * x) * DENSITY<V>);
}
// Of s = sigmoid(z) and 1 - s the larger one is 1 / (1 + e), and the smaller one e times it.
template <class V> LAMPAS_INLINE V gelu_tanh_slope(V x) {
    const V square = x * x;
    const V z = (2.0f * ROOT_2_PI<V>) * x * (1.0f + CUBIC<V> * square);
    const V e = exp_normal(-absolute(z)), share = (z > 0 ? V{} + 1 : e) / (1.0f + e);
    const V large = z > 0 ? share : 1.0f - share;
    const V slope = (2.0f * ROOT_2_PI<V>) * (1.0f + (3.0f * CUBIC<V>) * square);
    return share + x * (e * large * large) * slope;
}
}  // namespace lampas::LAMPAS_PATH
