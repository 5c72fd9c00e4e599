#pragma once

#include <cstdint>

#include "runtime/paths.hpp"

namespace lampas {

// Which rows' losses count, and for how much: see ops/cross_entropy.py. A factor that is
// the same for all rows has a step of 0.
struct EntropyTerms {
    const std::int64_t* target;
    const unsigned char* valid;  // nullptr: all count
    const float *total, *peak;
    long total_step, peak_step;
};

// On rows [first, last) of `size` elements. Of a cotangent that is `one`, the first
// element counts for all.
struct RowKernels {
    void (*softmax)(const float* x, float* y, long first, long last, long size);
    void (*log_softmax)(const float* x, float* y, long first, long last, long size);
    void (*logsumexp)(const float* x, float* y, long first, long last, long size);
    void (*softmax_backward)(const float* g, const float* y, float* dx, long first, long last,
                             long size, bool one);
    void (*log_softmax_backward)(const float* g, const float* y, float* dx, long first, long last,
                                 long size, bool one);
    void (*cross_entropy)(const float* x, const EntropyTerms& terms, float* loss, float* lse,
                          long first, long last, long size);
    void (*cross_entropy_backward)(const float* g, long g_step, const float* x, const float* lse,
                                   const EntropyTerms& terms, float* dx, long first, long last,
                                   long size);
};
LAMPAS_FAMILY(RowKernels, rows)

}  // namespace lampas
