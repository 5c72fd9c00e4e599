// Steps of optimizers over a stretch of one parameter.
#pragma once

#include "runtime/paths.hpp"

namespace lampas {

struct AdamFactors {
    float decay;       // weight decay that is added to the gradient
    float shrink;      // what a decoupled weight decay multiplies the parameter by
    float beta1, beta2;
    float rest1, rest2;  // 1 - beta, before it is rounded
    float eps;
    float scale;       // 1 / sqrt(1 - beta2 ** t)
    float size;        // lr / (1 - beta1 ** t)
};

struct SgdFactors {
    float lr, decay, momentum, undamped;  // undamped: 1 - dampening
    bool nesterov;
};

struct OptimizeKernels {
    // `largest` is nullptr but for amsgrad.
    void (*adam)(float* p, const float* g, float* mean, float* square, float* largest,
                 long count, const AdamFactors& f);
    // `velocity` is nullptr without momentum.
    void (*sgd)(float* p, const float* g, float* velocity, long count, const SgdFactors& f);
};
LAMPAS_FAMILY(OptimizeKernels, optimize)

}  // namespace lampas
