// Steps of optimizers over a stretch of one parameter.
#pragma once

#include <cstdint>

#include "runtime/paths.hpp"

namespace lampas {

// What every step has: what the gradient is multiplied by (-1 to go up), the weight decay
// that is added to it, and what a decoupled one multiplies the parameter by.
template <class T>
struct Slope {
    T sign, decay, shrink;
};

// A running mean: what there is keeps `old`, what comes adds `rest`, 1 - old before it is
// rounded.
template <class T>
struct Mean {
    T old, rest;
};

template <class T>
struct AdamFactors {
    Slope<T> slope;
    Mean<T> mean, square;
    T eps;
    T scale;  // 1 / sqrt(1 - beta2 ** t)
    T size;   // lr / (1 - beta1 ** t)
};

template <class T>
struct SgdFactors {
    Slope<T> slope;
    T lr, momentum, undamped;  // undamped: 1 - dampening
    bool nesterov;
};

template <class T>
struct RmsFactors {
    Slope<T> slope;
    Mean<T> square;
    T eps, lr, momentum;
};

template <class T>
struct AdagradFactors {
    Slope<T> slope;
    T eps, lr;
};

template <class T>
struct AdadeltaFactors {
    Slope<T> slope;
    Mean<T> square;
    T eps, lr;
};

template <class T>
struct AdamaxFactors {
    Slope<T> slope;
    Mean<T> mean;
    T beta2, eps, size;  // size: lr / (1 - beta1 ** t)
};

template <class T>
struct NadamFactors {
    Slope<T> slope;
    Mean<T> mean, square;
    T eps, correction;       // 1 - beta2 ** t
    T of_gradient, of_mean;  // the rate of each
};

template <class T>
struct RadamFactors {
    Slope<T> slope;
    Mean<T> mean, square;
    T eps, plain, rectified;  // rectified: 0 where the step is not divided
};

// Sizes are multiplied by the same factor again and again: what it is rounded by adds up.
template <class T>
struct RpropFactors {
    double shrink, grow;
    T sign, smallest, largest;
};

template <class T>
struct AsgdFactors {
    Slope<T> slope;
    T eta, mu;
};

// Those of rows that a sparse gradient lists. What there is of a mean moves towards what
// comes by its part: 1 - beta before it is rounded.
template <class T>
struct SparseAdamFactors {
    T sign, mean, square, eps;
    T size;  // lr * sqrt(1 - beta2 ** t) / (1 - beta1 ** t)
};

// Rows of a table and of the tensors of its state, and the gradient's parts for those of
// them that stand at places; all rows of one width.
template <class T>
struct ListedRows {
    T *table, *mean, *square;
    const T* parts;
    const std::int64_t* places;
    long width;
};

// a: where the stretch begins in the parameter, in its gradient, and in the tensors of its
// state, in the order in which they are named below.
template <class T, class Factors>
using StepOf = void (*)(T* const* a, long count, const Factors& factors);

template <class T>
struct OptimizeLoops {
    StepOf<T, AdamFactors<T>> adam, amsgrad;  // mean, square; and the largest square
    StepOf<T, SgdFactors<T>> sgd, heavy_sgd;  // none; velocity
    // square; and velocity; and mean; all, the mean last
    StepOf<T, RmsFactors<T>> rms, heavy_rms, centered_rms, heavy_centered_rms;
    StepOf<T, AdagradFactors<T>> adagrad;     // sum
    StepOf<T, AdadeltaFactors<T>> adadelta;   // square, changes
    StepOf<T, AdamaxFactors<T>> adamax;       // mean, largest
    StepOf<T, NadamFactors<T>> nadam;         // mean, square
    StepOf<T, RadamFactors<T>> radam;         // mean, square
    StepOf<T, RpropFactors<T>> rprop;         // the gradient before, size
    StepOf<T, AsgdFactors<T>> asgd;           // average
    // The listed rows from `first` to `last`.
    void (*sparse_adam)(const ListedRows<T>& rows, long first, long last,
                        const SparseAdamFactors<T>& factors);
};

struct OptimizeKernels {
    OptimizeLoops<float> f32;
    OptimizeLoops<double> f64;
};
LAMPAS_FAMILY(OptimizeKernels, optimize)

}  // namespace lampas
