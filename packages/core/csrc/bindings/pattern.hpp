// Reductions of contiguous arrays: how reduced and kept dimensions alternate, and folds.
#pragma once

#include "bindings/layout.hpp"
#include "kernels/reduce.hpp"
#include "runtime/kernel.hpp"

namespace lampas {

// A contiguous array as (A, B, C, D), of which B and D are reduced; any may be 1.
struct Pattern {
    PyArrayObject* x = nullptr;
    Type type = Type::other;
    long a = 1, b = 1, c = 1, d = 1;
    int ndim = 0;
    bool reduced[MOST_DIMS] = {};

    // False where the dimensions alternate more often or the array is not served.
    bool read(PyArrayObject* array, const long* dims, int count);

    long outputs() const { return a * c; }
    long folded() const { return b * d; }
    // The shape of the result; returns how many dimensions it has.
    int shape(bool keep, npy_intp* result) const;
};

// Fold x to one double for each output; centers, of x's type, are for Fold::square.
// False without memory. To be called without the interpreter's lock where it is worth it.
bool fold(const Pattern& pattern, Fold how, const void* centers, double* result);

inline bool worth_unlocking(const Pattern& pattern) {
    return pattern.outputs() * pattern.folded() > LIGHT;
}

}  // namespace lampas
