// What is done to gradients and to averages of parameters between passes and steps.
#pragma once

#include "runtime/paths.hpp"

namespace lampas {

template <class T>
struct GradientLoops {
    double (*squares)(const T* x, long count);         // the sum of squares, in double
    double (*sizes)(const T* x, long count);           // the sum of absolute values
    double (*largest)(const T* x, long count);         // absolute value; NaN if one is
    void (*scale)(T* x, long count, double factor);    // x *= factor
    bool (*unscale)(T* x, long count, double factor);  // the same; whether all are finite
    void (*clamp)(T* x, long count, double limit);     // into [-limit, limit]; NaN stays
    void (*add)(T* x, const T* more, long count);      // x += more
    void (*mix)(T* x, const T* other, long count, double weight);  // x += weight (other - x)
};

struct GradientKernels {
    GradientLoops<float> f32;
    GradientLoops<double> f64;
};
LAMPAS_FAMILY(GradientKernels, gradients)

template <class T> inline const GradientLoops<T>& gradients_of();
template <> inline const GradientLoops<float>& gradients_of<float>() { return gradients().f32; }
template <> inline const GradientLoops<double>& gradients_of<double>() { return gradients().f64; }

}  // namespace lampas
