// Copies in row-major order of what is read in steps.
#pragma once

#include "bindings/layout.hpp"

namespace lampas {

// A result whose dimensions read memory in steps of any size: 0 repeats what there is, and
// negative ones go backwards.
struct Steps {
    static constexpr int MOST = 2 * MOST_DIMS;

    const char* start;
    long item;  // bytes of an element: 1, 2, 4 or 8
    int ndim = 0;
    long shape[MOST], step[MOST];  // in bytes

    Steps(const char* from, long item_bytes) : start(from), item(item_bytes) {}

    // Append a dimension, the innermost; one that goes on where the last one steps is joined.
    void add(long size, long bytes) {
        if (size == 1) return;
        if (ndim > 0 && step[ndim - 1] == size * bytes) {
            shape[ndim - 1] *= size;
            step[ndim - 1] = bytes;
            return;
        }
        shape[ndim] = size;
        step[ndim++] = bytes;
    }

    // Copy all; no size is 0.
    void fill(char* to) const;
};

inline bool is_word(long bytes) { return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8; }

}  // namespace lampas
