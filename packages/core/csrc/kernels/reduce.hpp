#pragma once

#include <cstdint>

#include "runtime/paths.hpp"

namespace lampas {

// What elements are folded to; `square` is of their distances from a center.
enum class Fold : int { sum, square, max, min, product };
constexpr int FOLD_COUNT = 5;

// The fold of one run of elements.
using RunFold = double (*)(const void* x, long count, double center);
// Fold each column of `rows` rows of `columns` elements, `pitch` apart, into result[c],
// which holds what came before. Centers are of the elements' type.
using ColumnFold = void (*)(const void* x, long rows, long columns, long pitch,
                            const void* center, double* result);
// The largest or smallest element of a run and where it is first; NaN goes before all.
using RunPosition = void (*)(const void* x, long count, double* value, std::int64_t* position);
// The same for each column.
using ColumnPosition = void (*)(const void* x, long rows, long columns, long pitch, void* value,
                                std::int64_t* position);

struct ReduceKernels {
    RunFold run_f32[FOLD_COUNT], run_f64[FOLD_COUNT];
    ColumnFold columns_f32[FOLD_COUNT], columns_f64[FOLD_COUNT];
    RunPosition top_run_f32[2], top_run_f64[2];  // max, min
    ColumnPosition top_columns_f32[2], top_columns_f64[2];
};
LAMPAS_FAMILY(ReduceKernels, reducer)

}  // namespace lampas
