// Weighted sums of elements whose places, near[k * count + p], are brought together: K taps
// for each of `count` points. Weights of tap k lie from weight[k * row] on.
#pragma once

#include "kernels/simd.hpp"

namespace lampas::LAMPAS_PATH {

// The weighted sum of TAPS elements, or the next TAPS of it.
template <class T, int TAPS>
LAMPAS_INLINE void add_taps(const T* x, const T* weight, long row, const std::int32_t* near,
                            long count, bool begin, T* y) {
    for (long p = 0; p < count; ++p) {
        T sum = begin ? T(0) : y[p];
        for (int k = 0; k < TAPS; ++k) sum += weight[k * row + p] * x[near[k * count + p]];
        y[p] = sum;
    }
}

template <class T>
LAMPAS_INLINE void sum_taps(const T* x, const T* weight, long row, const std::int32_t* near,
                            long taps, long count, T* y) {
    long k = 0;
    for (; k + 4 <= taps; k += 4) {
        add_taps<T, 4>(x, weight + k * row, row, near + k * count, count, k == 0, y);
    }
    for (; k < taps; ++k) {
        add_taps<T, 1>(x, weight + k * row, row, near + k * count, count, k == 0, y);
    }
}

// result[k][p] += g[p] x[near[k][p]]
template <class T>
LAMPAS_INLINE void match_taps(const T* g, const T* x, const std::int32_t* near, long taps,
                              long count, T* result, long row) {
    for (long k = 0; k < taps; ++k) {
        T* to = result + k * row;
        const std::int32_t* at = near + k * count;
        for (long p = 0; p < count; ++p) to[p] += g[p] * x[at[p]];
    }
}

}  // namespace lampas::LAMPAS_PATH
