// Convolutions as matrix products: the image is copied with zeros around it ("staged"),
// and what a block of pixels sees is packed from there into panels of B, or is read there.
#pragma once

#include "runtime/paths.hpp"

namespace lampas {

// Rows of the planes of several channels. Staged column q of phase p is the source's
// first_column + p + q * step, so what is `step` apart in the source lies side by side.
template <class T>
struct Staging {
    const T* from;  // of row 0, column 0, channel 0; nullptr: zeros everywhere
    long channel, row, column;  // distances there
    long height, width, channels;
    long first_row, row_step, rows;
    long first_column, step, phases, part;  // each row: `phases` times `part` entries
    T* to;
    long plane;  // from one staged channel to the next
};

// The matrix of pixels' surroundings: entry (channel, tap) of pixel j lies at
// planes[channel * plane + taps[tap] + lines[j / line_length] + j % line_length].
template <class T>
struct Surroundings {
    const T* planes;
    long plane, channels;
    const long* taps;
    long tap_count;
    const long* lines;
    long line_length;
};

// c[(channel, tap), :columns] (+)= sum over all pixels of the surroundings' entry times
// b[pixel, :], for `first` to `last` of the rows; b is a packed panel of B.
template <class T>
struct Correlation {
    Surroundings<T> of;
    long first, last, line_count;
    const T* b;
    T* c;
    long ldc;
    int columns;
    bool add;
};

// to[o * out + (r / taps) * channel + places[r % taps]] =
//     sum over p of parts[p * size + r * ldc + o]
template <class T>
struct Turn {
    const T* parts;
    long part_count, size, ldc;
    long first, last, outs;  // rows r to turn, and how many o
    T* to;
    long out, channel;
    const long* places;
    long taps;
};

template <class T>
struct ConvolutionOf {
    void (*stage)(const Staging<T>& staging);
    // Pack pixels `first` to `last` into panels of B, channels * tap_count * width apart.
    // Up to a vector is read behind each line but the last, and written behind the panels.
    void (*pack)(const Surroundings<T>& of, long first, long last, T* panels);
    // Panels of A of rows `first` to `last` (at from + row * i), whose entry of (channel,
    // tap) lies channel * k + taps[tap] further.
    void (*pack_weight)(const T* from, long row, long channel, long channels,
                        const long* taps, long tap_count, long rows, T* panels);
    void (*correlate)(const Correlation<T>& correlation);  // panels of gemm_of<T>()'s width
    void (*correlate_wide)(const Correlation<T>& correlation);  // of wide_gemm_of<T>()'s
    void (*turn)(const Turn<T>& turn);
};

struct ConvolutionKernels {
    ConvolutionOf<float> f32;
    ConvolutionOf<double> f64;
};
LAMPAS_FAMILY(ConvolutionKernels, convolution)

template <class T> inline const ConvolutionOf<T>& convolution_of();
template <> inline const ConvolutionOf<float>& convolution_of<float>() {
    return convolution().f32;
}
template <> inline const ConvolutionOf<double>& convolution_of<double>() {
    return convolution().f64;
}

}  // namespace lampas
