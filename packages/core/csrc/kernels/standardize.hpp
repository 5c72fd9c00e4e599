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
    float eps;

    long size() const { return parts * run; }
    long run_at(long group, long part) const { return (part * groups + group) * run; }
};

struct StandardizeKernels {
    // weight and bias may be nullptr.
    void (*forward)(const Groups& how, const float* x, const float* weight, const float* bias,
                    float* y, float* mean, float* scale, long first, long last);
    // dweight and dbias are added to; all three may be nullptr. Of a cotangent that is
    // `one`, the first element counts for all.
    void (*backward)(const Groups& how, const float* g, bool one, const float* x,
                     const float* weight, const float* mean, const float* scale, float* dx,
                     double* dweight, double* dbias, long first, long last);
};
LAMPAS_FAMILY(StandardizeKernels, standardizer)

}  // namespace lampas
