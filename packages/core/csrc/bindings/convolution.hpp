// Convolutions as the kernels see them: what the three records of ops/conv.py are given,
// brought to three spatial dimensions, and the algorithms that serve them.
#pragma once

#include "bindings/rounding.hpp"
#include "runtime/array.hpp"
#include "runtime/kernel.hpp"

namespace lampas {

// out[o, i] = sum over c, k of weight[o, c, k] * image[c, i * stride + k * dilation - low].
// Spatial dimensions that are absent come first, with size 1.
struct Convolution {
    int rank;  // spatial dimensions that there are
    long images, channels, outs, groups;
    long size[3], kernel[3], stride[3], low[3], dilation[3], out[3];

    long taps() const { return kernel[0] * kernel[1] * kernel[2]; }
    long channels_of_group() const { return channels / groups; }
    long outs_of_group() const { return outs / groups; }
    long image_size() const { return size[0] * size[1] * size[2]; }
    long out_size() const { return out[0] * out[1] * out[2]; }
    long multiplications() const {
        return images * outs * out_size() * channels_of_group() * taps();
    }
};

// Where an operand of (image, channel, *spatial) lies; distances in elements.
template <class T>
struct Cube {
    const T* data;
    long image, channel, at[3];
};

// An algorithm. Results are dense; false where there is no memory for what it needs
// meanwhile. Work is split by the sizes alone, whatever the number of threads.
template <class T>
struct ConvolutionForms {
    bool (*forward)(const Convolution&, Cube<T> x, const T* weight, const T* bias, T* y);
    bool (*input)(const Convolution&, Cube<T> g, const T* weight, T* dx);
    bool (*weight)(const Convolution&, Cube<T> x, Cube<T> g, T* dw);
};

// By matrix products; serves everything.
template <class T>
bool convolve(const Convolution&, Cube<T> x, const T* weight, const T* bias, T* y);
template <class T>
bool convolve_back(const Convolution&, Cube<T> g, const T* weight, T* dx);
template <class T>
bool correlate(const Convolution&, Cube<T> x, Cube<T> g, T* dw);

// By Winograd's way, where it suits; what is not finite comes from the products above.
bool suits_winograd(const Convolution&);
template <class T>
bool winograd_forward(const Convolution&, Cube<T> x, const T* weight, const T* bias, T* y);
template <class T>
bool winograd_input(const Convolution&, Cube<T> g, const T* weight, T* dx);

// One group for each channel, with any number of outs of each.
template <class T>
const ConvolutionForms<T>& depthwise();

}  // namespace lampas
