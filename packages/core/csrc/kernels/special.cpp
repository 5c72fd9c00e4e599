#include "kernels/special.hpp"

#include "kernels/map.hpp"
#include "kernels/powers.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

// Half of the digits, so that products of two such numbers are exact.
LAMPAS_INLINE f32v first_digits(f32v x) {
    return bits_of<f32v>(bits_of<i32v>(x) & static_cast<std::int32_t>(0xfffff000));
}

// asin(s) - s over s z for z = s^2 up to 1/4
LAMPAS_INLINE f32v asin_tail(f32v z) {
    f32v p = all(0.03393116735063102f);
    p = p * z + 0.017000078462354698f;
    p = p * z + 0.031133037816675008f;
    p = p * z + 0.04459653693704395f;
    p = p * z + 0.07500103397718247f;
    return p * z + 0.16666666293780627f;
}
constexpr float HALF_PI_HIGH = 1.5707963267948966f, HALF_PI_LOW = -4.37113900018624e-8f;

// Beyond 1/2 by asin(x) = pi/2 - 2 asin(sqrt((1 - x) / 2)).
LAMPAS_INLINE f32v asin_of(f32v x) {
    const f32v size = absolute(x), z_far = (1.0f - size) * 0.5f;
    const i32v far = size > 0.5f;
    const f32v z = far ? z_far : x * x, s = far ? root(z_far) : size;
    const f32v tail = s * z * asin_tail(z);
    // The root's first digits, and what they leave of it.
    const f32v first = first_digits(s);
    const f32v rest = (z - first * first) / (s + first + 1e-30f);
    const f32v less = 2.0f * tail - (HALF_PI_LOW - 2.0f * rest);
    const f32v steep = HALF_PI_HIGH / 2 - (less - (HALF_PI_HIGH / 2 - 2.0f * first));
    return with_sign_of(far ? steep : s + tail, x);
}
LAMPAS_INLINE f32v acos_of(f32v x) {
    const f32v size = absolute(x), z_far = (1.0f - size) * 0.5f;
    const i32v far = size > 0.5f;
    const f32v z = far ? z_far : x * x, s = far ? root(z_far) : x;
    const f32v tail = s * z * asin_tail(z);
    const f32v twice = 2.0f * (s + tail);
    const f32v low = 2.0f * HALF_PI_HIGH - (twice - 2.0f * HALF_PI_LOW);
    return far ? (x < 0.0f ? low : twice) : HALF_PI_HIGH - (s - (HALF_PI_LOW - tail));
}

// 2^r as a polynomial, r what is left of x beside the nearest integer. Of r log 2 the first
// digits' product is exact, and what is lost when 1 is added to it is kept.
LAMPAS_INLINE f32v exp2_of(f32v x) {
    i32v n;
    const f32v limited = larger(all(-151.0f), smaller(all(129.0f), x));
    const f32v r = limited - nearest(limited, &n);
    f32v p = all(1.5252716e-5f);
    p = p * r + 1.546133e-4f;
    p = p * r + 1.3333669e-3f;
    p = p * r + 9.618057e-3f;
    p = p * r + 5.5504107e-2f;
    p = p * r + 2.4022651e-1f;
    p = p * r + 3.1946183e-5f;
    constexpr float LOG_2 = 0.693115234375f;
    const f32v first = first_digits(r), product = first * LOG_2, sum = 1.0f + product;
    const f32v rest = (product - (sum - 1.0f)) + ((r - first) * LOG_2 + r * p);
    return scaled(sum + rest, n);
}

// A logarithm of another base: the factor in two parts, of which the first has few digits.
LAMPAS_INLINE f32v log_of_base(f32v x, float high, float low, float unit, float unit_low) {
    f32v e;
    const f32v f = taken_apart(x, &e);
    const f32v tail = log_tail(f);
    const f32v first = first_digits(f);
    const f32v rest = (f - first) + tail;
    const f32v y = rest * high + (f + tail) * low + e * unit_low + first * high + e * unit;
    return log_edges(x, y);
}
LAMPAS_INLINE f32v log2_of(f32v x) {
    return log_of_base(x, 1.4423828125f, 3.1222839e-4f, 1.0f, 0.0f);
}
LAMPAS_INLINE f32v log10_of(f32v x) {
    return log_of_base(x, 0.434326171875f, -3.1689971e-5f, 0.30102539f, 4.6050390e-6f);
}

#define WIDE_OF(name) \
    LAMPAS_INLINE f32v name##_of(f32v x) { \
        return wide(x, [](f64v v) { return name##_wide(v); }); \
    }
WIDE_OF(atan)
WIDE_OF(sinh)
WIDE_OF(cosh)
WIDE_OF(asinh)
WIDE_OF(acosh)
WIDE_OF(atanh)
WIDE_OF(erfc)
WIDE_OF(erfinv)
WIDE_OF(ndtr)
WIDE_OF(log_ndtr)
WIDE_OF(ndtri)
WIDE_OF(lgamma)
WIDE_OF(digamma)

LAMPAS_INLINE f32v tan_of(f32v x) {
    const f32v y = wide(x, [](f64v v) { return tan_wide(v); });
    return one_by_one(y, x, ~(absolute(x) <= WIDE), [](float v) { return __builtin_tanf(v); });
}

void power(const void* x, void* y, long count, const double* numbers) {
    const float* from = static_cast<const float*>(x);
    float* to = static_cast<float*>(y);
    if (numbers[0] == -2.0) {
        map<float>(from, to, count, [](f32v v) {
            return wide(v, [](f64v d) { return 1.0 / (d * d); });
        });
    } else if (numbers[0] == -0.5) {
        // Of -0 the power is infinite, and of -infinity 0.
        map<float>(from, to, count, [](f32v v) {
            const f32v y = wide(v, [](f64v d) { return 1.0 / root(d); });
            return v == 0.0f ? all(INFINITY_F) : (v == -INFINITY_F ? f32v{} : y);
        });
    } else {
        const f32v exponent = all(static_cast<float>(numbers[0]));
        map<float>(from, to, count, [&](f32v v) { return power_of(v, exponent); });
    }
}

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

#define LOOP(name)                                                        \
    [](const void* x, void* y, long count, const double*) {               \
        map<float>(static_cast<const float*>(x), static_cast<float*>(y), count, \
                   [](f32v v) { return name##_of(v); });                  \
    },

const SpecialKernels LAMPAS_PATH_OF(special) = {{LAMPAS_SPECIAL(LOOP)}, power};

}  // namespace lampas
