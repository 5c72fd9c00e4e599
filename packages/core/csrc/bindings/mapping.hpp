// A convolution as its algorithms by matrix products see it: slices, lines, taps, and how
// what they read is staged.
#pragma once

#include <algorithm>
#include <vector>

#include "bindings/convolution.hpp"
#include "kernels/convolution.hpp"
#include "runtime/pool.hpp"

namespace lampas {

struct Tap {
    long row, column, weight;  // in the source, relative to the pixel's; in the weight
};

// A convolution of slices (images of one depth) with a list of taps. Pixel (l, q) of the
// slice at depth d sees row l * step[0] + tap.row and column q * step[1] + tap.column of
// the source at depth (d * depth_step + depth_base + p * depth_part) / depth_divisor, in
// each part p (of the kernel's depth) where that is a depth of the source.
template <class T>
struct Mapping {
    Cube<T> source;
    long channels, size[3];  // of the source; channels of a group
    long depth_step, depth_base, depth_part, depth_divisor, parts;
    long step[2];
    std::vector<Tap> taps;

    const T* weight;
    long weight_group, weight_row, weight_channel, weight_part;

    T* result;
    const T* bias;
    long groups, rows, images, depths, lines, length;  // rows of a group
    long to_image, to_row, to_depth, to_line, to_pixel;

    // A slice of the source's group in one part of the kernel's depth, or nullptr.
    const T* source_at(long group, long slice, long part) const {
        const long at = slice % depths * depth_step + depth_base + part * depth_part;
        if (at < 0 || at % depth_divisor != 0 || at / depth_divisor >= size[0]) return nullptr;
        return source.data + slice / depths * source.image +
               group * channels * source.channel + at / depth_divisor * source.at[0];
    }
    // Where line `line` of a slice begins in row `row` of the result.
    T* target_at(long row, long slice, long line) const {
        return result + slice / depths * to_image + slice % depths * to_depth +
               row * to_row + line * to_line;
    }
    // Leave out taps that see nothing but the zeros around the source, but for one.
    void drop_blind_taps() {
        const auto sees = [](long at, long step, long count, long source) {
            const long first = at < 0 ? over(-at, step) : 0;
            return first < count && first * step + at < source;
        };
        const auto blind = [&](const Tap& tap) {
            return !sees(tap.row, step[0], lines, size[1]) ||
                   !sees(tap.column, step[1], length, size[2]);
        };
        const Tap first = taps.front();
        std::erase_if(taps, blind);
        if (taps.empty()) taps.push_back(first);
    }
    long k() const { return channels * static_cast<long>(taps.size()); }
    long slices() const { return images * depths; }
};

// What convolutions and their transposes have in common.
template <class T>
Mapping<T> shared_mapping(const Convolution& of, Cube<T> source) {
    Mapping<T> map{};
    map.source = source;
    map.groups = of.groups;
    map.images = of.images;
    map.parts = of.kernel[0];
    map.weight_group = of.outs_of_group() * of.channels_of_group() * of.taps();
    map.weight_part = of.kernel[1] * of.kernel[2];
    return map;
}

// The convolution itself, but for weight and result.
template <class T>
Mapping<T> forward_mapping(const Convolution& of, Cube<T> x) {
    Mapping<T> map = shared_mapping(of, x);
    map.channels = of.channels_of_group();
    std::copy_n(of.size, 3, map.size);
    map.depth_step = of.stride[0];
    map.depth_base = -of.low[0];
    map.depth_part = of.dilation[0];
    map.depth_divisor = 1;
    for (int d = 0; d < 2; ++d) map.step[d] = of.stride[d + 1];
    for (long i = 0; i < of.kernel[1]; ++i) {
        for (long j = 0; j < of.kernel[2]; ++j) {
            map.taps.push_back({i * of.dilation[1] - of.low[1],
                                j * of.dilation[2] - of.low[2], i * of.kernel[2] + j});
        }
    }
    map.depths = of.out[0];
    map.lines = of.out[1];
    map.length = of.out[2];
    map.drop_blind_taps();
    return map;
}

// How the rows and columns that a block of pixels needs are staged.
template <class T>
struct Layout {
    explicit Layout(const Mapping<T>& map) {
        long low[2] = {map.taps[0].row, map.taps[0].column};
        long high[2] = {low[0], low[1]};
        for (const Tap& tap : map.taps) {
            low[0] = std::min(low[0], tap.row), high[0] = std::max(high[0], tap.row);
            low[1] = std::min(low[1], tap.column), high[1] = std::max(high[1], tap.column);
        }
        top = low[0], left = low[1];
        row_step = low[0] == high[0] ? map.step[0] : 1;
        line_rows = low[0] == high[0] ? 1 : map.step[0];
        reach = high[0] - low[0];
        phases = low[1] == high[1] ? 1 : std::min(map.step[1], high[1] - low[1] + 1);
        part = map.length + (high[1] - low[1]) / map.step[1];
        row = phases * part;
        for (const Tap& tap : map.taps) {
            const long right = tap.column - left;
            taps.push_back((tap.row - top) * row + right % map.step[1] * part +
                           right / map.step[1]);
        }
        merged = row == map.length && line_rows == 1;
    }

