// Products with few rows: bound by the memory of the matrix, which is read once, in place.
#pragma once

#include "runtime/paths.hpp"

namespace lampas {

// C[i * row + j * column] = sum_p A[i, p] * B[j, p] (+ bias[j]), added to C with `add`;
// entries of one row of A and of one row of B lie side by side.
template <class T>
struct Dots {
    long m, n, k;
    const T* a;
    long a_row;
    const T* b;
    long b_row;
    T* c;
    long row, column;
    const T* bias;  // or nullptr
    bool add;
};

template <class T>
struct MatvecOf {
    void (*dots)(const Dots<T>& dots);
    // y[j] = sum_p weights[p * step] * rows[p * row + j], added to y with `add`.
    void (*combine)(const T* weights, long step, const T* rows, long row, long n, long k,
                    T* y, bool add);
};

struct MatvecKernels {
    MatvecOf<float> f32;
    MatvecOf<double> f64;
};
LAMPAS_FAMILY(MatvecKernels, matvec)

template <class T> inline const MatvecOf<T>& matvec_of();
template <> inline const MatvecOf<float>& matvec_of<float>() { return matvec().f32; }
template <> inline const MatvecOf<double>& matvec_of<double>() { return matvec().f64; }

}  // namespace lampas
