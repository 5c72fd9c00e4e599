// A row of an image taken apart by the phase of a stride, so that each tap of neighbouring
// windows reads neighbouring elements.
//
// Tap k of window o reads x[o s + k d - p]. Every `period` taps the offset grows by `jump`
// whole strides, so the taps k, k + period, ... read one and the same line: element j of
// line r is x[j s + r d - p].
#pragma once

#include "kernels/pooling.hpp"
#include "kernels/simd.hpp"

namespace lampas::LAMPAS_PATH {

struct Phases {
    long size, stride, padding, dilation, kernel;  // of the last dimension
    long period, jump;
    long lines;   // that are needed
    long length;  // of each, with room for the vectors of the last windows
    long windows; // rounded up to vectors of the narrowest element

    explicit Phases(const Windows& how)
        : size(how.size[2]), stride(how.stride[2]), padding(how.padding[2]),
          dilation(how.dilation[2]), kernel(how.kernel[2]) {
        long a = stride, b = dilation;
        while (b != 0) {
            const long rest = a % b;
            a = b;
            b = rest;
        }
        period = stride / a;
        jump = dilation / a;
        lines = kernel < period ? kernel : period;
        windows = (how.out[2] + LANES - 1) / LANES * LANES;
        length = windows + (kernel - 1) / period * jump;
    }

    long elements() const { return lines * length; }
    long offset(long tap) const { return tap % period * length + tap / period * jump; }
    // The elements [begin, end) of a line that lie in the row.
    void inside(long line, long* begin, long* end) const {
        const long shift = padding - line * dilation;  // element j is x[j s - shift]
        *begin = shift <= 0 ? 0 : (shift + stride - 1) / stride;
        const long after = (size + shift + stride - 1) / stride;
        *end = size + shift <= 0 ? 0 : after;
        if (*begin > length) *begin = length;
        if (*end > length) *end = length;
        if (*end < *begin) *end = *begin;
    }
};

template <class T>
LAMPAS_INLINE void copy_apart(const T* __restrict from, T* __restrict to, long count, long step) {
    if (step == 1) {
        for (long j = 0; j < count; ++j) to[j] = from[j];
    } else if (step == 2) {
        for (long j = 0; j < count; ++j) to[j] = from[2 * j];
    } else {
        for (long j = 0; j < count; ++j) to[j] = from[j * step];
    }
}

template <class T>
void take_apart(const Phases& how, const T* row, T fill, T* to) {
    for (long line = 0; line < how.lines; ++line, to += how.length) {
        long begin, end;
        how.inside(line, &begin, &end);
        for (long j = 0; j < begin; ++j) to[j] = fill;
        const long start = begin * how.stride + line * how.dilation - how.padding;
        if (end > begin) copy_apart(row + start, to + begin, end - begin, how.stride);
        for (long j = end; j < how.length; ++j) to[j] = fill;
    }
}

// The transpose: row[i] = what its line holds. Elements that no line has are left alone.
template <class T>
void put_together(const Phases& how, const T* from, T* row) {
    for (long line = 0; line < how.lines; ++line, from += how.length) {
        long begin, end;
        how.inside(line, &begin, &end);
        T* to = row + line * how.dilation - how.padding;
        if (how.stride == 2) {
            for (long j = begin; j < end; ++j) to[2 * j] = from[j];
        } else {
            for (long j = begin; j < end; ++j) to[j * how.stride] = from[j];
        }
    }
}

}  // namespace lampas::LAMPAS_PATH
