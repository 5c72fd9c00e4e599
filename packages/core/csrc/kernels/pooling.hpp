#pragma once

#include <cstdint>

#include "runtime/paths.hpp"

namespace lampas {

// Windows over the last three dimensions of an array; fewer are preceded by ones.
struct Windows {
    long size[3], kernel[3], stride[3], padding[3], dilation[3], out[3];

    long inputs() const { return size[0] * size[1] * size[2]; }
    long outputs() const { return out[0] * out[1] * out[2]; }
    long taps() const { return kernel[0] * kernel[1] * kernel[2]; }
    long start(int d, long at) const { return at * stride[d] - padding[d]; }
    long reach(int d) const { return dilation[d] * (kernel[d] - 1) + 1; }
};

// What the sum of a window is divided by: `value`; or the product of three lengths, by the
// place along each dimension.
struct Divisors {
    bool one;
    double value;
    const long* lengths[3];
};

// Planes [first, last) of inputs() or outputs() elements. A place is the number of a tap,
// counted along the last dimension first. `work` has work_bytes() of the type.
template <class T, class Place>
struct PoolLoops {
    void (*largest)(const Windows& how, const T* x, T* y, Place* place, char* work, long first,
                    long last);
    // The transposes of each other: g added at its place, x taken from its place.
    void (*spread)(const Windows& how, const T* g, const Place* place, T* dx, char* work,
                   long first, long last);
    void (*pick)(const Windows& how, const T* x, const Place* place, T* y, char* work, long first,
                 long last);
};

template <class T>
struct MeanLoops {
    void (*mean)(const Windows& how, const Divisors& by, const T* x, T* y, char* work, long first,
                 long last);
    void (*share)(const Windows& how, const Divisors& by, const T* g, T* dx, char* work,
                  long first, long last);
};

struct PoolingKernels {
    PoolLoops<float, std::uint8_t> f32_near;
    PoolLoops<float, std::int32_t> f32_far;
    PoolLoops<double, std::uint8_t> f64_near;
    PoolLoops<double, std::int32_t> f64_far;
    MeanLoops<float> f32_mean;
    MeanLoops<double> f64_mean;
    long (*work_bytes)(const Windows& how);
};
LAMPAS_FAMILY(PoolingKernels, pooling)

}  // namespace lampas
