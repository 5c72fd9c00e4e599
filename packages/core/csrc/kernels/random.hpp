// Random numbers from Philox4x64-10. Block i of a stream is the cipher of counter i under
// its key: four words of 64 bits, or eight halves of them, the low half first.
#pragma once

#include <cstdint>

#include "runtime/paths.hpp"

namespace lampas {

struct Stream {
    std::uint64_t key[2];
    std::uint64_t block;  // the first to draw from
};

// Each draws `count` numbers from the stream's first block on.
struct RandomKernels {
    void (*words)(const Stream& from, std::uint64_t* y, long count);
    // A half for each: (half >> (32 - bits)) 2^-bits
    void (*uniform32)(const Stream& from, float* y, long count, int bits);
    // A word for each: (word >> 11) 2^-53
    void (*uniform64)(const Stream& from, double* y, long count);
    // Box and Muller's pairs: a half, or a word, for each; `count` is even.
    void (*normal32)(const Stream& from, float* y, long count);
    void (*normal64)(const Stream& from, double* y, long count);
    // A half for each: whether half < limit, which is at most 2^32
    void (*below)(const Stream& from, bool* y, long count, std::uint64_t limit);
    // A word for each: low + floor(word span / 2^64); a span of 0 stands for 2^64
    void (*integers)(const Stream& from, std::uint64_t* y, long count, std::uint64_t low,
                     std::uint64_t span);
    // y[i] = x[i] keep[i] scale; if `one`, the first of `keep` counts for all
    void (*drop)(const float* x, const bool* keep, float* y, long count, float scale, bool one);
};
LAMPAS_FAMILY(RandomKernels, random_numbers)

}  // namespace lampas
