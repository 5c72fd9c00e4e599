#pragma once

#include <cstdint>

#include "runtime/paths.hpp"

namespace lampas {

// What elements are folded to; `square` is of their distances from a center, the next four
// are of their sizes, and `known` is the sum of what is not NaN.
enum class Fold : int { sum, square, max, min, product, size, most, least, cube, known };
constexpr int FOLD_COUNT = 10;

// A fold to numbers of type A.
template <class A> struct FoldOf {
    // Of one run of elements.
    A (*run)(const void* x, long count, double center);
    // Of each column of `rows` rows of `columns` elements, `pitch` apart, into result[c],
    // which holds what came before. Centers are of the elements' type.
    void (*columns)(const void* x, long rows, long columns, long pitch, const void* center,
                    A* result);
};
// The largest or smallest element of a run and where it is first; NaN goes before all.
using RunPosition = void (*)(const void* x, long count, double* value, std::int64_t* position);
// The same for each column.
using ColumnPosition = void (*)(const void* x, long rows, long columns, long pitch, void* value,
                                std::int64_t* position);

struct ReduceKernels {
    FoldOf<double> f32[FOLD_COUNT], f64[FOLD_COUNT];
    RunPosition top_run_f32[2], top_run_f64[2];  // max, min
    ColumnPosition top_columns_f32[2], top_columns_f64[2];
};
LAMPAS_FAMILY(ReduceKernels, reducer)

}  // namespace lampas
