#include "kernels/copy.hpp"

#include "kernels/past.hpp"
#include "kernels/transpose.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

template <class T>
void turn_block(const T* from, long from_pitch, T* to, long to_pitch) {
    vec<T> r[lanes<T>];
    for (int i = 0; i < lanes<T>; ++i) r[i] = load(from + i * from_pitch);
    transpose<T>(r);
    for (int i = 0; i < lanes<T>; ++i) store<T>(to + i * to_pitch, r[i]);
}

// Blocks of whole cache lines on both sides, so that none is fetched twice.
template <class T>
void turn(const void* source, long from_pitch, void* target, long to_pitch, long rows,
          long columns) {
    const T* from = static_cast<const T*>(source);
    T* to = static_cast<T*>(target);
    constexpr long W = lanes<T>, LINE = 64 / static_cast<long>(sizeof(T));
    const long whole_rows = rows / LINE * LINE, whole_columns = columns / LINE * LINE;
    for (long c = 0; c < whole_columns; c += LINE) {
        for (long r = 0; r < whole_rows; r += LINE) {
            for (long i = 0; i < LINE; i += W) {
                for (long j = 0; j < LINE; j += W) {
                    turn_block<T>(from + (r + j) * from_pitch + c + i, from_pitch,
                                  to + (c + i) * to_pitch + r + j, to_pitch);
                }
            }
        }
    }
    for (long c = 0; c < columns; ++c) {
        const long first = c < whole_columns ? whole_rows : 0;
        for (long r = first; r < rows; ++r) to[c * to_pitch + r] = from[r * from_pitch + c];
    }
}

struct Brain { std::uint16_t bits; };

template <class To, class From> LAMPAS_INLINE To converted(From v) { return static_cast<To>(v); }
LAMPAS_INLINE float of_brain(Brain v) {
    return __builtin_bit_cast(float, static_cast<std::uint32_t>(v.bits) << 16);
}
LAMPAS_INLINE Brain to_brain(float v) {
    const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, v);
    const std::uint32_t rounded = bits + 0x7fff + ((bits >> 16) & 1);
    const std::uint32_t lost = ((bits >> 16) & 0x8000) | 0x7fc0;
    return {static_cast<std::uint16_t>(v != v ? lost : rounded >> 16)};
}

template <class From, class To>
void convert(const void* source, void* target, long count) {
    const From* __restrict from = static_cast<const From*>(source);
    To* __restrict to = static_cast<To*>(target);
    for (long i = 0; i < count; ++i) to[i] = converted<To>(from[i]);
}
template <class From>
void convert_to_bool(const void* source, void* target, long count) {
    const From* __restrict from = static_cast<const From*>(source);
    unsigned char* __restrict to = static_cast<unsigned char*>(target);
    for (long i = 0; i < count; ++i) to[i] = from[i] != 0;
}
void from_brain(const void* source, void* target, long count) {
    const Brain* __restrict from = static_cast<const Brain*>(source);
    float* __restrict to = static_cast<float*>(target);
    for (long i = 0; i < count; ++i) to[i] = of_brain(from[i]);
}
void into_brain(const void* source, void* target, long count) {
    const float* __restrict from = static_cast<const float*>(source);
    Brain* __restrict to = static_cast<Brain*>(target);
    for (long i = 0; i < count; ++i) to[i] = to_brain(from[i]);
}

#if defined(__F16C__)
constexpr Convert FROM_HALF = convert<_Float16, float>, INTO_HALF = convert<float, _Float16>;
#elif defined(__ARM_FP16_FORMAT_IEEE)  // GCC 12 has no _Float16 in C++ there
constexpr Convert FROM_HALF = convert<__fp16, float>, INTO_HALF = convert<float, __fp16>;
#else
constexpr Convert FROM_HALF = nullptr, INTO_HALF = nullptr;
#endif

// Where a whole line is written in one go, it is not fetched from memory first.
void stream(const char* from, char* to, long bytes) {
    long i = 0;
#if defined(__SSE2__)
    if (reinterpret_cast<std::uintptr_t>(to) % BYTES == 0) {
        for (; i + BYTES <= bytes; i += BYTES) {
            store_past(reinterpret_cast<float*>(to + i),
                       load(reinterpret_cast<const float*>(from + i)));
        }
    }
#endif
    std::memcpy(to + i, from + i, static_cast<std::size_t>(bytes - i));
}

template <class Word>
void spread(const char* source, long step, char* target, long count, long times) {
    Word* __restrict to = reinterpret_cast<Word*>(target);
    const Word* __restrict from = reinterpret_cast<const Word*>(source);
    if (times == 1 && step == -static_cast<long>(sizeof(Word))) {
        for (long i = 0; i < count; ++i) to[i] = from[-i];
    } else if (times == 1) {
        for (long i = 0; i < count; ++i, source += step) std::memcpy(&to[i], source, sizeof(Word));
    } else if (times == 2 && step == sizeof(Word)) {
        for (long i = 0; i < count; ++i) to[2 * i] = to[2 * i + 1] = from[i];
    } else {
        for (long i = 0; i < count; ++i, source += step) {
            Word value;
            std::memcpy(&value, source, sizeof(Word));
            for (long k = 0; k < times; ++k) to[i * times + k] = value;
        }
    }
}

using u8 = unsigned char;
using i32 = std::int32_t;
using i64 = std::int64_t;

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

// To f32, f64, i64, i32 and u8, as C converts; bool is what differs from 0.
#define NUMBERS_FROM(T) \
    convert<T, float>, convert<T, double>, convert<T, i64>, convert<T, i32>, nullptr, \
        convert_to_bool<T>

const CopyKernels LAMPAS_PATH_OF(copier) = {
    turn<float>,
    turn<double>,
    {
        {NUMBERS_FROM(float), into_brain, INTO_HALF},
        {NUMBERS_FROM(double), nullptr, nullptr},
        {NUMBERS_FROM(i64), nullptr, nullptr},
        {NUMBERS_FROM(i32), nullptr, nullptr},
        {NUMBERS_FROM(u8), nullptr, nullptr},
        {NUMBERS_FROM(u8), nullptr, nullptr},
        {from_brain, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr},
        {FROM_HALF, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr},
    },
    stream,
    {spread<std::uint8_t>, spread<std::uint16_t>, spread<std::uint32_t>, spread<std::uint64_t>},
};

}  // namespace lampas
