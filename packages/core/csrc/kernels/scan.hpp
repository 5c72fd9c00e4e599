#pragma once

#include "runtime/paths.hpp"

namespace lampas {

// y[i] = x[0] + ... + x[i], along a run or down columns; backwards from the end if
// `reverse`. Elements are added in double.
struct ScanKernels {
    void (*run_f32)(const float* x, float* y, long count, bool reverse);
    void (*columns_f32)(const float* x, float* y, long rows, long columns, long pitch,
                        bool reverse);
};
LAMPAS_FAMILY(ScanKernels, scanner)

}  // namespace lampas
