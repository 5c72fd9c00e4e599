#include "kernels/pairs.hpp"

#include "kernels/map.hpp"
#include "kernels/powers.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

LAMPAS_INLINE f32v atan2_of(f32v y, f32v x) {
    return wide(y, x, [](f64v a, f64v b) { return atan2_wide(a, b); });
}
LAMPAS_INLINE f32v hypot_of(f32v a, f32v b) {
    const f32v y = wide(a, b, [](f64v p, f64v q) { return root(p * p + q * q); });
    const i32v endless = (absolute(a) == INFINITY_F) | (absolute(b) == INFINITY_F);
    return endless ? all(INFINITY_F) : y;
}

// Quotients up to 2^28 are cut off right in double, and their products are exact.
LAMPAS_INLINE f32v fmod_of(f32v a, f32v b) {
    const f32v size = absolute(a), step = absolute(b);
    f32v rest = wide(size, step, [](f64v p, f64v q) {
        const f64v quotient = p / q;
        i64v n;
        const f64v near = nearest(smaller(all(1e9), quotient), &n);
        const f64v whole = near > quotient ? near - 1.0 : near;
        return p - whole * q;
    });
    rest = (step == INFINITY_F) & (size < INFINITY_F) ? size : rest;
    rest = (a != a) | (b != b) | (step == 0.0f) | (size == INFINITY_F) ? all(NAN_F) : rest;
    const f32v y = with_sign_of(rest, a);
    const i32v steep = (size > step * 2.5e8f) & (size < INFINITY_F) & (step > 0.0f);
    return one_by_one(y, a, b, steep, [](float p, float q) { return __builtin_fmodf(p, q); });
}
LAMPAS_INLINE f32v remainder_of(f32v a, f32v b) {
    const f32v rest = fmod_of(a, b);
    const i32v apart = (bits_of<i32v>(rest) ^ bits_of<i32v>(b)) < 0;
    const f32v moved = apart ? rest + b : rest;
    return rest == 0.0f ? with_sign_of(f32v{}, b) : moved;
}
// As NumPy's floor_divide: the quotient of what the remainder leaves, snapped to an integer.
LAMPAS_INLINE f32v div_floor_of(f32v a, f32v b) {
    const f32v rest = fmod_of(a, b);
    f32v quotient = (a - rest) / b;
    const i32v apart = (rest != 0.0f) & ((bits_of<i32v>(rest) ^ bits_of<i32v>(b)) < 0);
    quotient = apart ? quotient - 1.0f : quotient;
    const i32v small = absolute(quotient) < 8388608.0f;
    const i32v cut = __builtin_convertvector(small ? quotient : f32v{}, i32v);
    const f32v near = __builtin_convertvector(cut, f32v);
    f32v whole = near > quotient ? near - 1.0f : near;
    whole = quotient - whole > 0.5f ? whole + 1.0f : whole;
    whole = small ? whole : quotient;
    const f32v zero = with_sign_of(f32v{}, a / b);
    const f32v y = quotient == 0.0f ? zero : (whole == 0.0f ? f32v{} : whole);
    return b == 0.0f ? a / b : y;
}

// log(b^x + b^y), of which `unit` is the natural logarithm of b: in double, for the sum may
// be near 0.
LAMPAS_INLINE f32v log_of_sum(f32v a, f32v b, double unit) {
    const f32v y = wide(a, b, [&](f64v p, f64v q) {
        const f64v gap = larger(all(-600.0), -absolute(p - q) * unit);
        return larger(p, q) + log1p_wide(exp_wide(gap)) * (1.0 / unit);
    });
    const f32v same = a + static_cast<float>(LN_2 / unit);
    return a == b ? same : ((a != a) | (b != b) ? a + b : y);
}
LAMPAS_INLINE f32v logaddexp_of(f32v a, f32v b) { return log_of_sum(a, b, 1.0); }
LAMPAS_INLINE f32v logaddexp2_of(f32v a, f32v b) { return log_of_sum(a, b, LN_2); }
LAMPAS_INLINE f32v pow_of(f32v a, f32v b) { return power_of(a, b); }
LAMPAS_INLINE f32v xlogy_of(f32v a, f32v b) {
    const f32v y = a * log(b);
    return (a == 0.0f) & (b == b) ? f32v{} : y;
}
LAMPAS_INLINE f32v copysign_of(f32v a, f32v b) { return with_sign_of(absolute(a), b); }
LAMPAS_INLINE f32v nextafter_of(f32v a, f32v b) {
    const i32v bits = bits_of<i32v>(a);
    const i32v away = ((a < b) & (bits >= 0)) | ((a > b) & (bits < 0));
    const f32v step = bits_of<f32v>(away ? bits + 1 : bits - 1);
    const f32v least = with_sign_of(bits_of<f32v>(i32v{} + 1), b);
    const f32v y = a == 0.0f ? least : step;
    return a == b ? b : ((a != a) | (b != b) ? a + b : y);
}

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

#define LOOP(name)                                                                             \
    [](const void* a, const void* b, void* y, long count, bool one_a, bool one_b) {            \
        map2<float>(static_cast<const float*>(a), static_cast<const float*>(b),                \
                    static_cast<float*>(y), count, one_a, one_b,                               \
                    [](f32v p, f32v q) { return name##_of(p, q); });                           \
    },

const PairKernels LAMPAS_PATH_OF(pairs) = {{LAMPAS_PAIRS(LOOP)}};

}  // namespace lampas
