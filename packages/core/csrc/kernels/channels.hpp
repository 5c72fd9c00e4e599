#pragma once

#include "kernels/standardize.hpp"
#include "runtime/paths.hpp"

namespace lampas {

constexpr long SHORT_RUN = 16;  // runs for which a factor is not loaded once for all

// Normalisation where each group has one weight, or none, and its elements lie in many
// runs. Those of forward and backward are short: groups [first, last) are columns of a
// matrix that has a row for each part. `work` has work_bytes(how, last - first).
template <class T>
struct ChannelsOf {
    // weight and bias may be nullptr.
    void (*forward)(const Groups& how, const T* x, const T* weight, const T* bias, T* y, T* mean,
                    T* scale, char* work, long first, long last);
    // Of a cotangent that is `one`, the first element counts for all. weight, dweight and
    // dbias may be nullptr.
    void (*backward)(const Groups& how, const T* g, bool one, const T* x, const T* weight,
                     const T* mean, const T* scale, T* dx, T* dweight, T* dbias, char* work,
                     long first, long last);
    long (*work_bytes)(const Groups& how, long groups);

    // y = x factor + shift in the runs [first, last); or in such parts, whose rows were
    // prepared in `rows`, where runs are shorter than SHORT_RUN. It has rows_bytes(how).
    void (*apply)(const Groups& how, const T* x, const T* factor, const T* shift, T* y,
                  const char* rows, long first, long last);
    void (*prepare)(const Groups& how, const T* factor, const T* shift, char* rows);
    long (*rows_bytes)(const Groups& how);
    // dx = g factor; sum = the sum of g, along = that of g (x - mean)
    void (*apply_backward)(const Groups& how, const T* g, bool one, const T* x, const T* factor,
                           const T* mean, T* dx, double* sum, double* along, char* work,
                           long first, long last);
};

struct ChannelKernels {
    ChannelsOf<float> f32;
    ChannelsOf<double> f64;
};
LAMPAS_FAMILY(ChannelKernels, channels)

template <class T> inline const ChannelsOf<T>& channels_of();
template <> inline const ChannelsOf<float>& channels_of<float>() { return channels().f32; }
template <> inline const ChannelsOf<double>& channels_of<double>() { return channels().f64; }

}  // namespace lampas
