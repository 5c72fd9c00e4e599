#include "kernels/exponential.hpp"

#include "kernels/math.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

void exp_of(const float* x, float* y, long count) {
    long i = 0;
    for (; i + LANES <= count; i += LANES) store(y + i, exp(load(x + i)));
    if (i < count) {
        const int rest = static_cast<int>(count - i);
        store_part(y + i, exp(load_part(x + i, rest)), rest);
    }
}

}  // namespace
}  // namespace LAMPAS_PATH

const ExponentialKernels LAMPAS_PATH_OF(exponential) = {LAMPAS_PATH::exp_of};

}  // namespace lampas
