// Functions of floats that are computed in double, to 1e-9 or better, and rounded once:
// the results are as good as rounding is. Coefficients are minimax fits or Taylor's.
#pragma once

#include "kernels/math.hpp"

namespace lampas::LAMPAS_PATH {

typedef std::uint64_t u64v __attribute__((vector_size(BYTES)));

constexpr double LN_2 = 0.69314718055994531, PI = 3.14159265358979324;
constexpr double ROOT_HALF_D = 0.70710678118654752;
constexpr double INFINITY_D = __builtin_inf(), NAN_D = __builtin_nan("");

LAMPAS_INLINE f64v widened(f32v x, int which) {
    half_f32v part[2];
    std::memcpy(part, &x, sizeof x);
    return doubles_of(part[which]);
}
LAMPAS_INLINE f32v narrowed(f64v low, f64v high) {
    const half_f32v part[2] = {__builtin_convertvector(low, half_f32v),
                               __builtin_convertvector(high, half_f32v)};
    f32v y;
    std::memcpy(&y, part, sizeof y);
    return y;
}
template <class F> LAMPAS_INLINE f32v wide(f32v x, F f) {
    return narrowed(f(widened(x, 0)), f(widened(x, 1)));
}
template <class F> LAMPAS_INLINE f32v wide(f32v x, f32v y, F f) {
    return narrowed(f(widened(x, 0), widened(y, 0)), f(widened(x, 1), widened(y, 1)));
}

// c[0] + c[1] x + ...
template <int N> LAMPAS_INLINE f64v series(f64v x, const double (&c)[N]) {
    f64v p = all(c[N - 1]);
    for (int i = N - 2; i >= 0; --i) p = p * x + c[i];
    return p;
}

LAMPAS_INLINE f64v absolute(f64v x) {
    return bits_of<f64v>(bits_of<i64v>(x) & 0x7fffffffffffffff);
}
LAMPAS_INLINE f64v with_sign_of(f64v magnitude, f64v sign) {
    const i64v bit = bits_of<i64v>(sign) & static_cast<std::int64_t>(0x8000000000000000u);
    return bits_of<f64v>(bits_of<i64v>(magnitude) | bit);
}

LAMPAS_INLINE f64v nearest(f64v x, i64v* integer) {
    const f64v magic = all(6755399441055744.0);  // 1.5 * 2^52
    const f64v shifted = x + magic;
    *integer = bits_of<i64v>(shifted) - bits_of<i64v>(magic);
    return shifted - magic;
}

// exp(r) by a series with coefficients c, for x = n ln 2 + r; |x| < 700.
template <int N> LAMPAS_INLINE f64v exp_by(f64v x, const double (&c)[N]) {
    i64v n;
    const f64v f = nearest(x * 1.44269504088896341, &n);
    const f64v r = (x - f * 0.693147180369123816490) - f * 1.90821492927058770002e-10;
    return series(r, c) * bits_of<f64v>((n + 1023) << 52);
}
LAMPAS_INLINE f64v exp_wide(f64v x) {
    static constexpr double C[] = {1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720,
                                   1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800};
    return exp_by(x, C);
}
// The same to all digits of double.
LAMPAS_INLINE f64v exp_full(f64v x) {
    static constexpr double C[] = {1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720,
                                   1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800,
                                   1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0};
    return exp_by(x, C);
}

// log(m) = 2 artanh(s) by a series with coefficients c, for x = 2^e m; x positive, normal
// and finite.
template <int N> LAMPAS_INLINE f64v log_by(f64v x, const double (&c)[N]) {
    const std::int64_t half = 0x3fe6a09e667f3bcc;  // sqrt(1/2)
    const i64v bits = bits_of<i64v>(x) - half;
    // Without a sign: sums may go beyond the largest number that has one.
    const i64v biased = bits_of<i64v>((bits_of<u64v>(bits) + (std::uint64_t{1024} << 52)) >> 52);
    const f64v magic = all(6755399441055744.0);
    const f64v e = bits_of<f64v>(biased + bits_of<i64v>(magic)) - (magic + 1024.0);
    const f64v f = bits_of<f64v>((bits & 0xfffffffffffff) + half) - 1.0;
    const f64v s = f / (f + 2.0);
    return e * LN_2 + s * series(s * s, c);
}
LAMPAS_INLINE f64v log_wide(f64v x) {
    static constexpr double C[] = {2.0, 2.0 / 3, 2.0 / 5, 2.0 / 7, 2.0 / 9, 2.0 / 11, 2.0 / 13,
                                   2.0 / 15, 2.0 / 17};
    return log_by(x, C);
}
LAMPAS_INLINE f64v log_full(f64v x) {
    static constexpr double C[] = {2.0, 2.0 / 3, 2.0 / 5, 2.0 / 7, 2.0 / 9, 2.0 / 11, 2.0 / 13,
                                   2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21};
    return log_by(x, C);
}

LAMPAS_INLINE f64v log1p_wide(f64v x) {  // for x > -1
    const f64v u = x + 1.0;
    return log_wide(u) + (x - (u - 1.0)) / u;
}

LAMPAS_INLINE f64v sinh_wide(f64v x) {
    static constexpr double C[] = {1.0, 1.0 / 6, 1.0 / 120, 1.0 / 5040, 1.0 / 362880,
                                   1.0 / 39916800, 1.0 / 6227020800.0};
    const f64v size = smaller(all(100.0), absolute(x)), e = exp_wide(size);
    const f64v far = with_sign_of((e - 1.0 / e) * 0.5, x);
    const f64v y = size < 1.0 ? x * series(x * x, C) : far;
    return x == x ? y : x;
}
LAMPAS_INLINE f64v cosh_wide(f64v x) {
    const f64v e = exp_wide(smaller(all(100.0), absolute(x)));
    const f64v y = (e + 1.0 / e) * 0.5;
    return x == x ? y : x;
}
LAMPAS_INLINE f64v asinh_wide(f64v x) {
    const f64v size = absolute(x), finite = smaller(all(1e40), size);
    const f64v square = finite * finite;
    const f64v y = log1p_wide(finite + square / (root(square + 1.0) + 1.0));
    const f64v edge = (x != x) | (size == INFINITY_D) ? size : y;
    return with_sign_of(edge, x);
}
LAMPAS_INLINE f64v acosh_wide(f64v x) {
    const f64v t = larger(f64v{}, smaller(all(1e40), x) - 1.0);
    const f64v y = log1p_wide(t + root(t * (t + 2.0)));
    const f64v edge = x >= 1.0 ? (x == INFINITY_D ? x : y) : all(NAN_D);
    return edge;
}
LAMPAS_INLINE f64v atanh_wide(f64v x) {
    const f64v size = absolute(x), inner = smaller(all(0.99999999), size);
    const f64v y = log1p_wide((inner + inner) / (1.0 - inner)) * 0.5;
    const f64v edge = size < 1.0 ? y : (size == 1.0 ? all(INFINITY_D) : all(NAN_D));
    return with_sign_of(edge, x);
}

// The tangent for |x| <= WIDE.
LAMPAS_INLINE f64v tan_wide(f64v x) {
    static constexpr double S[] = {1.0, -1.0 / 6, 1.0 / 120, -1.0 / 5040, 1.0 / 362880,
                                   -1.0 / 39916800};
    static constexpr double C[] = {1.0, -1.0 / 2, 1.0 / 24, -1.0 / 720, 1.0 / 40320,
                                   -1.0 / 3628800, 1.0 / 479001600};
    i64v n;
    const f64v q = nearest(x * 0.636619772367581343, &n);
    const f64v r = (x - q * 1.57079632673412561417) - q * 6.07710050650619224932e-11;
    const f64v square = r * r;
    const f64v sine = r * series(square, S), cosine = series(square, C);
    const i64v odd = (n & 1) != 0;
    return (odd ? -cosine : sine) / (odd ? sine : cosine);
}

// The arc tangent of a in [0, 1] (of 2.4 too).
LAMPAS_INLINE f64v atan_wide_unit(f64v a) {
    static constexpr double C[] = {-0.3333333328283592, 0.19999978294522264, -0.14284199244246132,
                                   0.11072146184215657, -0.0862986371913797, 0.05060202297262296};
    const i64v steep = a > 0.41421356237309503;
    const f64v t = (steep ? a - 1.0 : a) / (steep ? a + 1.0 : f64v{} + 1.0);
    const f64v z = t * t;
    return t + t * z * series(z, C) + (steep ? all(PI / 4) : f64v{});
}
LAMPAS_INLINE f64v atan_wide(f64v x) {
    const f64v size = absolute(x);
    const i64v steep = size > 1.0;
    const f64v y = atan_wide_unit(steep ? 1.0 / size : size);
    return with_sign_of(steep ? PI / 2 - y : y, x);
}
LAMPAS_INLINE f64v atan2_wide(f64v y, f64v x) {
    const f64v up = absolute(y), across = absolute(x);
    const i64v steep = up > across;
    const f64v low = steep ? across : up, high = steep ? up : across;
    f64v ratio = low / high;
    ratio = high == 0.0 ? f64v{} : ratio;
    ratio = low == INFINITY_D ? f64v{} + 1.0 : ratio;
    f64v angle = atan_wide_unit(ratio);
    angle = steep ? PI / 2 - angle : angle;
    angle = bits_of<i64v>(x) < 0 ? PI - angle : angle;
    angle = (x != x) | (y != y) ? all(NAN_D) : angle;
    return with_sign_of(angle, y);
}

// exp(x^2) erfc(x) for x >= 0
LAMPAS_INLINE f64v erfcx_wide(f64v x) {
    static constexpr double C[] = {
        0.2820947917761851,    0.28209479033213036, 0.24683309145139606,  0.1763032220154644,
        0.08387426559090803,   -0.006025711992424852, -0.04336980196996862, -0.12903712294054884,
        0.29601850605397606,   -0.793041196092563,  1.7168634700133467,   -2.227986823714805,
        1.7484195451675453,    -0.8196034065410387, 0.2035636231826983,   -0.014579833832256965,
        -0.002421408508220618};
    const f64v t = 2.0 / (x + 2.0);
    return t * series(t, C);
}
LAMPAS_INLINE f64v erfc_wide(f64v x) {
    const f64v size = smaller(all(16.0), absolute(x));
    const f64v y = erfcx_wide(size) * exp_wide(-size * size);
    return x != x ? x : (x < 0.0 ? 2.0 - y : y);
}
LAMPAS_INLINE f64v ndtr_wide(f64v x) { return erfc_wide(x * -ROOT_HALF_D) * 0.5; }
LAMPAS_INLINE f64v log_ndtr_wide(f64v x) {
    const f64v low = larger(all(-1e30), smaller(all(-1.0), x));
    const f64v below = log_wide(erfcx_wide(low * -ROOT_HALF_D) * 0.5) - low * low * 0.5;
    const f64v above = log1p_wide(erfc_wide(larger(all(-1.0), x) * ROOT_HALF_D) * -0.5);
    return x != x ? x : (x < -1.0 ? below : above);
}

// erfinv(x) for w = -log(1 - x^2) below 107
LAMPAS_INLINE f64v erfinv_wide(f64v x, f64v w) {
    static constexpr double NEAR[] = {
        0.8862269258196108,     0.23201364443187422,  0.011549558651167108,
        -0.0023359175351289952, -0.00012649202375388823, 4.4927456306104865e-05,
        3.1180277016327587e-06, -1.436463027700853e-06, 4.486659681065814e-08,
        2.3721409566759134e-08, -3.2166011586739406e-09, 1.3285934496603666e-10};
    static constexpr double TAIL[] = {
        -3.9389549664967536, 16.06148997892851,  -23.265872782660836, 19.82001806334842,
        -10.63597081571778,  3.812784839275748,  -0.9321269593690444, 0.15418949085759998,
        -0.01656623382033917, 0.0010460199070229633, -2.9515547534830376e-05};
    static constexpr double FAR[] = {
        0.14574717839922346,    0.5898922595412124,    0.2313098133201839,
        -0.07670887620099039,   0.017006248962777974,  -0.0026245955831022483,
        0.00028405713333155266, -2.119826881348981e-05, 1.0406777450618053e-06,
        -3.028025920735076e-08, 3.9589424076716905e-10};
    const f64v s = root(w);
    const f64v tail = s < 4.05 ? series(s, TAIL) : series(s, FAR);
    return x * (w < 5.0 ? series(w, NEAR) : tail);
}
LAMPAS_INLINE f64v erfinv_wide(f64v x) {
    const f64v left = 1.0 - x * x;
    const f64v y = erfinv_wide(x, larger(f64v{}, -log_wide(larger(all(1e-30), left))));
    const f64v edge = left == 0.0 ? with_sign_of(all(INFINITY_D), x) : all(NAN_D);
    return left > 0.0 ? y : edge;
}
LAMPAS_INLINE f64v ndtri_wide(f64v p) {
    const f64v left = p * 4.0 * (1.0 - p);
    const f64v w = larger(f64v{}, -log_wide(larger(all(1e-46), left)));
    const f64v y = erfinv_wide(p + p - 1.0, w) * (1.0 / ROOT_HALF_D);
    const f64v edge = p == 0.0 ? all(-INFINITY_D) : (p == 1.0 ? all(INFINITY_D) : all(NAN_D));
    return left > 0.0 ? y : edge;
}

// sin(pi r) for |r| <= 1/2
LAMPAS_INLINE f64v sine_of_turns(f64v r) {
    static constexpr double S[] = {
        1.0, -1.0 / 6, 1.0 / 120, -1.0 / 5040, 1.0 / 362880, -1.0 / 39916800,
        1.0 / 6227020800.0, -1.0 / 1307674368000.0, 1.0 / 355687428096000.0,
        -1.0 / 121645100408832000.0, 1.0 / 51090942171709440000.0};
    const f64v angle = r * PI;
    return angle * series(angle * angle, S);
}

// log|gamma(x)|: Stirling's series at x + 7, with the factors between taken off; below 1/2
// by reflection; Taylor's series next to 1 and 2, where these are zero.
LAMPAS_INLINE f64v lgamma_wide(f64v x) {
    static constexpr double ONE[] = {-0.57721566490153286, 0.82246703342411322,
                                     -0.40068563438653143, 0.27058080842778455,
                                     -0.20738555102867399};
    static constexpr double TWO[] = {0.42278433509846714, 0.32246703342411322,
                                     -0.067352301053198095, 0.020580808427784548,
                                     -0.0073855510286739853};
    static constexpr double C[] = {1.0 / 12,   -1.0 / 360,         1.0 / 1260, -1.0 / 1680,
                                   1.0 / 1188, -691.0 / 360360.0, 1.0 / 156};
    const i64v low = x < 0.5;
    const f64v a = low ? 1.0 - x : x;
    const f64v z = a + 7.0, inverse = 1.0 / z;
    const f64v product = a * (a + 1.0) * (a + 2.0) * (a + 3.0) * (a + 4.0) * (a + 5.0) * (a + 6.0);
    const f64v y = (z - 0.5) * log_wide(z) - z + 0.91893853320467274178 +
                   inverse * series(inverse * inverse, C) - log_wide(product);
    i64v n;
    const f64v r = x - nearest(larger(all(-1e9), smaller(all(1.0), x)), &n);
    const f64v sine = absolute(sine_of_turns(low ? r : f64v{} + 0.5));
    const f64v mirrored = log_wide(larger(all(1e-300), PI / sine)) - y;
    f64v found = low ? mirrored : y;
    found = (x <= 0.0) & ((r == 0.0) | (x < -8388608.0)) ? all(INFINITY_D) : found;
    const f64v one = x - 1.0, two = x - 2.0;
    found = absolute(one) < 1e-3 ? one * series(one, ONE) + 0.0 : found;  // not -0
    found = absolute(two) < 1e-3 ? two * series(two, TWO) : found;
    found = x == INFINITY_D ? x : found;
    return x != x ? x : found;
}

// The slope of log gamma: its series at x + 8, with 1 / x + ... + 1 / (x + 7) taken off.
LAMPAS_INLINE f64v digamma_wide(f64v x) {
    static constexpr double C[] = {-1.0 / 12,  1.0 / 120,          -1.0 / 252, 1.0 / 240,
                                   -1.0 / 132, 691.0 / 32760.0, -1.0 / 12};
    const i64v low = x < 0.5;
    const f64v a = low ? 1.0 - x : x;
    f64v above = f64v{} + 1.0, below = a;
    for (int k = 1; k < 8; ++k) {
        above = above * (a + k) + below;
        below = below * (a + k);
    }
    const f64v z = a + 8.0, inverse = 1.0 / z, square = inverse * inverse;
    const f64v y = log_wide(z) - inverse * 0.5 + square * series(square, C) - above / below;
    i64v n;
    const f64v r = x - nearest(larger(all(-1e9), smaller(all(1.0), x)), &n);
    // pi / tan(pi r) = pi cos / sin; the cosine is the sine of what is left of a quarter.
    const f64v size = absolute(r);
    const f64v cotangent = with_sign_of(sine_of_turns(0.5 - size) / sine_of_turns(size), r);
    f64v found = low ? y - PI * cotangent : y;
    found = (x < 0.0) & ((r == 0.0) | (x < -8388608.0)) ? all(NAN_D) : found;
    found = x == 0.0 ? with_sign_of(all(INFINITY_D), -x) : found;
    found = x == INFINITY_D ? x : found;
    return x != x ? x : found;
}

}  // namespace lampas::LAMPAS_PATH
