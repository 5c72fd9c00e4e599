// Small planes of several channels side by side: one lane of a vector for each channel.
#pragma once

#include <cstdint>

#include "runtime/paths.hpp"

namespace lampas {

// Two positions (or a position and a tap) that are multiplied.
struct Pair {
    std::uint16_t first, second;
};

// Sums of products: number i has the pairs from starts[i] to starts[i + 1].
struct Program {
    const Pair* pairs;
    const std::int32_t* starts;
    long sums;
};

// A bundle holds `lanes` channels: that of lane c lies at data[position * lanes + c].
// Those of several images lie `..._image` apart.
template <class T>
struct BundleOf {
    int lanes;
    // From `count` channels that lie `channel` apart, each without gaps, and back.
    void (*gather)(const T* from, long channel, int count, long positions, T* to);
    void (*scatter)(const T* from, long channel, int count, long positions, T* to);
    // sum = bias + sum over pairs of from[first] * weights[second], for each image.
    void (*combine)(const Program& program, const T* weights, const T* bias, long images,
                    const T* from, long from_image, T* to, long to_image);
    // totals[sum] += sum over pairs and images of a[first] * b[second]
    void (*correlate)(const Program& program, long images, const T* a, long a_image, const T* b,
                      long b_image, double* totals);
};

struct BundleKernels {
    BundleOf<float> f32;
    BundleOf<double> f64;
};
LAMPAS_FAMILY(BundleKernels, bundle_kernels)

}  // namespace lampas
