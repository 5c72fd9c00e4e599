#pragma once

#include "runtime/paths.hpp"

namespace lampas {

// A matrix by what is not zero in it: row i has entries [starts[i], starts[i + 1]).
struct SparseRows {
    long rows, columns;
    const long* starts;
    const long* column;
    const double* weight;
};

template <class T>
struct ResampleLoops {
    // x is (lines, columns, inner) and y (lines, rows, inner): y's rows [first, last).
    void (*between)(const SparseRows& m, const T* x, T* y, long inner, long first, long last);
    // The same for inner = 1, lines [first, last); `work` has work_bytes(m) of the type.
    void (*last)(const SparseRows& m, const T* x, T* y, char* work, long first, long last);
};

struct ResampleKernels {
    ResampleLoops<float> f32;
    ResampleLoops<double> f64;
    long (*work_bytes)(const SparseRows& m);
};
LAMPAS_FAMILY(ResampleKernels, resampler)

}  // namespace lampas
