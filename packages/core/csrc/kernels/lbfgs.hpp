// Passes of L-BFGS over its history: each adds a vector to the direction q, and measures
// the direction along the vector that the next pass is of.
#pragma once

#include "runtime/paths.hpp"

namespace lampas {

template <class T>
struct LbfgsLoops {
    // q = -g; the sum of next * q, as of the other two
    double (*begin)(T* q, const T* g, const T* next, long count);
    // q += x * by
    double (*step)(T* q, const T* x, T by, const T* next, long count);
    // q = (q + x * by) * scale; the next vector is x again
    double (*turn)(T* q, const T* x, T by, T scale, long count);
    void (*end)(T* q, const T* x, T by, long count);
    // y = g - before, s = d * length; sums of y s and of y y
    void (*pair)(const T* g, const T* before, const T* d, T length, T* y, T* s, long count,
                 double* sums);
};

struct LbfgsKernels {
    LbfgsLoops<float> f32;
    LbfgsLoops<double> f64;
};
LAMPAS_FAMILY(LbfgsKernels, lbfgs)

template <class T> inline const LbfgsLoops<T>& lbfgs_of();
template <> inline const LbfgsLoops<float>& lbfgs_of() { return lbfgs().f32; }
template <> inline const LbfgsLoops<double>& lbfgs_of() { return lbfgs().f64; }

}  // namespace lampas
