#pragma once

#include <cstdint>

#include "runtime/paths.hpp"

namespace lampas {

// Points of one image, each a weighted sum of `taps` elements: of channel planes with
// `size` elements; weight and index are (taps, points).
struct Points {
    long channels, size, taps, points;
};

constexpr long POINTS_AT_ONCE = 512;

template <class T>
struct SampleLoops {
    // y[c][p] = sum over k of weight[k][p] x[c][index[k][p]], points [first, last), of which
    // there are POINTS_AT_ONCE at most. `near` has room for their indices.
    void (*sample)(const Points& how, const T* x, const T* weight, const std::int64_t* index,
                   T* y, std::int32_t* near, long first, long last);
    // result[k][p] = sum over c of g[c][p] x[c][index[k][p]], for the same.
    void (*match)(const Points& how, const T* g, const T* x, const std::int64_t* index, T* result,
                  std::int32_t* near, long first, long last);
    // x[index[k][p]] += weight[k][p] g[p] for one channel, points [first, last).
    void (*spread)(const Points& how, const T* g, const T* weight, const std::int64_t* index,
                   T* x, long first, long last);
};

struct SampleKernels {
    SampleLoops<float> f32;
    SampleLoops<double> f64;
};
LAMPAS_FAMILY(SampleKernels, sampler)

}  // namespace lampas
