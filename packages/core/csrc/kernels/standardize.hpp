#pragma once

#include "runtime/paths.hpp"

namespace lampas {

// Elements that are brought to mean 0 and mean square 1 together: `parts` runs of `run`
// elements, the parts of one group `groups` runs apart. In each group, runs of
// `weight_run` elements share one weight of the `weights` that a group has; the weights
// of group i are those of i % weight_groups.
struct Groups {
    long groups, parts, run;
    long weight_groups, weights, weight_run;
    bool center;
    double eps;  // for floats, one that a float holds

    long size() const { return parts * run; }
    long all_weights() const { return weight_groups * weights; }
    long run_at(long group, long part) const { return (part * groups + group) * run; }
};

template <class T>
struct StandardizeOf {
    // weight and bias may be nullptr.
    void (*forward)(const Groups& how, const T* x, const T* weight, const T* bias, T* y, T* mean,
                    T* scale, long first, long last);
    // sums is added to, and has the gradients of weight and bias; it and weight may be
    // nullptr. Of a cotangent that is `one`, the first element counts for all.
    void (*backward)(const Groups& how, const T* g, bool one, const T* x, const T* weight,
                     const T* mean, const T* scale, T* dx, double* sums, long first, long last);
};

// The rows of sums, each with a number for each of all weights: those of dweight, of dbias,
// and for doubles what rounding took from either.
template <class T> constexpr long SUM_ROWS = sizeof(T) == sizeof(double) ? 4 : 2;

struct StandardizeKernels {
    StandardizeOf<float> f32;
    StandardizeOf<double> f64;
};
LAMPAS_FAMILY(StandardizeKernels, standardizer)

template <class T> inline const StandardizeOf<T>& standardizer_of();
template <> inline const StandardizeOf<float>& standardizer_of<float>() {
    return standardizer().f32;
}
template <> inline const StandardizeOf<double>& standardizer_of<double>() {
    return standardizer().f64;
}

}  // namespace lampas
