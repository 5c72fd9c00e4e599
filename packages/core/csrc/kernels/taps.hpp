// Weighted sums of elements whose places, near[k * count + p], are brought together: K taps
// for each of `count` points. Weights of tap k lie from weight[k * row] on.
#pragma once

#include "kernels/simd.hpp"

namespace lampas::LAMPAS_PATH {

// Planes of elements, and of what is at the points, so far apart.
template <class T>
struct Planes {
    const T* x;
    T* y;
    long size, points;
};

// The weighted sum of TAPS elements, or the next TAPS of it, in PLANES planes: each place
// and weight is read once for all of them.
template <class T, int TAPS, int PLANES>
LAMPAS_INLINE void add_taps(const Planes<T>& planes, const T* weight, long row,
                            const std::int32_t* near, long count, bool begin) {
    T* __restrict__ y = planes.y;
    for (long p = 0; p < count; ++p) {
        T sum[PLANES];
        for (int c = 0; c < PLANES; ++c) sum[c] = begin ? T(0) : y[c * planes.points + p];
        for (int k = 0; k < TAPS; ++k) {
            const T* at = planes.x + near[k * count + p];
            const T share = weight[k * row + p];
            for (int c = 0; c < PLANES; ++c) sum[c] += share * at[c * planes.size];
        }
        for (int c = 0; c < PLANES; ++c) y[c * planes.points + p] = sum[c];
    }
}

template <class T, int PLANES>
LAMPAS_INLINE void sum_together(const Planes<T>& planes, const T* weight, long row,
                                const std::int32_t* near, long taps, long count) {
    long k = 0;
    for (; k + 4 <= taps; k += 4) {
        add_taps<T, 4, PLANES>(planes, weight + k * row, row, near + k * count, count, k == 0);
    }
    for (; k < taps; ++k) {
        add_taps<T, 1, PLANES>(planes, weight + k * row, row, near + k * count, count, k == 0);
    }
}

template <class T>
LAMPAS_INLINE void sum_taps(Planes<T> planes, long channels, const T* weight, long row,
                            const std::int32_t* near, long taps, long count) {
    const auto next = [&](long done) {
        planes.x += done * planes.size;
        planes.y += done * planes.points;
        channels -= done;
    };
    for (; channels >= 4; next(4)) sum_together<T, 4>(planes, weight, row, near, taps, count);
    if (channels == 3) sum_together<T, 3>(planes, weight, row, near, taps, count);
    if (channels == 2) sum_together<T, 2>(planes, weight, row, near, taps, count);
    if (channels == 1) sum_together<T, 1>(planes, weight, row, near, taps, count);
}

// result[k][p] += g[p] x[near[k][p]]
template <class T>
LAMPAS_INLINE void match_taps(const T* g, const T* x, const std::int32_t* near, long taps,
                              long count, T* result, long row) {
    for (long k = 0; k < taps; ++k) {
        T* __restrict__ to = result + k * row;
        const std::int32_t* at = near + k * count;
        for (long p = 0; p < count; ++p) to[p] += g[p] * x[at[p]];
    }
}

}  // namespace lampas::LAMPAS_PATH
