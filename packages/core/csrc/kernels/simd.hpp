// Vectors of a path's own width, by the compiler's vector extensions: +, *, <, ?: and
// conversions mean one instruction each, on every architecture.
//
// All of it lies in a namespace of the path, so that the linker merges nothing.
#pragma once

#include <cstdint>
#include <cstring>

#if !defined(LAMPAS_PATH)
#error "simd.hpp is for files in kernels/, which are compiled for a path"
#endif

namespace lampas::LAMPAS_PATH {

#if defined(__AVX512F__)
constexpr int BYTES = 64;
#elif defined(__AVX2__)
constexpr int BYTES = 32;
#else
constexpr int BYTES = 16;
#endif

#define LAMPAS_INLINE inline __attribute__((always_inline))

typedef float f32v __attribute__((vector_size(BYTES)));
typedef double f64v __attribute__((vector_size(BYTES)));
typedef std::int32_t i32v __attribute__((vector_size(BYTES)));
typedef std::int64_t i64v __attribute__((vector_size(BYTES)));
typedef std::uint32_t u32v __attribute__((vector_size(BYTES)));
typedef float half_f32v __attribute__((vector_size(BYTES / 2)));  // as many as f64v has

constexpr int LANES = BYTES / 4;  // of f32v

template <class T> struct vector_of;
template <> struct vector_of<float> { using type = f32v; };
template <> struct vector_of<double> { using type = f64v; };
template <> struct vector_of<std::int32_t> { using type = i32v; };
template <> struct vector_of<std::int64_t> { using type = i64v; };
template <class T> using vec = typename vector_of<T>::type;
template <class V> struct element_of;
template <> struct element_of<f32v> { using type = float; };
template <> struct element_of<f64v> { using type = double; };
template <> struct element_of<i32v> { using type = std::int32_t; };
template <> struct element_of<i64v> { using type = std::int64_t; };
template <class V> using element = typename element_of<V>::type;
template <class T> constexpr int lanes = BYTES / static_cast<int>(sizeof(T));

template <class T>
LAMPAS_INLINE vec<T> load(const T* from) {
    vec<T> v;
    std::memcpy(&v, from, BYTES);
    return v;
}

template <class T>
LAMPAS_INLINE void store(T* to, vec<T> v) {
    std::memcpy(to, &v, BYTES);
}

// Floats as doubles: in one instruction, where GCC's conversion takes the halves apart.
LAMPAS_INLINE f64v doubles_of(half_f32v v) {
#if defined(__AVX512F__) && !defined(__clang__)
    return __builtin_ia32_cvtps2pd512_mask(v, f64v{}, 0xff, 4);  // 4: in the current rounding
#elif defined(__AVX2__) && !defined(__clang__)
    return __builtin_ia32_cvtps2pd256(v);
#else
    return __builtin_convertvector(v, f64v);
#endif
}

// As many elements as a vector of doubles has, as doubles.
LAMPAS_INLINE f64v load_wide(const double* from) { return load(from); }
LAMPAS_INLINE f64v load_wide(const float* from) {
    half_f32v v;
    std::memcpy(&v, from, sizeof v);
    return doubles_of(v);
}
LAMPAS_INLINE void store_wide(double* to, f64v v) { store<double>(to, v); }
LAMPAS_INLINE void store_wide(float* to, f64v v) {
    const half_f32v narrow = __builtin_convertvector(v, half_f32v);
    std::memcpy(to, &narrow, sizeof narrow);
}

template <class To, class From>
LAMPAS_INLINE To bits_of(From v) {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    std::memcpy(&to, &v, sizeof v);
    return to;
}

// The first `count` lanes; the others are zero, or left alone.
#if defined(__AVX512F__)
constexpr bool PARTS_ARE_CHEAP = true;
// One instruction, where a copy of unknown length is a call and a wait for what it wrote.
template <class T>
LAMPAS_INLINE vec<T> load_between(const T* from, int first, int last) {
    const unsigned wanted = (1u << last) - (1u << first);
    if constexpr (sizeof(T) == 4) {
        return bits_of<vec<T>>(__builtin_ia32_loadups512_mask(
            reinterpret_cast<const float*>(from), f32v{}, static_cast<unsigned short>(wanted)));
    } else {
        return bits_of<vec<T>>(__builtin_ia32_loadupd512_mask(
            reinterpret_cast<const double*>(from), f64v{}, static_cast<unsigned char>(wanted)));
    }
}
template <class T>
LAMPAS_INLINE vec<T> load_part(const T* from, int count) {
    return load_between(from, 0, count);
}
template <class T>
LAMPAS_INLINE void store_part(T* to, vec<T> v, int count) {
    const unsigned wanted = (1u << count) - 1;
    if constexpr (sizeof(T) == 4) {
        __builtin_ia32_storeups512_mask(reinterpret_cast<float*>(to), bits_of<f32v>(v),
                                        static_cast<unsigned short>(wanted));
    } else {
        __builtin_ia32_storeupd512_mask(reinterpret_cast<double*>(to), bits_of<f64v>(v),
                                        static_cast<unsigned char>(wanted));
    }
}
#else
constexpr bool PARTS_ARE_CHEAP = false;
#if defined(__AVX2__)
// One instruction, where a copy of unknown length is a call and a wait for what it wrote.
template <class T>
LAMPAS_INLINE vec<T> load_part(const T* from, int count) {
    typedef long long words __attribute__((vector_size(BYTES)));
    if constexpr (sizeof(T) == 4) {
        const i32v wanted = i32v{0, 1, 2, 3, 4, 5, 6, 7} < count;
        return bits_of<vec<T>>(
            __builtin_ia32_maskloadps256(reinterpret_cast<const f32v*>(from), wanted));
    } else {
        const i64v wanted = i64v{0, 1, 2, 3} < static_cast<std::int64_t>(count);
        return bits_of<vec<T>>(__builtin_ia32_maskloadpd256(
            reinterpret_cast<const f64v*>(from), bits_of<words>(wanted)));
    }
}
#else
template <class T>
LAMPAS_INLINE vec<T> load_part(const T* from, int count) {
    vec<T> v = {};
    std::memcpy(&v, from, static_cast<std::size_t>(count) * sizeof(T));
    return v;
}
#endif

template <class T>
LAMPAS_INLINE void store_part(T* to, vec<T> v, int count) {
    std::memcpy(to, &v, static_cast<std::size_t>(count) * sizeof(T));
}
#endif

template <class T>
LAMPAS_INLINE vec<T> all(T value) {
    return value - vec<T>{};  // minus zero keeps every value, -0.0 too
}

// As NumPy's maximum and minimum: NaN wherever one is.
LAMPAS_INLINE f32v maximum(f32v a, f32v b) { return (a > b) | (a != a) ? a : b; }
LAMPAS_INLINE f32v minimum(f32v a, f32v b) { return (a < b) | (a != a) ? a : b; }
LAMPAS_INLINE f64v maximum(f64v a, f64v b) { return (a > b) | (a != a) ? a : b; }
LAMPAS_INLINE f64v minimum(f64v a, f64v b) { return (a < b) | (a != a) ? a : b; }

// The second operand where one is NaN. One instruction each, for which the compiler takes
// a comparison and a choice.
#if defined(__AVX512F__)
LAMPAS_INLINE f32v larger(f32v a, f32v b) {
    return __builtin_ia32_maxps512_mask(a, b, a, static_cast<short>(-1), 4);
}
LAMPAS_INLINE f32v smaller(f32v a, f32v b) {
    return __builtin_ia32_minps512_mask(a, b, a, static_cast<short>(-1), 4);
}
LAMPAS_INLINE f64v larger(f64v a, f64v b) {
    return __builtin_ia32_maxpd512_mask(a, b, a, static_cast<char>(-1), 4);
}
LAMPAS_INLINE f64v smaller(f64v a, f64v b) {
    return __builtin_ia32_minpd512_mask(a, b, a, static_cast<char>(-1), 4);
}
#elif defined(__AVX2__)
LAMPAS_INLINE f32v larger(f32v a, f32v b) { return __builtin_ia32_maxps256(a, b); }
LAMPAS_INLINE f32v smaller(f32v a, f32v b) { return __builtin_ia32_minps256(a, b); }
LAMPAS_INLINE f64v larger(f64v a, f64v b) { return __builtin_ia32_maxpd256(a, b); }
LAMPAS_INLINE f64v smaller(f64v a, f64v b) { return __builtin_ia32_minpd256(a, b); }
#elif defined(__SSE2__)
LAMPAS_INLINE f32v larger(f32v a, f32v b) { return __builtin_ia32_maxps(a, b); }
LAMPAS_INLINE f32v smaller(f32v a, f32v b) { return __builtin_ia32_minps(a, b); }
LAMPAS_INLINE f64v larger(f64v a, f64v b) { return __builtin_ia32_maxpd(a, b); }
LAMPAS_INLINE f64v smaller(f64v a, f64v b) { return __builtin_ia32_minpd(a, b); }
#else
LAMPAS_INLINE f32v larger(f32v a, f32v b) { return a > b ? a : b; }
LAMPAS_INLINE f32v smaller(f32v a, f32v b) { return a < b ? a : b; }
LAMPAS_INLINE f64v larger(f64v a, f64v b) { return a > b ? a : b; }
LAMPAS_INLINE f64v smaller(f64v a, f64v b) { return a < b ? a : b; }
#endif

// Whether any lane of a comparison is set.
LAMPAS_INLINE bool any_of(i32v mask) {
#if defined(__AVX512F__)
    return __builtin_ia32_ptestmd512(mask, mask, static_cast<unsigned short>(-1)) != 0;
#elif defined(__AVX2__)
    return __builtin_ia32_movmskps256(bits_of<f32v>(mask)) != 0;
#elif defined(__SSE2__)
    return __builtin_ia32_movmskps(bits_of<f32v>(mask)) != 0;
#else
    std::int32_t lane[LANES], found = 0;
    std::memcpy(lane, &mask, sizeof mask);
    for (int i = 0; i < LANES; ++i) found |= lane[i];
    return found != 0;
#endif
}

// Lanes added up in a fixed tree.
template <class T>
LAMPAS_INLINE T sum_of(vec<T> v) {
    T part[lanes<T>];
    std::memcpy(part, &v, BYTES);
    for (int width = lanes<T> / 2; width > 0; width /= 2) {
        for (int i = 0; i < width; ++i) part[i] += part[i + width];
    }
    return part[0];
}

template <class T>
LAMPAS_INLINE T max_of(vec<T> v) {
    T part[lanes<T>];
    std::memcpy(part, &v, BYTES);
    T most = part[0];
    for (int i = 1; i < lanes<T>; ++i) {
        if (part[i] > most || part[i] != part[i]) most = part[i];
    }
    return most;
}

}  // namespace lampas::LAMPAS_PATH
