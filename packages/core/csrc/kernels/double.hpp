// exp, log, tanh, erf and what is made of them on vectors of double, to one or two units in
// the last place. Coefficients interpolate at Chebyshev's points of the ranges named below.
#pragma once

#include "kernels/wide.hpp"

namespace lampas::LAMPAS_PATH {

// ln 2 in two parts, of which the first times an exponent is exact.
constexpr double LN_2_HIGH_D = 0.693147180369123816490, LN_2_LOW_D = 1.90821492927058770002e-10;

LAMPAS_INLINE f64v power_of_two(i64v n) { return bits_of<f64v>((n + 1023) << 52); }

// exp(x) = 2^n (1 + r + tail) for r in [-ln 2 / 2, ln 2 / 2]: the tail has the other terms
// of the series, and what r lost to rounding.
struct Exponential {
    f64v r, tail;
    i64v n;
    LAMPAS_INLINE explicit Exponential(f64v x) {
        static constexpr double C[] = {
            0.5, 0.1666666666666667, 0.04166666666666667, 0.008333333333326136,
            0.0013888888888883748, 0.00019841269874820627, 2.4801587325547743e-05,
            2.7557255400206422e-06, 2.75572736431103e-07, 2.5105217004720745e-08,
            2.0914686968086876e-09};
        const f64v f = nearest(x * 1.44269504088896341, &n);
        const f64v high = x - f * LN_2_HIGH_D, low = f * LN_2_LOW_D;
        r = high - low;
        tail = series(r, C) * (r * r) + ((high - r) - low);
    }
};

// In two multiplications, the second by 2^64 or 2^-64: it overflows to infinity, and
// subnormal results are rounded once. NaN passes through.
LAMPAS_INLINE f64v exp(f64v x) {
    const Exponential e(larger(all(-746.0), smaller(all(710.0), x)));
    const i64v last = e.n < 0 ? i64v{} - 64 : i64v{} + 64;
    const f64v sum = e.r + 1.0, lost = (1.0 - sum) + e.r;
    return (sum + (lost + e.tail)) * power_of_two(e.n - last) * power_of_two(last);
}

// The same with 0 and infinity for results below 2^-1022 and above 2^1023, which sums and
// quotients do not see.
LAMPAS_INLINE f64v exp_normal(f64v x) {
    const Exponential e(larger(all(-709.1), smaller(all(709.9), x)));
    return (e.r + e.tail + 1.0) * power_of_two(e.n);
}

// exp(x) - 1 = 2^n (1 - 2^-n + r + tail): no digits are lost near 0, where n is 0.
LAMPAS_INLINE f64v expm1(f64v x) {
    const Exponential e(larger(all(-40.0), smaller(all(710.0), x)));
    const i64v inverse = 1023 - e.n;
    const f64v unit = 1.0 - bits_of<f64v>((inverse > 0 ? inverse : i64v{}) << 52);
    const f64v sum = unit + e.r, lost = (unit - sum) + e.r;
    const f64v y = (sum + (lost + e.tail)) * power_of_two(e.n - 1) * 2.0;  // no double is 2^1024
    return absolute(x) < 1e-17 ? x : y;
}

// The exponent of x and its mantissa in [sqrt(1/2), sqrt(2)) less 1; x positive and finite.
LAMPAS_INLINE f64v taken_apart(f64v x, f64v* exponent) {
    const std::int64_t half = 0x3fe6a09e667f3bcc;
    const i64v tiny = x < 2.2250738585072014e-308;
    const u64v bits = bits_of<u64v>(tiny ? x * 18014398509481984.0 : x) - u64v(i64v{} + half);
    // Instructions without 64-bit conversions take an integer for the end of a mantissa.
    const u64v biased = (bits + (std::uint64_t{1024} << 52)) >> 52;
    const f64v magic = all(6755399441055744.0);
    const f64v e = bits_of<f64v>(biased + bits_of<u64v>(magic)) - (magic + 1024.0);
    *exponent = tiny ? e - 54.0 : e;
    return bits_of<f64v>((bits_of<i64v>(bits) & 0xfffffffffffff) + half) - 1.0;
}

// log(1 + f) without its first term, for f as taken_apart gives it: with s = f / (f + 2),
// log(1 + f) = 2 artanh(s) = f - f^2 / 2 + s (f^2 / 2 + what is left of the series).
LAMPAS_INLINE f64v log_tail(f64v f) {
    static constexpr double C[] = {0.666666666666667,  0.3999999999989924, 0.2857142862609589,
                                   0.2222221111514416, 0.18182890556695602,
                                   0.1533167403016786, 0.1461703754879165};
    const f64v s = f / (f + 2.0), z = s * s, half = 0.5 * f * f;
    return s * (half + z * series(z, C)) - half;
}

// What a logarithm is outside of (0, infinity).
LAMPAS_INLINE f64v log_edges(f64v x, f64v y) {
    y = x == 0.0 ? all(-INFINITY_D) : y;
    y = x < 0.0 ? all(NAN_D) : y;
    return (x != x) | (x == INFINITY_D) ? x : y;
}

LAMPAS_INLINE f64v log(f64v x) {
    f64v e;
    const f64v f = taken_apart(x, &e);
    return log_edges(x, e * LN_2_HIGH_D + (f + (log_tail(f) + e * LN_2_LOW_D)));
}

// The rounding of 1 + x is made good by the slope of the logarithm there.
LAMPAS_INLINE f64v log1p(f64v x) {
    const f64v u = 1.0 + x;
    const f64v large = u - x, lost = x > 1.0 ? 1.0 - large : x - (u - 1.0);
    f64v e;
    const f64v f = taken_apart(u, &e);
    const f64v y = e * LN_2_HIGH_D + (f + (log_tail(f) + (lost / u + e * LN_2_LOW_D)));
    return absolute(x) < 1e-16 ? x : log_edges(u, y);
}

// e / (e + 2) with e = exp(2|x|) - 1, and where |x| is 20 it has long been 1. What e, the sum
// and the quotient were rounded by is put back: 1 / sum is (1 - y) / 2.
LAMPAS_INLINE f64v tanh(f64v x) {
    const f64v size = absolute(x);
    const Exponential e(smaller(all(40.0), size + size));
    const f64v scale = power_of_two(e.n), unit = 1.0 - power_of_two(-e.n);
    const f64v first = unit + e.r, second = first + e.tail;
    const f64v low = (((unit - first) + e.r) + ((first - second) + e.tail)) * scale;
    const f64v less = second * scale, sum = less + 2.0;
    const f64v inverse = 1.0 / sum, y = less * inverse;
    const f64v lost = smaller(all(2.0), less) - (sum - larger(all(2.0), less));
    const f64v rest = (less - y * sum) + (low - y * (lost + low));
    return with_sign_of(y + rest * inverse, x);
}

LAMPAS_INLINE f64v sigmoid(f64v x) { return 1.0 / (exp_normal(-x) + 1.0); }

// exp(x) + 1, rounded once where it is little more than 2. Infinity for NaN too.
LAMPAS_INLINE f64v exp_and_one(f64v x) {
    const Exponential e(larger(all(-709.1), smaller(all(709.9), x)));
    const f64v scale = power_of_two(e.n);
    return smaller((e.r + e.tail) * scale + (scale + 1.0), all(INFINITY_D));
}

// log(1 + exp(x)) without overflow: log(1 + e) for e up to 1 as log_tail has it. What its
// sum with a larger x is rounded by is put back.
LAMPAS_INLINE f64v softplus(f64v x) {
    static constexpr double C[] = {
        0.3333333333333333, 0.19999999999999762, 0.1428571428580005, 0.11111111099118386,
        0.09090909948981357, 0.07692271982430275, 0.06667589315724629, 0.05867139530651599,
        0.05422589197440007, 0.03746071897775383, 0.07815288900461426};
    const f64v e = exp(-absolute(x)), s = e / (e + 2.0), z = s * s, half = 0.5 * e * e;
    const f64v less = half - s * (half + 2.0 * z * series(z, C)), above = larger(f64v{}, x);
    const f64v sum = above + e, lost = smaller(above, e) - (sum - larger(above, e));
    return above > 40.0 ? above : sum + (lost - less);
}

// erf(x) = x P(x^2) up to 1, and 1 - exp(-x^2) t Q(t) for t = 2 / (x + 2) up to 6, where it
// has long been 1.
LAMPAS_INLINE f64v erf(f64v x) {
    static constexpr double P[] = {
        1.1283791670955126, -0.3761263890318375, 0.11283791670954879, -0.026866170645076792,
        0.0052239776248180145, -0.000854832698083379, 0.0001205533111164271,
        -1.4925595266831182e-05, 1.6461000484121368e-06, -1.6350312701054695e-07,
        1.4659775274047436e-08, -1.1372848856791674e-09, 5.957176147748911e-11};
    static constexpr double Q[] = {  // in t - 7 / 16
        0.46998907617851965, 0.6191604927113871, 0.52785377900104, 0.1842909239458884,
        -0.13444100265502157, -0.1352336286602369, 0.06660227418294241, 0.09248347346055329,
        -0.06592945646377318, -0.05943872038441598, 0.08199631050020932, 0.017810484872462097,
        -0.09276232322190346, 0.040539714033111164, 0.06945690169290472, -0.08947273596290313,
        0.01903897708982235};
    const f64v size = smaller(all(6.0), absolute(x)), square = size * size;
    const f64v t = 2.0 / (size + 2.0);
    const f64v far = 1.0 - exp_normal(-square) * (t * series(t - 0.4375, Q));
    const f64v near = size * series(square, P);
    return with_sign_of(size < 1.0 ? near : far, x);
}

// sin or cos for |x| <= WIDE_D: the quadrant is taken off in three parts of pi / 2, of which
// two are exact, and what the rest loses to rounding is kept.
constexpr double WIDE_D = 1e6;

LAMPAS_INLINE f64v sine(f64v x, std::int64_t quadrants) {
    static constexpr double S[] = {-0.16666666666666666, 0.008333333333330936,
                                   -0.00019841269836740532, 2.7557316093198404e-06,
                                   -2.5051129896450185e-08, 1.5917988979397435e-10};
    static constexpr double C[] = {0.041666666666666664, -0.0013888888888887389,
                                   2.48015872987544e-05, -2.755731726587808e-07,
                                   2.087614504941318e-09, -1.138254464534925e-11};
    i64v n;
    const f64v q = nearest(x * 0.63661977236758134, &n);
    const f64v first = x - q * 1.5707963267341256, part = q * 6.077100506303966e-11;
    const f64v second = first - part;
    const f64v rest = ((first - second) - part) - q * 2.0222662487959506e-21;
    const f64v r = second + rest, low = (second - r) + rest, z = r * r;
    n = n + quadrants;
    const f64v half = 0.5 * z, one = 1.0 - half;
    const f64v odd = r + (z * r * series(z, S) + low * one);
    const f64v even = one + ((1.0 - one - half) + (z * z * series(z, C) - r * low));
    const f64v y = (n & 1) != 0 ? even : odd;
    return bits_of<f64v>(bits_of<i64v>(y) ^ ((n & 2) << 62));
}

}  // namespace lampas::LAMPAS_PATH
