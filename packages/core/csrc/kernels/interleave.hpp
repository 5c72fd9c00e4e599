// Two vectors of pairs as a vector of the first ones and one of the second, and back.
#pragma once

#include "kernels/simd.hpp"

namespace lampas::LAMPAS_PATH {

template <int... I>
struct Pairs {
    static constexpr int COUNT = sizeof...(I);

    template <class V>
    static LAMPAS_INLINE V firsts(V a, V b) {
        return __builtin_shufflevector(a, b, (2 * I)...);
    }
    template <class V>
    static LAMPAS_INLINE V seconds(V a, V b) {
        return __builtin_shufflevector(a, b, (2 * I + 1)...);
    }
    // The pairs of the first halves of the lanes, and of the second halves.
    template <class V>
    static LAMPAS_INLINE V low(V a, V b) {
        return __builtin_shufflevector(a, b, (I / 2 + I % 2 * COUNT)...);
    }
    template <class V>
    static LAMPAS_INLINE V high(V a, V b) {
        return __builtin_shufflevector(a, b, (COUNT / 2 + I / 2 + I % 2 * COUNT)...);
    }
};

template <int L> struct pairs_for;
template <> struct pairs_for<2> { using type = Pairs<0, 1>; };
template <> struct pairs_for<4> { using type = Pairs<0, 1, 2, 3>; };
template <> struct pairs_for<8> { using type = Pairs<0, 1, 2, 3, 4, 5, 6, 7>; };
template <> struct pairs_for<16> {
    using type = Pairs<0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15>;
};
template <int L> using pairs_of = typename pairs_for<L>::type;

}  // namespace lampas::LAMPAS_PATH
