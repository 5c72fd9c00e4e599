// Reductions of contiguous arrays: how reduced and kept dimensions alternate, and folds.
#pragma once

#include "bindings/layout.hpp"
#include "kernels/tally.hpp"
#include "runtime/kernel.hpp"

namespace lampas {

// A contiguous array as (A, B, C, D), of which B and D are reduced; any may be 1.
struct Pattern {
    PyArrayObject* x = nullptr;
    Type type = Type::other;
    long a = 1, b = 1, c = 1, d = 1;
    int ndim = 0;
    bool reduced[MOST_DIMS] = {};

    // False where the dimensions alternate more often, or the array has gaps or is empty.
    bool read(PyArrayObject* array, const long* dims, int count);
    bool floats() const { return type == Type::f32 || type == Type::f64; }

    long outputs() const { return a * c; }
    long folded() const { return b * d; }
    // The shape of the result; returns how many dimensions it has.
    int shape(bool keep, npy_intp* result) const;
};

// Fold x to one double for each output; centers, of x's type, are for Fold::square.
// False without memory. To be called without the interpreter's lock where it is worth it.
bool fold(const Pattern& pattern, Fold how, const void* centers, double* result);

// Whether elements of this type are tallied so.
bool tallies_of(Type type, Tally how);
// The same to one integer for each output.
bool tally(const Pattern& pattern, Tally how, std::int64_t* result);

// x with dim=(...) or dim=i, and keepdim, among so many parameters.
bool read_reduction(const Arguments& arguments, int parameters, Pattern* pattern, bool* keep);

// One number for each output, on the stack if there are few.
template <class A>
class Results {
public:
    explicit Results(long count)
        : scratch_(count <= FEW ? 1 : static_cast<std::size_t>(count) * sizeof(A)),
          values_(count <= FEW ? few_ : scratch_.template as<A>()) {}
    A* get() { return values_; }  // nullptr where there is no memory

private:
    static constexpr long FEW = 64;
    A few_[FEW];
    Scratch scratch_;
    A* values_;
};

inline bool worth_unlocking(const Pattern& pattern) {
    return pattern.outputs() * pattern.folded() > LIGHT;
}

}  // namespace lampas
