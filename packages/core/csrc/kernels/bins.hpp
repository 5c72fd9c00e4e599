#pragma once

#include <cstdint>

#include "runtime/paths.hpp"

namespace lampas {

// Bins have numbers from 0 to bins - 1; what is in none has the number `bins`.
struct EvenBins {
    double first, last;  // where the first begins and the last ends
    long bins;
};
struct EdgedBins {
    const void* edges;  // bins + 1 of them, of the elements' type
    long bins;
    bool even;          // whether a bin is at most one away from where even ones would be
};

// Numbers of a sequence that go before x, or with `right` are equal to it too. NaN goes last.
struct Sequence {
    const void* numbers;
    long count;
    long known;  // those that are not NaN
    bool right;
};

template <class T> struct BinsOf {
    void (*even)(const EvenBins& bins, const T* x, long count, std::int32_t* place);
    void (*edged)(const EdgedBins& bins, const T* x, long count, std::int32_t* place);
    // sums[place] += weight
    void (*weigh)(const std::int32_t* place, const T* weight, long count, double* sums);
};

// Puts the places as int64.
using Find = void (*)(const Sequence& sequence, const void* x, long count, std::int64_t* place);

// Adds 1 to counts[place] for each place, into four tables `apart` from each other.
template <class T>
using Count = void (*)(const T* place, long count, std::int64_t* tables, long apart);

struct BinKernels {
    BinsOf<float> f32;
    BinsOf<double> f64;
    Find find_f32, find_f64, find_i64, find_i32;
    Count<std::int32_t> count_i32;
    Count<std::int64_t> count_i64;
    Count<std::uint8_t> count_u8;
};
LAMPAS_FAMILY(BinKernels, binner)

}  // namespace lampas
