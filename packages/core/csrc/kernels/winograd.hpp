// Winograd's F(2x2, 3x3): 2 x 2 pixels of a convolution with 3 x 3 taps take 16 products
// instead of 36 (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks",
// 2015): Y = A' [(G g G') * (B' d B)] A for a tile d of 4 x 4 of the image. The sum over
// channels makes a matrix product of each of the 16 places.
#pragma once

#include "runtime/paths.hpp"

namespace lampas {

constexpr int PLACES = 16;

// Of staged planes, whose rows hold the even columns and then the odd ones, to
// to[place * step + channel * row + tile]. Some tiles more are read and written at the end
// of each line; behind the last tile, the rest of a vector is zero: products of what happened
// to lie there may take a hundred times as long, if they are of subnormal numbers.
template <class T>
struct WinogradImage {
    const T* planes;
    long plane, part, channels;
    const long* lines;  // where each line of tiles begins in a plane
    long line_count, tiles;  // of a line
    T* to;
    long step, row;
};

// Of a weight's 3 x 3 taps at from + row * across + channel * along (mirrored: backwards)
// to panels of A, `step` apart for each place. `there` rows may be read.
template <class T>
struct WinogradWeight {
    const T* from;
    long across, along, rows, there, channels;
    bool mirrored;
    T* panels;
    long step;
};

// Of products at from[place * step + row * length + tile] to lines of two rows of pixels
// (the last may have one) and `width` pixels: a row's first pixel at to + row * to_row.
template <class T>
struct WinogradResult {
    const T* from;
    long step, length, rows;
    long tiles, height, width;
    T* to;
    long to_row;
    const T* bias;  // of the rows, or nullptr
};

template <class T>
struct WinogradOf {
    void (*image)(const WinogradImage<T>& image);
    void (*weight)(const WinogradWeight<T>& weight);
    bool (*result)(const WinogradResult<T>& result);  // whether all is finite
};

struct WinogradKernels {
    WinogradOf<float> f32;
    WinogradOf<double> f64;
};
LAMPAS_FAMILY(WinogradKernels, winograd)

template <class T> inline const WinogradOf<T>& winograd_of();
template <> inline const WinogradOf<float>& winograd_of<float>() { return winograd().f32; }
template <> inline const WinogradOf<double>& winograd_of<double>() { return winograd().f64; }

}  // namespace lampas
