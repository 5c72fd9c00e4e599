// Steps of optimizers over a stretch of one parameter.
#pragma once

#include "runtime/paths.hpp"

namespace lampas {

// What every step has: what the gradient is multiplied by (-1 to go up), the weight decay
// that is added to it, and what a decoupled one multiplies the parameter by.
struct Slope {
    float sign, decay, shrink;
};

// A running mean: what there is keeps `old`, what comes adds `rest`, 1 - old before it is
// rounded.
struct Mean {
    float old, rest;
};

struct AdamFactors {
    Slope slope;
    Mean mean, square;
    float eps;
    float scale;  // 1 / sqrt(1 - beta2 ** t)
    float size;   // lr / (1 - beta1 ** t)
};

struct SgdFactors {
    Slope slope;
    float lr, momentum, undamped;  // undamped: 1 - dampening
    bool nesterov;
};

struct RmsFactors {
    Slope slope;
    Mean square;
    float eps, lr, momentum;
};

struct AdagradFactors {
    Slope slope;
    float eps, lr;
};

struct AdadeltaFactors {
    Slope slope;
    Mean square;
    float eps, lr;
};

struct AdamaxFactors {
    Slope slope;
    Mean mean;
    float beta2, eps, size;  // size: lr / (1 - beta1 ** t)
};

struct NadamFactors {
    Slope slope;
    Mean mean, square;
    float eps, correction;        // 1 - beta2 ** t
    float of_gradient, of_mean;  // the rate of each
};

struct RadamFactors {
    Slope slope;
    Mean mean, square;
    float eps, plain, rectified;  // rectified: 0 where the step is not divided
};

struct RpropFactors {
    float sign, shrink, grow, smallest, largest;
};

struct AsgdFactors {
    Slope slope;
    float eta, mu;
};

// a: where the stretch begins in the parameter, in its gradient, and in the tensors of its
// state, in the order in which they are named below.
template <class Factors>
using StepOf = void (*)(float* const* a, long count, const Factors& factors);

struct OptimizeKernels {
    StepOf<AdamFactors> adam, amsgrad;    // mean, square; and the largest square
    StepOf<SgdFactors> sgd, heavy_sgd;    // none; velocity
    // square; and velocity; and mean; all, the mean last
    StepOf<RmsFactors> rms, heavy_rms, centered_rms, heavy_centered_rms;
    StepOf<AdagradFactors> adagrad;       // sum
    StepOf<AdadeltaFactors> adadelta;     // square, changes
    StepOf<AdamaxFactors> adamax;         // mean, largest
    StepOf<NadamFactors> nadam;           // mean, square
    StepOf<RadamFactors> radam;           // mean, square
    StepOf<RpropFactors> rprop;           // the gradient before, size
    StepOf<AsgdFactors> asgd;             // average
};
LAMPAS_FAMILY(OptimizeKernels, optimize)

}  // namespace lampas
