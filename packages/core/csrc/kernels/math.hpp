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

// Lanes of y where `which` is set are function(x).
template <class V, class Mask, class F>
LAMPAS_INLINE V one_by_one(V y, V x, Mask which, F function) {
    if (__builtin_expect(!any_of(bits_of<i32v>(which)), 1)) return y;
    constexpr int COUNT = BYTES / static_cast<int>(sizeof(element<V>));
    element<Mask> lane[COUNT];
    element<V> from[COUNT], to[COUNT];
    std::memcpy(lane, &which, BYTES);
    store(from, x);
    store(to, y);
    for (int i = 0; i < COUNT; ++i) {
        if (lane[i] != 0) to[i] = function(from[i]);
    }
    return load(to);
}
template <class F>
LAMPAS_INLINE f32v one_by_one(f32v y, f32v a, f32v b, i32v which, F function) {
    if (__builtin_expect(!any_of(which), 1)) return y;
    std::int32_t lane[LANES];
    float first[LANES], second[LANES], to[LANES];
    std::memcpy(lane, &which, sizeof which);
    store(first, a);
    store(second, b);
    store(to, y);
    for (int i = 0; i < LANES; ++i) {
        if (lane[i] != 0) to[i] = function(first[i], second[i]);
    }
    return load(to);
}

// ln 2 in two parts, of which the first has few digits.
constexpr float LN_2_HIGH = 0.693359375f, LN_2_LOW = -2.12194440e-4f;

// r = x - n ln 2 in [-ln 2 / 2, ln 2 / 2].
LAMPAS_INLINE f32v rest_of_exp(f32v x, i32v* n) {
    const f32v f = nearest(x * 1.44269504088896341f, n);
    return (x - f * LN_2_HIGH) - f * LN_2_LOW;
}

// exp(r) for that r.
LAMPAS_INLINE f32v exp_of_rest(f32v x, i32v* n) {
    const f32v r = rest_of_exp(x, n);
    f32v p = all(1.38143206e-3f);
    p = p * r + 8.36885162e-3f;
    p = p * r + 4.16684002e-2f;
    p = p * r + 1.66665196e-1f;
    p = p * r + 4.9999994e-1f;
    return p * (r * r) + r + 1.0f;
}

// p 2^n in two multiplications, the second by 2^64 or 2^-64: it overflows to infinity, and
// subnormal results are rounded once.
LAMPAS_INLINE f32v scaled(f32v p, i32v n) {
    const i32v twice = i32v{} + (254 << 23);
    const i32v last = n < 0 ? i32v{} + ((127 - 64) << 23) : i32v{} + ((127 + 64) << 23);
    return p * bits_of<f32v>((n << 23) + (twice - last)) * bits_of<f32v>(last);
}

// exp(x) = 2^n exp(r). NaN passes through the limits and the polynomial.
LAMPAS_INLINE f32v exp(f32v x) {
    i32v n;
    const f32v p = exp_of_rest(larger(all(-104.0f), smaller(all(89.0f), x)), &n);
    return scaled(p, n);
}

// The same with 0 and infinity for results below 2^-126 and above 2^127, which sums and
// quotients do not see.
LAMPAS_INLINE f32v exp_normal(f32v x) {
    i32v n;
    const f32v p = exp_of_rest(larger(all(-88.0f), smaller(all(88.5f), x)), &n);
    return p * bits_of<f32v>((n + 127) << 23);
}

LAMPAS_INLINE f32v root(f32v x) {
    float lane[LANES];
    store(lane, x);
    for (int i = 0; i < LANES; ++i) lane[i] = __builtin_sqrtf(lane[i]);
    return load(lane);
}
LAMPAS_INLINE f64v root(f64v x) {
    double lane[lanes<double>];
    store(lane, x);
    for (int i = 0; i < lanes<double>; ++i) lane[i] = __builtin_sqrt(lane[i]);
    return load(lane);
}

// exp(r) - 1 - r for r in [-ln 2 / 2, ln 2 / 2].
LAMPAS_INLINE f32v expm1_tail(f32v r) {
    f32v p = all(1.38824969e-3f);
    p = p * r + 8.36664718e-3f;
    p = p * r + 4.16672044e-2f;
    p = p * r + 1.66665420e-1f;
    p = p * r + 4.9999997e-1f;
    return p * (r * r);
}

