#pragma once

#include "kernels/standardize.hpp"
#include "runtime/paths.hpp"

namespace lampas {

constexpr long SHORT_RUN = 16;  // runs for which a factor is not loaded once for all

// Normalisation where each group has one weight, or none, and its elements lie in many
// runs. Those of forward and backward are short: groups [first, last) are columns of a
// matrix that has a row for each part. `work` has work_bytes(how, last - first).
struct ChannelKernels {
    // weight and bias may be nullptr.
    void (*forward)(const Groups& how, const float* x, const float* weight, const float* bias,
                    float* y, float* mean, float* scale, char* work, long first, long last);
    // Of a cotangent that is `one`, the first element counts for all. weight, dweight and
    // dbias may be nullptr.
    void (*backward)(const Groups& how, const float* g, bool one, const float* x,
                     const float* weight, const float* mean, const float* scale, float* dx,
                     float* dweight, float* dbias, char* work, long first, long last);
    long (*work_bytes)(const Groups& how, long groups);

    // y = x factor + shift in the runs [first, last); or in such parts, whose rows were
    // prepared in `rows`, where runs are shorter than SHORT_RUN. It has rows_bytes(how).
    void (*apply)(const Groups& how, const float* x, const float* factor, const float* shift,
                  float* y, const char* rows, long first, long last);
    void (*prepare)(const Groups& how, const float* factor, const float* shift, char* rows);
    long (*rows_bytes)(const Groups& how);
    // dx = g factor; sum = the sum of g, along = that of g (x - mean)
    void (*apply_backward)(const Groups& how, const float* g, bool one, const float* x,
                           const float* factor, const float* mean, float* dx, double* sum,
                           double* along, char* work, long first, long last);
};
LAMPAS_FAMILY(ChannelKernels, channels)

}  // namespace lampas
