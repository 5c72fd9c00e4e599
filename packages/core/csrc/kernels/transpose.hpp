// Square blocks of values turned in registers.
#pragma once

#include "kernels/simd.hpp"

namespace lampas::LAMPAS_PATH {

// Lane j of a shuffle's result is lane INDEX(j) of (a, b) side by side.
template <int L, int HIGH>
constexpr int unpacked(int j) {  // a0 b0 a1 b1 within each 16 bytes, from their upper half
    constexpr int GROUP = L * 16 / BYTES;
    const int base = j / GROUP * GROUP, at = j % GROUP;
    return base + at / 2 + HIGH * GROUP / 2 + (at % 2) * L;
}
template <int L, int HIGH>
constexpr int unpacked_pairs(int j) {  // the same for pairs of lanes
    constexpr int GROUP = L * 16 / BYTES;
    const int base = j / GROUP * GROUP, at = j % GROUP;
    return base + at % 2 + HIGH * 2 + (at / 2) * L;
}
template <int L, int WIDTH, int HIGH>
constexpr int exchanged(int j) {  // blocks of WIDTH lanes: a0 b0 a2 b2 or a1 b1 a3 b3
    const bool odd = (j & WIDTH) != 0;
    if (HIGH) return odd ? j + L : j + WIDTH;
    return odd ? j - WIDTH + L : j;
}

template <class V, int... J>
struct Shuffles {
    static constexpr int L = sizeof...(J);
    template <int HIGH>
    static LAMPAS_INLINE V unpack(V a, V b) {
        return __builtin_shufflevector(a, b, unpacked<L, HIGH>(J)...);
    }
    template <int HIGH>
    static LAMPAS_INLINE V unpack_pairs(V a, V b) {
        return __builtin_shufflevector(a, b, unpacked_pairs<L, HIGH>(J)...);
    }
    template <int WIDTH, int HIGH>
    static LAMPAS_INLINE V exchange(V a, V b) {
        return __builtin_shufflevector(a, b, exchanged<L, WIDTH, HIGH>(J)...);
    }
};

template <int L, class V> struct shuffles_of;
template <class V> struct shuffles_of<2, V> : Shuffles<V, 0, 1> {};
template <class V> struct shuffles_of<4, V> : Shuffles<V, 0, 1, 2, 3> {};
template <class V> struct shuffles_of<8, V> : Shuffles<V, 0, 1, 2, 3, 4, 5, 6, 7> {};
template <class V>
struct shuffles_of<16, V>
    : Shuffles<V, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15> {};

template <class S, int WIDTH, int L, class V>
LAMPAS_INLINE void exchange_blocks(V (&r)[L]) {
    if constexpr (WIDTH < L) {
        for (int i = 0; i < L; ++i) {
            if ((i & WIDTH) != 0) continue;
            const V low = S::template exchange<WIDTH, 0>(r[i], r[i + WIDTH]);
            r[i + WIDTH] = S::template exchange<WIDTH, 1>(r[i], r[i + WIDTH]);
            r[i] = low;
        }
        exchange_blocks<S, WIDTH * 2>(r);
    }
}

// As many vectors as each has lanes: r[i][j] becomes r[j][i].
template <class T>
LAMPAS_INLINE void transpose(vec<T> (&r)[lanes<T>]) {
    using V = vec<T>;
    using S = shuffles_of<lanes<T>, V>;
    constexpr int GROUP = 16 / static_cast<int>(sizeof(T));
    for (int i = 0; i < lanes<T>; i += GROUP) {
        if constexpr (GROUP == 2) {
            const V low = S::template unpack<0>(r[i], r[i + 1]);
            r[i + 1] = S::template unpack<1>(r[i], r[i + 1]);
            r[i] = low;
        } else {
            const V a = S::template unpack<0>(r[i], r[i + 1]);
            const V b = S::template unpack<1>(r[i], r[i + 1]);
            const V c = S::template unpack<0>(r[i + 2], r[i + 3]);
            const V d = S::template unpack<1>(r[i + 2], r[i + 3]);
            r[i] = S::template unpack_pairs<0>(a, c);
            r[i + 1] = S::template unpack_pairs<1>(a, c);
            r[i + 2] = S::template unpack_pairs<0>(b, d);
            r[i + 3] = S::template unpack_pairs<1>(b, d);
        }
    }
    exchange_blocks<S, GROUP>(r);
}

}  // namespace lampas::LAMPAS_PATH
