#pragma once

#include "kernels/running.hpp"

namespace lampas {

// y[r] = log(exp(x[0]) + ... + exp(x[r])) down columns, without overflow; never reversed.
struct LogSumKernels {
    Running f32, f64;
};
LAMPAS_FAMILY(LogSumKernels, log_sums)

}  // namespace lampas
