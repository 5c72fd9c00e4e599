#include "kernels/optimize.hpp"

#include "kernels/simd.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

// `amsgrad` and `decays` are known when it is compiled: the loops have no branches.
template <bool decays, bool amsgrad>
void adam_of(float* __restrict p, const float* __restrict g, float* __restrict mean,
             float* __restrict square, float* __restrict largest, long count,
             const AdamFactors& f) {
    const AdamFactors k = f;
    for (long i = 0; i < count; ++i) {
        const float before = p[i];
        const float slope = decays ? g[i] + before * k.decay : g[i];
        const float m = mean[i] * k.beta1 + slope * k.rest1;
        const float v = square[i] * k.beta2 + slope * slope * k.rest2;
        mean[i] = m;
        square[i] = v;
        float most = v;
        if (amsgrad) {
            const float old = largest[i];
            most = old > v || old != old ? old : v;
            largest[i] = most;
        }
        const float root = __builtin_sqrtf(most) * k.scale + k.eps;
        p[i] = before * k.shrink - m / root * k.size;
    }
}

void adam(float* p, const float* g, float* mean, float* square, float* largest, long count,
          const AdamFactors& f) {
    if (largest != nullptr) {
        adam_of<true, true>(p, g, mean, square, largest, count, f);
    } else if (f.decay != 0.0f) {
        adam_of<true, false>(p, g, mean, square, nullptr, count, f);
    } else {
        adam_of<false, false>(p, g, mean, square, nullptr, count, f);
    }
}

void plain_sgd(float* __restrict p, const float* __restrict g, long count,
               const SgdFactors& f) {
    const float lr = f.lr, decay = f.decay;
    for (long i = 0; i < count; ++i) p[i] -= (g[i] + p[i] * decay) * lr;
}

template <bool nesterov>
void momentum_sgd(float* __restrict p, const float* __restrict g, float* __restrict velocity,
                  long count, const SgdFactors& f) {
    const SgdFactors k = f;
    for (long i = 0; i < count; ++i) {
        const float slope = g[i] + p[i] * k.decay;
        const float v = velocity[i] * k.momentum + slope * k.undamped;
        velocity[i] = v;
        p[i] -= (nesterov ? slope + v * k.momentum : v) * k.lr;
    }
}

void sgd(float* p, const float* g, float* velocity, long count, const SgdFactors& f) {
    if (velocity == nullptr) plain_sgd(p, g, count, f);
    else if (f.nesterov) momentum_sgd<true>(p, g, velocity, count, f);
    else momentum_sgd<false>(p, g, velocity, count, f);
}

}  // namespace
}  // namespace LAMPAS_PATH

const OptimizeKernels LAMPAS_PATH_OF(optimize) = {LAMPAS_PATH::adam, LAMPAS_PATH::sgd};

}  // namespace lampas
