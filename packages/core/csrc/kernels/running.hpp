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

// y[r] = x[r] + a[r] y[r - 1], or backwards x[r] + a[r + 1] y[r + 1].
using Recurrence = void (*)(const void* x, const void* a, void* y, long rows, long columns,
                            long pitch, bool reverse);

struct RunningKernels {
    Running sum_f64, sum_i64;
    Running product_f32, product_f64, product_i64;  // of floats in double
    Recurrence recur_f32, recur_f64;  // in double
    RunningTop top_f32[2], top_f64[2], top_i64[2];  // largest, smallest
};
LAMPAS_FAMILY(RunningKernels, running)

constexpr long RUNNING_COLUMNS = 256;  // at most in one call

}  // namespace lampas
