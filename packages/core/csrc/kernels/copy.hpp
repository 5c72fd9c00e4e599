#pragma once

#include <cstdint>

#include "runtime/paths.hpp"

namespace lampas {

// to[c * to_pitch + r] = from[r * from_pitch + c], for elements of 4 and of 8 bytes
using Turn = void (*)(const void* from, long from_pitch, void* to, long to_pitch, long rows,
                      long columns);
using Convert = void (*)(const void* from, void* to, long count);

// The types that are converted into each other, in this order.
enum class Number : int { f32, f64, i64, i32, u8, boolean, bf16, f16 };
constexpr int NUMBERS = 8;

// What is written past the caches is written in lines; long loops read and write so many
// pages in turn, each of which memory serves from another place.
constexpr long LINE_BYTES = 64, PAGE_BYTES = 4096, TURNS = 4;

struct CopyKernels {
    Turn turn4, turn8;
    Convert convert[NUMBERS][NUMBERS];  // [from][to]; nullptr: left to the reference
    // Copy past the caches. Others see what is written after settle_streams (layout.hpp).
    void (*stream)(const char* from, char* to, long bytes);
    // to[i * times + k] = what lies i * step bytes on, for elements of 1, 2, 4 and 8 bytes
    void (*spread[4])(const char* from, long step, char* to, long count, long times);
};
LAMPAS_FAMILY(CopyKernels, copier)

}  // namespace lampas
