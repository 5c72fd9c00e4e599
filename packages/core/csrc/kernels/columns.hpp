#pragma once

#include "runtime/paths.hpp"

namespace lampas {

// Softmax and its relatives down columns: `rows` rows of `columns` floats, `pitch` apart.
using ColumnLoop = void (*)(const float* x, float* y, long rows, long columns, long pitch);
// Their gradients; where `one`, the first element of g counts for all.
using ColumnSlope = void (*)(const float* g, const float* y, float* dx, long rows, long columns,
                             long pitch, bool one);

struct ColumnKernels {
    ColumnLoop softmax, log_softmax;
    ColumnLoop logsumexp;  // one row of results
    ColumnSlope softmax_backward, log_softmax_backward;
};
LAMPAS_FAMILY(ColumnKernels, column_wise)

constexpr long WIDEST_COLUMNS = 64;  // of one call

}  // namespace lampas
