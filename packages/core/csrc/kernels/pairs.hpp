#pragma once

#include "kernels/binary.hpp"

namespace lampas {

// Functions of two floats beyond arithmetic.
#define LAMPAS_PAIRS(X) \
    X(atan2) X(hypot) X(fmod) X(remainder) X(div_floor) X(logaddexp) X(logaddexp2) X(pow) \
    X(xlogy) X(copysign) X(nextafter)

#define LAMPAS_PAIR_NAME(name) name,
enum class TwoOf : int { LAMPAS_PAIRS(LAMPAS_PAIR_NAME) count };

struct PairKernels {
    BinaryLoop f32[static_cast<int>(TwoOf::count)];
};
LAMPAS_FAMILY(PairKernels, pairs)

}  // namespace lampas