// exp(x) - 1 = 2^n (expm1(r) + 1 - 2^-n): no digits are lost near 0, where n is 0, and what
// r and its sum with the larger 1 - 2^-n were rounded by is put back.
LAMPAS_INLINE f32v expm1(f32v x) {
    i32v n;
    const f32v limited = larger(all(-20.0f), smaller(all(89.0f), x));
    const f32v f = nearest(limited * 1.44269504088896341f, &n);
    const f32v high = limited - f * LN_2_HIGH, r = high - f * LN_2_LOW;
    const f32v lost = (high - r) - f * LN_2_LOW;
    const i32v inverse = 127 - n;
    const f32v unit = 1.0f - bits_of<f32v>((inverse > 0 ? inverse : i32v{}) << 23);
    const f32v sum = unit + r;
    const f32v p = sum + (expm1_tail(r) + (((unit - sum) + r) + lost));
    const f32v y = p * bits_of<f32v>((n + 126) << 23) * 2.0f;  // 2^128 has no float
    return absolute(x) < 1e-8f ? x : y;  // half of a subnormal number may be none
}

// The exponent of x and its mantissa in [sqrt(1/2), sqrt(2)) less 1; x positive and finite.
LAMPAS_INLINE f32v taken_apart(f32v x, f32v* exponent) {
    const i32v tiny = x < 1.17549435e-38f;
    x = tiny ? x * 8388608.0f : x;
    // Less sqrt(1/2): numbers under zero, whose logarithm is no number, wrap around.
    const i32v bits = bits_of<i32v>(bits_of<u32v>(x) - 0x3f3504f3u);
    const i32v e = (bits >> 23) - (tiny ? i32v{} + 23 : i32v{});
    *exponent = __builtin_convertvector(e, f32v);
    return bits_of<f32v>((bits & 0x7fffff) + 0x3f3504f3) - 1.0f;
}

// log(1 + f) without its first term, for f as taken_apart gives it.
LAMPAS_INLINE f32v log_tail(f32v f) {
    f32v p = all(6.746601e-2f);
    p = p * f + -1.1675641e-1f;
    p = p * f + 1.1888175e-1f;
    p = p * f + -1.24055915e-1f;
    p = p * f + 1.4219551e-1f;
    p = p * f + -1.6667996e-1f;
    p = p * f + 2.0002119e-1f;
    p = p * f + -2.500001e-1f;
    p = p * f + 3.3333313e-1f;
    return (p * f - 0.5f) * f * f;
}

// What a logarithm is outside of (0, infinity).
LAMPAS_INLINE f32v log_edges(f32v x, f32v y) {
    y = x == 0.0f ? all(-INFINITY_F) : y;
    y = x < 0.0f ? all(NAN_F) : y;
    return (x != x) | (x == INFINITY_F) ? x : y;
}

LAMPAS_INLINE f32v log(f32v x) {
    f32v e;
    const f32v f = taken_apart(x, &e);
    const f32v y = f + (log_tail(f) + e * LN_2_LOW) + e * LN_2_HIGH;
    return log_edges(x, y);
}

// The rounding of 1 + x is made good by the slope of the logarithm there.
LAMPAS_INLINE f32v log1p(f32v x) {
    const f32v u = 1.0f + x;
    const f32v large = u - x, lost = x > 1.0f ? 1.0f - large : x - (u - 1.0f);
    f32v e;
    const f32v f = taken_apart(u, &e);
    f32v y = f + (log_tail(f) + (lost / u + e * LN_2_LOW)) + e * LN_2_HIGH;
    y = log_edges(u, y);
    return absolute(x) < 1e-7f ? x : y;  // keeps the sign of 0
}

// With i = 2^-n, h = 1 - i and u = tanh(r) of the rest r = |x| - n ln(2) / 2, tanh |x| is
// h + i (u (3 - i) - h) / (u h + 1 + i): u itself where n is 0; elsewhere h and something
// smaller, as n stays 0 up to 0.28. For that n is counted down from 127 in eighths, which are
// cut off; what is left lies in place to be shifted to the exponent of i.
LAMPAS_INLINE f32v tanh(f32v x) {
    const f32v size = smaller(all(10.0f), absolute(x));  // where it has long been 1
    const f32v zero = all(1572864.0f + 127.0f);          // 1.5 * 2^20: units of 1/8
    const f32v counted = (1572864.0f + 127.75f) - size * 2.88539008177792682f;
    const i32v whole = bits_of<i32v>(counted) & ~7;
    const f32v r = (bits_of<f32v>(whole) - zero) * 0.346573590279972655f + size;
    const f32v i = bits_of<f32v>(whole << 20), h = 1.0f - i, s = r * r;
    f32v p = all(-5.0779097e-2f);
    p = p * s + 0.13318895f;
    p = p * s + -0.33333147f;
    const f32v u = p * (r * s) + r;
    const f32v bottom = u * h + (i + 1.0f), top = u * (3.0f - i) - h;
    return with_sign_of(top / bottom * i + h, x);
}

LAMPAS_INLINE f32v sigmoid(f32v x) { return 1.0f / (exp_normal(-x) + 1.0f); }

