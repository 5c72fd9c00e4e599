// Packed planes: zeros around them, and columns divided by the stride, so that vectors of
// a result are made from whole vectors.
#pragma once

#include <algorithm>
#include <cstring>

#include "bindings/depthwise.hpp"
#include "kernels/depthwise.hpp"

namespace lampas {

constexpr long PACKED = 1 << 15;  // elements of a packed box: a cache holds them
constexpr long AHEAD = 1 << 10;   // elements of small planes that are packed before any is read
constexpr long REACH = (1L << 31) - (1L << 16);  // of offsets that have 32 bits

template <class T> inline const DepthwiseOf<T>& depthwise_of();
template <> inline const DepthwiseOf<float>& depthwise_of() { return depthwise_kernels().f32; }
template <> inline const DepthwiseOf<double>& depthwise_of() { return depthwise_kernels().f64; }

// Where boxes of the grid of results lie, and the packed parts of the image they need.
// Element i of the image, at i + low, is met by result a with the shifts from a * step to
// a * step + span - 1.
struct Frame {
    long size[3], grid[3], step[3], span[3], low[3];
    int cut = 1;  // the dimension along which the grid is cut: the first one if it has any
    long thick = 0, boxes = 0;
    long segment = 0, row = 0, slice = 0, elements = 0;

    // After size, grid, step, span and low are set.
    void lay_out() {
        cut = grid[0] > 1 ? 0 : 1;
        segment = grid[2] + (span[2] - 1) / step[2];
        row = segment * step[2];
        long unit = row;  // of one step along the cut
        if (cut == 0) unit *= (grid[1] - 1) * step[1] + span[1];
        const long fits = (PACKED / unit - span[cut]) / step[cut];
        thick = std::min(grid[cut], std::max({fits, span[cut], 1L}));
        boxes = over(grid[cut], thick);
        thick = over(grid[cut], boxes);
        slice = row * extent(1, cut == 1 ? thick : grid[1]);
        elements = slice * extent(0, cut == 0 ? thick : grid[0]);
    }
    long extent(int d, long count) const { return (count - 1) * step[d] + span[d]; }
    long first_of(long box) const { return box * thick; }
    long thick_of(long box) const { return std::min(thick, grid[cut] - box * thick); }
    long box_size() const { return grid[0] * grid[1] * grid[2] / grid[cut] * thick; }
    long offset_of(const long* shift) const {
        return shift[0] * slice + shift[1] * row + shift[2] % step[2] * segment +
               shift[2] / step[2];
    }
    long fronts() const { return cut == 0 ? thick : grid[0]; }
    long rows() const { return cut == 1 ? thick : grid[1]; }
};

// What of the image is inside a box: how many, from where, and where it goes.
struct Inside {
    Packing packing;
    long from, to;
    bool none;
};

template <class T>
Inside inside_of(const Frame& f, long box, const Cube<T>& x) {
    Inside in{};
    long at[3];
    for (int d = 0; d < 3; ++d) {
        const long first = d == f.cut ? f.first_of(box) * f.step[d] : 0;
        const long extent = f.extent(d, d == f.cut ? f.thick_of(box) : f.grid[d]);
        const long begin = std::max(0L, first - f.low[d]);
        const long end = std::min(f.size[d], first + extent - f.low[d]);
        in.none = in.none || begin >= end;
        in.packing.count[d] = end - begin;
        in.packing.steps[d] = x.at[d];
        in.from += begin * x.at[d];
        at[d] = begin + f.low[d] - first;
    }
    in.packing.slice = f.slice;
    in.packing.row = f.row;
    in.packing.phases = f.step[2];
    in.packing.segment = f.segment;
    in.packing.column = at[2];
    in.to = at[0] * f.slice + at[1] * f.row;
    return in;
}

// Packs boxes, one after the other, into memory whose borders stay zero.
template <class T>
class Packer {
public:
    Packer(const Frame& frame, Cube<T> image, T* memory, long places)
        : frame_(frame), image_(image), memory_(memory), places_(places) {
        clear();
        if (frame.boxes == 1) inside_ = inside_of(frame, 0, image);
    }
    T* place(long number) const { return memory_ + number * frame_.elements; }

    void pack(long image, long channel, long box, long number) {
        if (frame_.boxes > 1) {
            if (number == 0) clear();
            inside_ = inside_of(frame_, box, image_);
        }
        if (inside_.none) return;
        const T* from = image_.data + image * image_.image + channel * image_.channel;
        depthwise_of<T>().pack(inside_.packing, from + inside_.from, place(number) + inside_.to);
    }

private:
    void clear() {
        const std::size_t lanes = static_cast<std::size_t>(depthwise_of<T>().lanes);
        const auto all = static_cast<std::size_t>(places_ * frame_.elements);
        std::memset(memory_, 0, (all + lanes) * sizeof(T));
    }

    const Frame& frame_;
    Cube<T> image_;
    T* memory_;
    long places_;
    Inside inside_{};
};

template <class T>
std::size_t packed_bytes(const Frame& f, long places) {
    return static_cast<std::size_t>(f.elements * places + depthwise_of<T>().lanes) * sizeof(T);
}

// The vectors of a row begin at 0, lanes, ...; the last one ends where the row does.
inline long vectors_of_row(const Frame& f, int lanes) { return over(f.grid[2], lanes); }

// The spots of a box in the order of its rows; the rows of the result lie `row` apart, and
// their `slices`.
inline Spot* set_spots(const Frame& f, int lanes, long slice, long row, long begin, long end,
                Spot* spot) {
    for (long i = 0; i < f.fronts(); ++i) {
        for (long j = 0; j < f.rows(); ++j) {
            for (long v = begin; v < end; ++v) {
                const long column = std::max(0L, std::min(v * lanes, f.grid[2] - lanes));
                const long from = i * f.step[0] * f.slice + j * f.step[1] * f.row + column;
                const long to = i * slice + j * row + column;
                *spot++ = {static_cast<std::int32_t>(from), static_cast<std::int32_t>(to)};
            }
        }
    }
    return spot;
}

// Whether all places in packed memory and results of a box have numbers of 32 bits.
inline bool is_within_reach(const Frame& f, long planes) {
    return f.elements <= REACH / planes && f.box_size() <= REACH;
}

}  // namespace lampas
