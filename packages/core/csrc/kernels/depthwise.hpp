// Convolutions of single planes: sums of shifted copies of a packed image.
#pragma once

#include <cstdint>

#include "runtime/paths.hpp"

namespace lampas {

// One vector of a result, at `to`, and what it is made from, at `from`; in elements.
struct Spot {
    std::int32_t from, to;
};

// Copying between a plain image and one whose columns are divided by their remainder:
// column q of the packed one lies at q % phases * segment + q / phases.
struct Packing {
    long count[3];      // elements to copy
    long steps[3];      // of the plain image
    long slice, row;    // of the packed image
    long phases, segment;
    long column;        // of the packed image, that of the first element
};

// Shifts of the packed image, and the weight of each.
template <class T>
struct Shifts {
    const std::int32_t* offsets;
    const T* weights;
    long count;
};

// Which lanes of the vectors count.
struct Lanes {
    int first, last;
};

// Rows of a result and of the packed image, both `..._row` apart, where a kernel's rows of
// taps meet rows of the image next to each other: each is then loaded once for all of them.
struct Rows {
    long count, width;
    long from_row, to_row;
    const std::int32_t* offsets;  // of the taps in a row
    int taps, taps_rows;
};

template <class T>
struct DepthwiseOf {
    int lanes;
    void (*pack)(const Packing& packing, const T* from, T* to);
    void (*unpack)(const Packing& packing, const T* from, T* to);
    // to[spot.to] = bias + sum over s of weights[s] * from[spot.from + offsets[s]], one
    // spot after the other; whole vectors are written, but nothing from `room` on.
    void (*combine)(const Shifts<T>& shifts, T bias, const Spot* spots, long count,
                    const T* from, T* to, long room);
    // sums[s] += sum over spots of from[spot.from + offsets[s]] * g[spot.to], each lane on
    // its own; `sums` are vectors, and the weights are not read.
    void (*correlate)(const Shifts<T>& shifts, Lanes counted, const Spot* spots, long count,
                      const T* from, const T* g, T* sums);
    // The same along rows: 3 x 3, or 5 or 7 rows of any number of taps.
    void (*combine_rows)(const Rows& rows, const T* weights, T bias, const T* from, T* to,
                         long room);
    void (*correlate_3x3)(const Rows& rows, const T* from, const T* g, T* sums);
};

struct DepthwiseKernels {
    DepthwiseOf<float> f32;
    DepthwiseOf<double> f64;
};
LAMPAS_FAMILY(DepthwiseKernels, depthwise_kernels)

}  // namespace lampas
