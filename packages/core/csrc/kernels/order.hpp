#pragma once

#include <cstdint>

#include "runtime/paths.hpp"

namespace lampas {

// One line of elements, `step` apart, and which ranks of it are wanted: [first, last).
// Ranks are of the stable order, in which NaN is the largest.
struct Line {
    const void* x;
    long step, count;
    bool descending;
    long first, last;
};

// Writes the elements of these ranks and their places, both `step` apart. Scratch has
// `ITEM` bytes for each element.
using Order = void (*)(const Line& line, void* values, std::int64_t* places, long step,
                       void* scratch);

struct OrderKernels {
    Order f32, f64, i64;
};
LAMPAS_FAMILY(OrderKernels, orderer)

constexpr long ITEM = 32;
constexpr long LONGEST_LINE = 4294967295;

}  // namespace lampas