// exp(x) + 1 = 2^n (exp(r) - 1) + (2^n + 1), rounded once, which counts where the sum is
// little more than 2. Infinity as exp_normal, and for NaN too.
LAMPAS_INLINE f32v exp_and_one(f32v x) {
    i32v n;
    const f32v r = rest_of_exp(larger(all(-88.0f), smaller(all(88.5f), x)), &n);
    const f32v scale = bits_of<f32v>((n + 127) << 23);
    const f32v y = (expm1_tail(r) + r) * scale + (scale + 1.0f);
    return smaller(y, all(INFINITY_F));  // of infinity less infinity
}

// log(1 + exp(x)) without overflow: log(1 + e) = 2 atanh(s / 2), s = 2 e / (e + 2), e up to 1.
// What e + 2 and s are rounded by is put back: `rest` is of s (e + 2), whose share of s is
// taken for 1 / (e + 2), to a tenth.
LAMPAS_INLINE f32v softplus(f32v x) {
    const f32v e = exp(-absolute(x)), bottom = e + 2.0f, s = (e + e) / bottom, t = s * s;
    const f32v rest = ((e + e) - s * bottom) - s * (e - (bottom - 2.0f));
    f32v p = all(0.000550372002f);
    p = p * t + 0.00218441128f;
    p = p * t + 0.012507787f;
    p = p * t + 0.0833328962f;
    return larger(f32v{}, x) + (s + (rest * (0.5f - 0.14f * e) + s * t * p));
}

// erf(x) = x P(x^2) / Q(x^2) up to 4, where it rounds to 1.
LAMPAS_INLINE f32v erf(f32v x) {
    const f32v y = larger(all(-4.0f), smaller(all(4.0f), x));
    const f32v s = y * y;
    f32v p = all(1.9868039e-6f);
    p = p * s + 2.8456404e-4f;
    p = p * s + 3.883247e-3f;
    p = p * s + 5.3101446e-2f;
    p = p * s + 1.9354273e-1f;
    p = p * s + 1.1283791f;
    f32v q = all(3.7420305e-5f);
    q = q * s + 1.1855483e-3f;
    q = q * s + 1.5207056e-2f;
    q = q * s + 1.1534905e-1f;
    q = q * s + 5.0485533e-1f;
    q = q * s + 1.0f;
    return y * p / q;
}

// sin(r) - r and cos(r) - (1 - r^2 / 2) for |r| <= pi / 4, over r^3 and r^4.
constexpr float SINE_TERMS[] = {2.7183116e-6f, -1.9839335e-4f, 8.333329e-3f, -1.6666667e-1f};
constexpr float COSINE_TERMS[] = {-2.7210237e-7f, 2.479952e-5f, -1.3888883e-3f, 4.1666668e-2f};

LAMPAS_INLINE f32v series(const float (&terms)[4], f32v s) {
    return ((terms[0] * s + terms[1]) * s + terms[2]) * s + terms[3];
}
LAMPAS_INLINE f32v sine_tail(f32v r) {
    const f32v s = r * r;
    return series(SINE_TERMS, s) * s * r;
}
LAMPAS_INLINE f32v cosine_tail(f32v r) {
    const f32v s = r * r;
    return series(COSINE_TERMS, s) * s * s;
}

// sin or cos for |x| <= WIDE: the quadrant is taken off in parts of pi / 2. Where products are
// not fused, the first of them have so few digits that theirs are exact.
constexpr float WIDE = 8192.0f;

LAMPAS_INLINE f32v sine(f32v x, std::int32_t quadrants) {
    i32v n;
    const f32v q = nearest(x * 0.636619772367581343f, &n);
#if defined(__FMA__) || defined(__aarch64__)
    const f32v r = ((x - q * 1.57079637f) + q * 4.37113883e-08f) + q * 1.71512451e-15f;
#else
    f32v r = x - q * 1.5703125f;
    r = r - q * 4.837512969970703125e-4f;
    r = r - q * 7.549533620476723e-8f;
    r = r - q * 2.563344e-12f;
#endif
    n = n + quadrants;
    // One polynomial, whose numbers are chosen: sin r = r + r s p, cos r = 1 - s / 2 + s s p.
    const i32v odd = (n & 1) != 0;
    const f32v s = r * r;
    f32v p = odd ? all(COSINE_TERMS[0]) : all(SINE_TERMS[0]);
#pragma GCC unroll 3
    for (int i = 1; i < 4; ++i) p = p * s + (odd ? all(COSINE_TERMS[i]) : all(SINE_TERMS[i]));
    const f32v y = (odd ? s : r) * (s * p) + (odd ? s * -0.5f + 1.0f : r);
    return bits_of<f32v>(bits_of<i32v>(y) ^ ((n & 2) << 30));
}

}  // namespace lampas::LAMPAS_PATH
