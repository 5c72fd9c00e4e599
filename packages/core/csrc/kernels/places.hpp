#pragma once

#include <cstdint>

#include "runtime/paths.hpp"

namespace lampas {

// Rows and columns of places in an array that an index names; strides in elements. The
// place of (r, c) is index(r, c) * unit + r * at_row + c * at_column.
struct Plane {
    long rows = 1, columns = 1;
    long index_row = 0, index_column = 0;
    long at_row = 0, at_column = 0;
    long value_row = 0, value_column = 0;
    long unit = 0;
    long limit = 0;  // indices lie in [0, limit), which is not empty
};

// value[r, c] = x[place]; false, with values of no meaning, where an index is outside.
using Pick = bool (*)(const Plane& plane, const std::int64_t* index, const void* x, void* value);
// x[place] = x[place] op value[r, c], in the order of rows and columns, where the index is
// in [from, to). False where one is outside [0, limit).
using Put = bool (*)(const Plane& plane, const std::int64_t* index, void* x, const void* value,
                     long from, long to);

// A sum of doubles, and what rounding took from it. Inlined, so that no path's code of it is
// another's.
struct Pair {
    double sum, lost;

    Pair() = default;
    __attribute__((always_inline)) explicit Pair(double value) : sum(value), lost(0.0) {}
    __attribute__((always_inline)) Pair& operator+=(Pair other) {
        const double before = sum;
        sum = before + other.sum;
        const double part = sum - before;
        lost += ((before - (sum - part)) + (other.sum - part)) + other.lost;
        return *this;
    }
    // Of infinities and NaN nothing is lost that could be put back.
    double value() const { return lost - lost == 0.0 && lost != 0.0 ? sum + lost : sum; }
};

enum class Join : int { set, sum, product, max, min };
constexpr int JOINS = 5;

struct PlaceKernels {
    Pick pick[5];  // by the logarithm of an element's bytes
    Put set[5];
    Put join_f32[JOINS], join_f64[JOINS], join_i64[JOINS];  // without `set`
    Put sum_wide;   // of values of float in an array of double
    Put sum_pairs;  // of values of double in an array of Pair
    // The least and the largest of integers; there is one at least.
    void (*bounds)(const std::int64_t* x, long count, std::int64_t* low, std::int64_t* high);
    // How many of an array of bools are set, and the numbers of those, counted from `first`.
    long (*count_set)(const unsigned char* mask, long count);
    void (*list_set)(const unsigned char* mask, long count, long first, std::int64_t* to);
};
LAMPAS_FAMILY(PlaceKernels, placer)

}  // namespace lampas
