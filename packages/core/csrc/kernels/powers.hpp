// Powers of floats, in double; what no formula serves is left to the C library.
#pragma once

#include "kernels/wide.hpp"

namespace lampas::LAMPAS_PATH {

// x^y = exp(y log|x|), negative where x is and y is odd.
LAMPAS_INLINE f32v power_of(f32v x, f32v y) {
    const f32v size = absolute(x), height = absolute(y);
    const f32v found = wide(size, y, [](f64v a, f64v b) {
        return exp_wide(larger(all(-300.0), smaller(all(300.0), b * log_wide(a))));
    });
    // From 2^22 on the integers are left to the C library, like zeros, infinities and NaN.
    const i32v plain = (size > 0.0f) & (size < INFINITY_F) & (height < 4194304.0f);
    i32v n;
    const f32v whole = nearest(y, &n);
    const i32v negative = x < 0.0f;
    const f32v odd = (n & 1) != 0 ? -found : found;
    const f32v below = whole == y ? odd : all(NAN_F);
    return one_by_one(negative ? below : found, x, y, ~plain,
                      [](float a, float b) { return __builtin_powf(a, b); });
}

}  // namespace lampas::LAMPAS_PATH
