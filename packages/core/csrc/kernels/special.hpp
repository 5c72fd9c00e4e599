#pragma once

#include "kernels/unary.hpp"

namespace lampas {

// Functions of one float that few programs spend their time in.
#define LAMPAS_SPECIAL(X) \
    X(asin) X(acos) X(atan) X(sinh) X(cosh) X(tan) X(asinh) X(acosh) X(atanh) X(exp2) X(log2) \
    X(log10) X(erfc) X(erfinv) X(ndtr) X(log_ndtr) X(ndtri) X(lgamma) X(digamma)

enum class Special : int { LAMPAS_SPECIAL(LAMPAS_NAME) count };

struct SpecialKernels {
    UnaryLoop f32[static_cast<int>(Special::count)];
    UnaryLoop power;  // to numbers[0]
};
LAMPAS_FAMILY(SpecialKernels, special)

}  // namespace lampas
