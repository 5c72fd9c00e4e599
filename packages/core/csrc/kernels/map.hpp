// Loops that apply a function of vectors to each element of arrays.
#pragma once

#include "kernels/simd.hpp"

namespace lampas::LAMPAS_PATH {

// y[i] = f(x[i]); several vectors at a time, so that short functions keep memory busy.
template <class T, class F>
LAMPAS_INLINE void map(const T* x, T* y, long count, F f) {
    constexpr long W = lanes<T>;
    long i = 0;
    for (; i + 4 * W <= count; i += 4 * W) {
        const vec<T> a = f(load(x + i)), b = f(load(x + i + W));
        const vec<T> c = f(load(x + i + 2 * W)), d = f(load(x + i + 3 * W));
        store<T>(y + i, a);
        store<T>(y + i + W, b);
        store<T>(y + i + 2 * W, c);
        store<T>(y + i + 3 * W, d);
    }
    for (; i + W <= count; i += W) store<T>(y + i, f(load(x + i)));
    if (i < count) {
        const int rest = static_cast<int>(count - i);
        store_part<T>(y + i, f(load_part(x + i, rest)), rest);
    }
}

// Whether the comparison f holds of any element.
template <class T, class F>
LAMPAS_INLINE bool any_in(const T* x, long count, F f) {
    constexpr long W = lanes<T>;
    auto found = f(vec<T>{}) & 0;
    long i = 0;
    for (; i + W <= count; i += W) found |= f(load(x + i));
    if (i < count) found |= f(load_part(x + i, static_cast<int>(count - i)));
    return any_of(bits_of<i32v>(found));
}

// One operand of a binary loop: an array, or one value for all elements.
template <class T>
struct Many {
    const T* start;
    LAMPAS_INLINE vec<T> at(long i) const { return load(start + i); }
    LAMPAS_INLINE vec<T> part(long i, int count) const { return load_part(start + i, count); }
    LAMPAS_INLINE void ahead(long i) const { __builtin_prefetch(start + i); }
    LAMPAS_INLINE Many from(long i) const { return {start + i}; }
};
template <class T>
struct One {
    vec<T> value;
    LAMPAS_INLINE vec<T> at(long) const { return value; }
    LAMPAS_INLINE vec<T> part(long, int) const { return value; }
    LAMPAS_INLINE void ahead(long) const {}
    LAMPAS_INLINE One from(long) const { return *this; }
};

template <class T, class A, class B, class F>
LAMPAS_INLINE void map2(A a, B b, T* y, long count, F f) {
    constexpr long W = lanes<T>;
    long i = 0;
    for (; i + 4 * W <= count; i += 4 * W) {
        const vec<T> p = f(a.at(i), b.at(i)), q = f(a.at(i + W), b.at(i + W));
        const vec<T> r = f(a.at(i + 2 * W), b.at(i + 2 * W));
        const vec<T> s = f(a.at(i + 3 * W), b.at(i + 3 * W));
        store<T>(y + i, p);
        store<T>(y + i + W, q);
        store<T>(y + i + 2 * W, r);
        store<T>(y + i + 3 * W, s);
    }
    for (; i + W <= count; i += W) store<T>(y + i, f(a.at(i), b.at(i)));
    if (i < count) {
        const int rest = static_cast<int>(count - i);
        store_part<T>(y + i, f(a.part(i, rest), b.part(i, rest)), rest);
    }
}

// loop(a, b) with the form told at run time: which operand, if any, is a single value.
template <class T, class Loop>
LAMPAS_INLINE void by_form(const T* a, const T* b, bool one_a, bool one_b, Loop loop) {
    if (one_a && one_b) {
        loop(One<T>{all(*a)}, One<T>{all(*b)});
    } else if (one_a) {
        loop(One<T>{all(*a)}, Many<T>{b});
    } else if (one_b) {
        loop(Many<T>{a}, One<T>{all(*b)});
    } else {
        loop(Many<T>{a}, Many<T>{b});
    }
}
template <class T, class F>
LAMPAS_INLINE void map2(const T* a, const T* b, T* y, long count, bool one_a, bool one_b, F f) {
    by_form(a, b, one_a, one_b, [&](auto p, auto q) { map2<T>(p, q, y, count, f); });
}

// y[i] = f(a[i], b[i], c[i]). Of an operand that is `one`, a vector of its value is read
// again and again: eight loops, one for each form, would be no faster.
template <class T, class F>
LAMPAS_INLINE void map3(const char* const* from, const bool* one, T* y, long count, F f) {
    constexpr long W = lanes<T>;
    T same[3][W];
    const T* at[3];
    long step[3];
    for (int o = 0; o < 3; ++o) {
        at[o] = reinterpret_cast<const T*>(from[o]);
        step[o] = one[o] ? 0 : W;
        if (!one[o]) continue;
        store<T>(same[o], all(*at[o]));
        at[o] = same[o];
    }
    const T *a = at[0], *b = at[1], *c = at[2];
    long i = 0;
    for (; i + W <= count; i += W) {
        store<T>(y + i, f(load(a), load(b), load(c)));
        a += step[0], b += step[1], c += step[2];
    }
    if (i < count) {
        const int rest = static_cast<int>(count - i);
        store_part<T>(y + i, f(load_part(a, rest), load_part(b, rest), load_part(c, rest)), rest);
    }
}

}  // namespace lampas::LAMPAS_PATH
