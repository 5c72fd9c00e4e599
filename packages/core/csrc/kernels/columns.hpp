#pragma once

#include "runtime/paths.hpp"

namespace lampas {

// Softmax and its relatives down columns: `rows` rows of `columns` elements, `pitch` apart.
template <class T>
using ColumnLoop = void (*)(const T* x, T* y, long rows, long columns, long pitch);
// Their gradients; where `one`, the first element of g counts for all.
template <class T>
using ColumnSlope = void (*)(const T* g, const T* y, T* dx, long rows, long columns, long pitch,
                             bool one);

template <class T>
struct ColumnsOf {
    ColumnLoop<T> softmax, log_softmax;
    ColumnLoop<T> logsumexp;  // one row of results
    ColumnSlope<T> softmax_backward, log_softmax_backward;
};

struct ColumnKernels {
    ColumnsOf<float> f32;
    ColumnsOf<double> f64;
};
LAMPAS_FAMILY(ColumnKernels, column_wise)

template <class T> inline const ColumnsOf<T>& columns_of();
template <> inline const ColumnsOf<float>& columns_of<float>() { return column_wise().f32; }
template <> inline const ColumnsOf<double>& columns_of<double>() { return column_wise().f64; }

constexpr long WIDEST_COLUMNS = 64;  // of one call

}  // namespace lampas
