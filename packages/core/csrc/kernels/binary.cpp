#include "kernels/binary.hpp"

#include "kernels/past.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

struct Add { template <class V> static LAMPAS_INLINE V of(V a, V b) { return a + b; } };
struct Sub { template <class V> static LAMPAS_INLINE V of(V a, V b) { return a - b; } };
struct Mul { template <class V> static LAMPAS_INLINE V of(V a, V b) { return a * b; } };
struct Div { template <class V> static LAMPAS_INLINE V of(V a, V b) { return a / b; } };
struct Max { template <class V> static LAMPAS_INLINE V of(V a, V b) { return maximum(a, b); } };
struct Min { template <class V> static LAMPAS_INLINE V of(V a, V b) { return minimum(a, b); } };

template <class T, class Op>
void arithmetic(const void* a, const void* b, void* y, long count, bool one_a, bool one_b) {
    map2<T>(static_cast<const T*>(a), static_cast<const T*>(b), static_cast<T*>(y), count,
            one_a, one_b, [](vec<T> p, vec<T> q) { return Op::of(p, q); });
}

template <class Op>
void arithmetic_past(const void* a, const void* b, void* y, long count, bool one_a, bool one_b) {
    map2_past<float>(static_cast<const float*>(a), static_cast<const float*>(b),
                     static_cast<float*>(y), count, one_a, one_b,
                     [](f32v p, f32v q) { return Op::of(p, q); });
}

struct Eq { template <class T> static LAMPAS_INLINE bool of(T a, T b) { return a == b; } };
struct Ne { template <class T> static LAMPAS_INLINE bool of(T a, T b) { return a != b; } };
struct Lt { template <class T> static LAMPAS_INLINE bool of(T a, T b) { return a < b; } };
struct Le { template <class T> static LAMPAS_INLINE bool of(T a, T b) { return a <= b; } };
struct Gt { template <class T> static LAMPAS_INLINE bool of(T a, T b) { return a > b; } };
struct Ge { template <class T> static LAMPAS_INLINE bool of(T a, T b) { return a >= b; } };

template <class T, class Op>
void comparison(const void* from_a, const void* from_b, void* to, long count, bool one_a,
                bool one_b) {
    const T* __restrict a = static_cast<const T*>(from_a);
    const T* __restrict b = static_cast<const T*>(from_b);
    unsigned char* __restrict y = static_cast<unsigned char*>(to);
    if (one_a && one_b) {
        std::memset(y, Op::template of<T>(*a, *b), static_cast<std::size_t>(count));
    } else if (one_a) {
        const T value = *a;
        for (long i = 0; i < count; ++i) y[i] = Op::template of<T>(value, b[i]);
    } else if (one_b) {
        const T value = *b;
        for (long i = 0; i < count; ++i) y[i] = Op::template of<T>(a[i], value);
    } else {
        for (long i = 0; i < count; ++i) y[i] = Op::template of<T>(a[i], b[i]);
    }
}

template <class Word>
void choose(const void* which, const void* from_a, const void* from_b, void* to, long count,
            bool one_a, bool one_b) {
    const unsigned char* __restrict c = static_cast<const unsigned char*>(which);
    const Word* __restrict a = static_cast<const Word*>(from_a);
    const Word* __restrict b = static_cast<const Word*>(from_b);
    Word* __restrict y = static_cast<Word*>(to);
    const Word first = *a, second = *b;
    // Bits are masked: a branch would guess wrongly at each second element.
    if (one_a && one_b) {
        const Word both = first ^ second;
        for (long i = 0; i < count; ++i) y[i] = second ^ (both & -Word(c[i]));
    } else if (one_a) {
        for (long i = 0; i < count; ++i) y[i] = b[i] ^ ((first ^ b[i]) & -Word(c[i]));
    } else if (one_b) {
        for (long i = 0; i < count; ++i) y[i] = second ^ ((a[i] ^ second) & -Word(c[i]));
    } else {
        for (long i = 0; i < count; ++i) y[i] = b[i] ^ ((a[i] ^ b[i]) & -Word(c[i]));
    }
}

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

#define ARITHMETIC(T) \
    {arithmetic<T, Add>, arithmetic<T, Sub>, arithmetic<T, Mul>, \
     arithmetic<T, Div>, arithmetic<T, Max>, arithmetic<T, Min>}
#define COMPARISONS(T) \
    {comparison<T, Eq>, comparison<T, Ne>, comparison<T, Lt>, \
     comparison<T, Le>, comparison<T, Gt>, comparison<T, Ge>}

const BinaryKernels LAMPAS_PATH_OF(binary) = {
    ARITHMETIC(float),
    ARITHMETIC(double),
    {arithmetic_past<Add>, arithmetic_past<Sub>, arithmetic_past<Mul>, arithmetic_past<Div>,
     arithmetic_past<Max>, arithmetic_past<Min>},
    COMPARISONS(float),
    COMPARISONS(double),
    COMPARISONS(std::int64_t),
    choose<std::uint32_t>,
    choose<std::uint64_t>,
};

}  // namespace lampas
