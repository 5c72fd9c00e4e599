// Sums over a run of elements: lanes add a block up, blocks are added in double with what
// rounding takes from them. The order depends on the length and the path's width alone.
#pragma once

#include "kernels/simd.hpp"

namespace lampas::LAMPAS_PATH {

class Total {
public:
    LAMPAS_INLINE void add(double value) {
        const double next = sum_ + value;
        const bool ahead = __builtin_fabs(sum_) >= __builtin_fabs(value);
        lost_ += ahead ? (sum_ - next) + value : (value - next) + sum_;
        sum_ = next;
    }
    // Of infinities and NaN nothing is lost that could be put back.
    LAMPAS_INLINE double value() const { return sum_ - sum_ == 0.0 ? sum_ + lost_ : sum_; }

private:
    double sum_ = 0.0, lost_ = 0.0;
};

// to[i] += v[i], widened.
LAMPAS_INLINE void add_wide(double* to, f32v v) {
    half_f32v part[2];
    std::memcpy(part, &v, sizeof v);
    for (int i = 0; i < 2; ++i) {
        double* at = to + i * lanes<double>;
        store<double>(at, load(at) + doubles_of(part[i]));
    }
}

LAMPAS_INLINE void add_wide(double* to, f64v v) { store<double>(to, load(to) + v); }

// The same, where what rounding takes from a sum is added to lost[i]: floats in double lose
// nothing that counts.
LAMPAS_INLINE void add_wide(double* to, double*, f32v v) { add_wide(to, v); }
LAMPAS_INLINE void add_wide(double* to, double* lost, f64v v) {
    const f64v before = load(to), sum = before + v, part = sum - before;
    store<double>(lost, load(lost) + ((before - (sum - part)) + (v - part)));
    store<double>(to, sum);
}
template <class T>
LAMPAS_INLINE void add_one(double* to, double* lost, double value) {
    const double before = *to, sum = before + value, part = sum - before;
    if (sizeof(T) == sizeof(double)) *lost += (before - (sum - part)) + (value - part);
    *to = sum;
}

// The first lanes of a vector; the others are zero.
template <class T>
LAMPAS_INLINE vec<T> first_of(vec<T> v, int count) {
    T lane[lanes<T>];
    store<T>(lane, v);
    return load_part(lane, count);
}

// The sum of at(i) over whole vectors and of part(i, rest) for what is left of them.
template <class T, class At, class Part>
LAMPAS_INLINE double total(long count, At at, Part part) {
    constexpr long W = lanes<T>, STEP = 4 * W, BLOCK = 16 * STEP;
    Total sum;
    long i = 0;
    while (i + STEP <= count) {
        const long end = i + BLOCK < count ? i + BLOCK : count;
        vec<T> a = {}, b = {}, c = {}, d = {};
        for (; i + STEP <= end; i += STEP) {
            a += at(i);
            b += at(i + W);
            c += at(i + 2 * W);
            d += at(i + 3 * W);
        }
        sum.add(static_cast<double>(sum_of<T>((a + b) + (c + d))));
    }
    if (i < count) {
        vec<T> rest = {};
        for (; i + W <= count; i += W) rest += at(i);
        if (i < count) {
            const int left = static_cast<int>(count - i);
            rest += first_of<T>(part(i, left), left);
        }
        sum.add(static_cast<double>(sum_of<T>(rest)));
    }
    return sum.value();
}

// The largest (or by `pick` another) element; NaN if one is and pick keeps it.
template <class T, class Pick>
LAMPAS_INLINE T extreme(const T* x, long count, Pick pick) {
    constexpr long W = lanes<T>;
    vec<T> a = all(x[0]), b = a, c = a, d = a;
    long i = 0;
    for (; i + 4 * W <= count; i += 4 * W) {
        a = pick(a, load(x + i));
        b = pick(b, load(x + i + W));
        c = pick(c, load(x + i + 2 * W));
        d = pick(d, load(x + i + 3 * W));
    }
    for (; i + W <= count; i += W) a = pick(a, load(x + i));
    if (i < count) {
        T lane[lanes<T>];
        for (int l = 0; l < lanes<T>; ++l) lane[l] = i + l < count ? x[i + l] : x[0];
        b = pick(b, load(lane));
    }
    a = pick(pick(a, b), pick(c, d));
    T lane[lanes<T>];
    store<T>(lane, a);
    for (int width = lanes<T> / 2; width > 0; width /= 2) {
        vec<T> low = {}, high = {};
        std::memcpy(&low, lane, sizeof(T) * static_cast<std::size_t>(width));
        std::memcpy(&high, lane + width, sizeof(T) * static_cast<std::size_t>(width));
        store<T>(lane, pick(low, high));
    }
    return lane[0];
}

}  // namespace lampas::LAMPAS_PATH
