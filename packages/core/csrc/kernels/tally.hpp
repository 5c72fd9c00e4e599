#pragma once

#include <cstdint>

#include "kernels/reduce.hpp"

namespace lampas {

// Folds to 64-bit integers: of integers, and counts of what is zero or not. `nonzero` counts;
// `has` and `lacks` are 0 only where nothing is, or nothing isn't, different from zero.
enum class Tally : int { sum, product, max, min, nonzero, has, lacks };
constexpr int TALLY_COUNT = 7;

using TallyFold = FoldOf<std::int64_t>;

// Of one type of elements; those that are not served are nullptr.
struct TalliesOf {
    TallyFold folds[TALLY_COUNT];
};

struct TallyKernels {
    TalliesOf i64, i32, u8, f32, f64;
};
LAMPAS_FAMILY(TallyKernels, tallies)

}  // namespace lampas
