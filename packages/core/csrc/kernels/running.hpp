#pragma once

#include <cstdint>

#include "runtime/paths.hpp"

namespace lampas {

// Running totals down columns of rows that are `pitch` apart; a run is one column of rows
// that are 1 apart. Backwards from the end if `reverse`.
using Running = void (*)(const void* x, void* y, long rows, long columns, long pitch,
                         bool reverse);
// The largest or smallest element so far, of equal ones the last, and its row; a NaN stays.
using RunningTop = void (*)(const void* x, void* values, std::int64_t* places, long rows,
                            long columns, long pitch);

struct RunningKernels {
    Running sum_f64, sum_i64;
    Running product_f32, product_f64, product_i64;  // of floats in double
    RunningTop top_f32[2], top_f64[2], top_i64[2];  // largest, smallest
};
LAMPAS_FAMILY(RunningKernels, running)

constexpr long RUNNING_COLUMNS = 256;  // at most in one call

}  // namespace lampas
