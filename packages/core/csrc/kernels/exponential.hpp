#pragma once

#include "runtime/paths.hpp"

namespace lampas {

struct ExponentialKernels {
    void (*exp)(const float* x, float* y, long count);
};
LAMPAS_FAMILY(ExponentialKernels, exponential)

}  // namespace lampas
