// Loops over long arrays, whose results are written past the caches.
#pragma once

#include "kernels/copy.hpp"
#include "kernels/map.hpp"

namespace lampas::LAMPAS_PATH {

// A whole vector at a multiple of its size. Where whole lines are written so, memory need
// not be read first.
template <class T>
LAMPAS_INLINE void store_past(T* to, vec<T> v) {
#if defined(__AVX512F__)
    __builtin_ia32_movntps512(reinterpret_cast<float*>(to), bits_of<f32v>(v));
#elif defined(__AVX2__)
    __builtin_ia32_movntps256(reinterpret_cast<float*>(to), bits_of<f32v>(v));
#elif defined(__SSE2__)
    __builtin_ia32_movntps(reinterpret_cast<float*>(to), bits_of<f32v>(v));
#else
    store<T>(to, v);
#endif
}

// y[i] = at(i), a vector of elements from i on. y begins a line, and `count` is a multiple
// of TURNS pages. What is read is asked for ahead, by ahead(i), since processors do so by
// themselves only within a page, and too late where an element takes much computing. All
// pages are read before one is written: reading waits for what was just written to the same
// place of another page.
template <class T, class At, class Ahead>
LAMPAS_INLINE void fill_past(T* y, long count, At at, Ahead ahead) {
    constexpr long SIZE = sizeof(T), EACH = PAGE_BYTES / SIZE, ALL = TURNS * EACH;
    constexpr long NEAR = 512 / SIZE;
    for (long first = 0; first < count; first += ALL) {
        for (long i = first; i < first + EACH; i += lanes<T>) {
            const long next = i + NEAR, soon = next < first + EACH ? next : next + ALL - EACH;
            vec<T> value[TURNS];
#pragma GCC unroll 4
            for (long page = 0; page < TURNS; ++page) value[page] = at(i + page * EACH);
#pragma GCC unroll 4
            for (long page = 0; page < TURNS; ++page) {
                store_past<T>(y + i + page * EACH, value[page]);
                ahead(soon + page * EACH);
            }
        }
    }
}

// y[i] = f(x[i])
template <class T, class F>
LAMPAS_INLINE void map_past(const T* x, T* y, long count, F f) {
    fill_past<T>(
        y, count, [&](long i) { return f(load(x + i)); },
        [&](long i) { __builtin_prefetch(x + i); });
}

// y[i] = f(a[i], b[i])
template <class T, class A, class B, class F>
LAMPAS_INLINE void map2_past(A a, B b, T* y, long count, F f) {
    fill_past<T>(
        y, count, [&](long i) { return f(a.at(i), b.at(i)); },
        [&](long i) { a.ahead(i), b.ahead(i); });
}
template <class T, class F>
LAMPAS_INLINE void map2_past(const T* a, const T* b, T* y, long count, bool one_a, bool one_b,
                             F f) {
    by_form(a, b, one_a, one_b, [&](auto p, auto q) { map2_past<T>(p, q, y, count, f); });
}

}  // namespace lampas::LAMPAS_PATH
