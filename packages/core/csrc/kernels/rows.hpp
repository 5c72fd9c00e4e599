#pragma once

#include <cstdint>

#include "runtime/paths.hpp"

namespace lampas {

// Which rows' losses count, and for how much: see ops/cross_entropy.py. A factor that is
// the same for all rows has a step of 0.
template <class T>
struct EntropyTerms {
    const std::int64_t* target;
    const unsigned char* valid;  // nullptr: all count
    const T *total, *peak;
    long total_step, peak_step;
};

template <class T>
using RowLoop = void (*)(const T* x, T* y, long first, long last, long size);
// Of a cotangent that is `one`, the first element counts for all.
template <class T>
using RowSlope = void (*)(const T* g, const T* y, T* dx, long first, long last, long size,
                          bool one);

// On rows [first, last) of `size` elements.
template <class T>
struct RowsOf {
    RowLoop<T> softmax, log_softmax;
    RowLoop<T> logsumexp;  // one number for each row
    RowSlope<T> softmax_backward, log_softmax_backward;
    void (*cross_entropy)(const T* x, const EntropyTerms<T>& terms, T* loss, T* lse, long first,
                          long last, long size);
    void (*cross_entropy_backward)(const T* g, long g_step, const T* x, const T* lse,
                                   const EntropyTerms<T>& terms, T* dx, long first, long last,
                                   long size);
};

struct RowKernels {
    RowsOf<float> f32;
    RowsOf<double> f64;
};
LAMPAS_FAMILY(RowKernels, rows)

template <class T> inline const RowsOf<T>& rows_of();
template <> inline const RowsOf<float>& rows_of<float>() { return rows().f32; }
template <> inline const RowsOf<double>& rows_of<double>() { return rows().f64; }

}  // namespace lampas