    // Whether a slice's pixels are what the only tap sees, side by side and in order.
    bool is_in_place(const Mapping<T>& map) const {
        return taps.size() == 1 && map.step[0] == 1 && map.step[1] == 1 && top == 0 &&
               left == 0 && map.length == map.size[2] && map.lines <= map.size[1] &&
               map.source.at[2] == 1 && map.source.at[1] == map.length;
    }

    // A slice's channels from `from` on, where its lines from `line` on need them.
    Staging<T> staging(const Mapping<T>& map, const T* from, long line, long lines,
                       long channels, T* to, long plane) const {
        return {from, map.source.channel, map.source.at[1], map.source.at[2], map.size[1],
                map.size[2], channels, line * map.step[0] + top, row_step, rows_of(lines),
                left, map.step[1], phases, part, to, plane};
    }

    // Where the lines of each slice begin in staged planes, `slice` apart.
    std::vector<long> places(long slices, long lines, long slice) const {
        std::vector<long> found;
        for (long s = 0; s < slices; ++s) {
            for (long l = 0; l < (merged ? 1 : lines); ++l) {
                found.push_back(s * slice + l * line_rows * row);
            }
        }
        return found;
    }

    // From one staged channel to the next: not on the same places of the cache.
    long plane_of(long lines, long vector) const {
        const long plane = up_to(rows_of(lines) * row, vector);
        return plane * static_cast<long>(sizeof(T)) % 1024 == 0 ? plane + vector : plane;
    }

    long rows_of(long lines) const { return (lines - 1) * line_rows + reach + 1; }

    long top, left, row_step, line_rows, reach, phases, part, row;
    bool merged;  // lines follow one another without gaps
    std::vector<long> taps;
};

// Whole slices, or lines of one slice.
struct Block {
    long slice, slices, line, lines;
};

// How pixels are divided into blocks of about so many.
struct Blocks {
    template <class T>
    Blocks(const Mapping<T>& map, long wanted)
        : slices(1), lines(map.lines), all_slices_(map.slices()), all_lines_(map.lines) {
        const long pixels = map.lines * map.length;
        if (pixels * 2 <= wanted) {
            slices = std::min(map.slices(), wanted / pixels);
            slices = over(map.slices(), over(map.slices(), slices));  // alike
        } else if (pixels > wanted) {
            lines = std::max(1L, wanted / map.length);
            lines = over(map.lines, over(map.lines, lines));
        }
    }

    long across() const { return over(all_lines_, lines); }
    long count() const { return over(all_slices_, slices) * across(); }
    Block at(long index) const {
        const long slice = index / across() * slices, line = index % across() * lines;
        return {slice, std::min(slices, all_slices_ - slice), line,
                std::min(lines, all_lines_ - line)};
    }

    long slices, lines;  // of a block

private:
    long all_slices_, all_lines_;
};

// Rows of the result in one chunk: all, unless there would be too few chunks for the
// threads, or until a chunk has too few multiplications. A row has `each` of them. Chunks
// that share pixels read what another core has packed, which is far away. Where rows are
// cut does not change the sums.
inline long rows_of_chunk(long rows, long step, long others, long each) {
    constexpr long GRAIN = 256 * 1024;
    const long chunks = 2 * threads();
    long cut = up_to(rows, step);
    while (others * over(rows, cut) < chunks && cut > step && cut / 2 * each >= GRAIN) {
        cut = up_to(cut / 2, step);
    }
    return cut;
}

}  // namespace lampas
