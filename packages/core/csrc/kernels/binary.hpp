#pragma once

#include "runtime/paths.hpp"

namespace lampas {

// Those that give elements of the operands' type, and those that give bool.
enum class Binary : int { add, sub, mul, div, maximum, minimum };
enum class Comparison : int { eq, ne, lt, le, gt, ge };

// y[i] = a[i] op b[i]; of an operand that is `one`, the first element counts for all.
using BinaryLoop = void (*)(const void* a, const void* b, void* y, long count, bool one_a,
                            bool one_b);

struct BinaryKernels {
    BinaryLoop f32[6], f64[6];
    BinaryLoop past_f32[6];  // past the caches, as fill_past (past.hpp) takes its arrays
    BinaryLoop compare_f32[6], compare_f64[6], compare_i64[6];
    // y[i] = condition[i] ? a[i] : b[i], by the size of the elements
    void (*choose4)(const void* condition, const void* a, const void* b, void* y, long count,
                    bool one_a, bool one_b);
    void (*choose8)(const void* condition, const void* a, const void* b, void* y, long count,
                    bool one_a, bool one_b);
};
LAMPAS_FAMILY(BinaryKernels, binary)

}  // namespace lampas
