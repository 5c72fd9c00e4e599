// The two ways of a convolution with one group for each channel.
#pragma once

#include <algorithm>

#include "bindings/convolution.hpp"

namespace lampas {

// Vectors along the rows of packed planes; serves everything.
template <class T>
const ConvolutionForms<T>& depthwise_by_planes();

// Vectors over channels: for one output of each channel, and fewer meetings of positions
// than MOST_PAIRS.
template <class T>
const ConvolutionForms<T>& depthwise_by_bundles();

constexpr long MOST_PAIRS = 1 << 14;

constexpr long CHUNK_WORK = 1 << 17;  // multiplications

// Units, of so many multiplications each, that make up a chunk.
inline long units_of_chunk(long work) { return std::max(1L, CHUNK_WORK / work); }

// Whether planes of this size lie without gaps.
template <class T>
bool is_dense(const Cube<T>& x, const long* size) {
    long step = 1;
    for (int d = 2; d >= 0; --d) {
        if (size[d] > 1 && x.at[d] != step) return false;
        step *= size[d];
    }
    return true;
}

}  // namespace lampas
