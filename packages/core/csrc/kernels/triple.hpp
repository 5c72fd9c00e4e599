#pragma once

#include "runtime/paths.hpp"

namespace lampas {

// Functions of three operands, the last of which some leave alone, and of numbers.
#define LAMPAS_TRIPLE(X) \
    X(clamp_between) X(lerp) X(addcmul) X(addcdiv) X(prelu) X(prelu_backward) X(huber) \
    X(huber_backward)

#define LAMPAS_TRIPLE_NAME(name) name,
enum class Triple : int { LAMPAS_TRIPLE(LAMPAS_TRIPLE_NAME) count };

// Of an operand that is `one`, the first element counts for all.
using TripleLoop = void (*)(const char* const* from, void* y, long count, const bool* one,
                            const double* numbers);

struct TripleKernels {
    TripleLoop f32[static_cast<int>(Triple::count)], f64[static_cast<int>(Triple::count)];
};
LAMPAS_FAMILY(TripleKernels, triple)

}  // namespace lampas
