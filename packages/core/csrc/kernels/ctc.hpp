#pragma once

#include <cstdint>

#include "runtime/paths.hpp"

namespace lampas {

// One sequence of a batch: x[t * step + c] is the log-probability of class c at time t.
template <class T>
struct CtcSequence {
    const T* x;
    long step, times, alive, classes;
    const std::int64_t* label;  // of each state
    long states, last, blank;   // the last state in which a path may end
};

template <class T>
struct CtcLoops {
    // Doubles of memory that the others need.
    long (*room)(long states);
    // The loss, infinite where no path ends in time; begun[t * step + s] is the
    // log-likelihood of the beginnings of paths up to state s at time t. False where a
    // number is none or infinite: the reference says what comes of it.
    bool (*forward)(const CtcSequence<T>& sequence, T* begun, long step, double* work, T* loss);
    // dx[t * sequence.step + c] = g * (the probability of class c less that of paths that
    // are in it); `lost` where no path ends in time.
    bool (*backward)(const CtcSequence<T>& sequence, const T* begun, long step, T g, T lost,
                     double* work, T* dx);
};

struct CtcKernels {
    CtcLoops<float> f32;
    CtcLoops<double> f64;
};
LAMPAS_FAMILY(CtcKernels, ctc)

}  // namespace lampas
