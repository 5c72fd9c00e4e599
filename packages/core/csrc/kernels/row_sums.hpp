#pragma once

#include <cstdint>

#include "runtime/paths.hpp"

namespace lampas {

// to = the sum of the rows of `from` with these numbers, of `size` elements each; zeros where
// there are none. One row is copied, floats are added up in double.
template <class T>
using SumRows = void (*)(const T* from, const std::int64_t* numbers, long count, long size, T* to);

struct RowSumKernels {
    SumRows<float> f32;
    SumRows<double> f64;
};
LAMPAS_FAMILY(RowSumKernels, row_sums)

template <class T> inline SumRows<T> sum_rows();
template <> inline SumRows<float> sum_rows() { return row_sums().f32; }
template <> inline SumRows<double> sum_rows() { return row_sums().f64; }

}  // namespace lampas
