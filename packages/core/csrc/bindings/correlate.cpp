// Gradients of a convolution's weight: for each channel and tap the sum over all pixels of
// what it sees times the cotangents. The surroundings are read in the staged image where
// they lie; the cotangents of a block of pixels are packed.
#include <atomic>

#include "bindings/mapping.hpp"
#include "kernels/convolution.hpp"
#include "kernels/gemm.hpp"
#include "runtime/pool.hpp"

namespace lampas {
namespace {

// Pixels of a block: a panel of their cotangents stays in the first-level cache, and what
// is added up one by one stays short, for its rounding.
constexpr long PIXELS = 128;
// A chunk's sums should stay in the second-level cache, unless there are few rows.
constexpr long SUMS = 64 * 1024, LEAST_ROWS = 256;
constexpr long CHUNKS = 16, GRAIN = 256 * 1024;

template <class T>
class Correlator {
public:
    Correlator(const Convolution& of, Cube<T> x, Cube<T> g)
        : of_(of), map_(forward_mapping(of, x)), layout_(map_), g_(g),
          outs_(of.outs_of_group()), wide_(suits_wide_tiles(outs_)),
          gemm_(wide_ ? wide_gemm_of<T>() : gemm_of<T>()), kernels_(convolution_of<T>()),
          taps_(static_cast<long>(map_.taps.size())), ldc_(up_to(outs_, gemm_.lanes)),
          blocks_(map_, PIXELS) {
        choose_chunks();
        plane_ = layout_.plane_of(blocks_.lines, gemm_.columns);
        in_place_ = (blocks_.slices == 1 || map_.depths == 1) && layout_.is_in_place(map_);
        places_ = layout_.places(blocks_.slices, blocks_.lines,
                                 in_place_ ? map_.source.image : channels_ * plane_);
    }

    bool run(T* dw) {
        const long cuts = over(map_.channels, channels_);
        const long size = map_.channels * taps_ * ldc_;  // of one part's sums
        const long all = map_.groups * map_.parts * splits_ * size;
        const Scratch sums(static_cast<std::size_t>(all) * sizeof(T));
        if (sums.get() == nullptr) return false;
        parallel_chunks(map_.groups * map_.parts * splits_ * cuts, [&](long chunk) {
            const long whole = chunk / cuts, first = chunk % cuts * channels_;
            T* c = sums.as<T>() + whole * size + first * taps_ * ldc_;
            add_up(whole / splits_ / map_.parts, whole / splits_ % map_.parts,
                   whole % splits_, first, c);
        });
        if (failed_) return false;
        if (taps_ < map_.weight_part) clear(dw);
        std::vector<long> places;
        for (const Tap& tap : map_.taps) places.push_back(tap.weight);
        const long rows = map_.channels * taps_;
        const long grain = up_to(std::max(1L, 32 * 1024 / ldc_ / splits_), 16);
        const long pieces = over(rows, grain);
        parallel_chunks(map_.groups * map_.parts * pieces, [&](long chunk) {
            const long whole = chunk / pieces, first = chunk % pieces * grain;
            const long group = whole / map_.parts, part = whole % map_.parts;
            T* to = dw + group * map_.weight_group + part * map_.weight_part;
            kernels_.turn({sums.as<T>() + whole * splits_ * size, splits_, size, ldc_, first,
                           std::min(first + grain, rows), outs_, to,
                           map_.channels * of_.taps(), of_.taps(), places.data(), taps_});
        });
        return true;
    }

private:
    // Wide tiles suit whole panels of them, and many more than the last, of one vector.
    static bool suits_wide_tiles(long outs) {
        const GemmOf<T>& wide = wide_gemm_of<T>();
        return outs % wide.columns == 0 || over(outs, wide.lanes) > 4;
    }

    // Of taps that see nothing, the gradient is zero.
    void clear(T* dw) const {
        parallel_ranges(of_.outs * map_.channels * of_.taps(), 1 << 16,
                        [&](long first, long last) { std::fill(dw + first, dw + last, T(0)); });
    }

    // First channels are divided, then the blocks, whose sums are added up at the end.
    void choose_chunks() {
        const long rows = map_.channels * taps_;
        const long cuts = std::min(over(rows * ldc_, SUMS), over(rows, LEAST_ROWS));
        channels_ = over(map_.channels, std::min(cuts, map_.channels));
        const long chunks = map_.groups * map_.parts * over(map_.channels, channels_);
        const long work = of_.multiplications() / chunks;
        splits_ = std::min({blocks_.count(), over(CHUNKS, chunks), std::max(1L, work / GRAIN)});
    }

    // One chunk's sums: some channels, some blocks.
    void add_up(long group, long part, long split, long first, T* c) {
        const long count = std::min(channels_, map_.channels - first);
        const long staged = (in_place_ ? 0 : blocks_.slices * channels_ * plane_) + gemm_.columns;
        const long panel = blocks_.slices * blocks_.lines * map_.length * gemm_.columns;
        const Scratch scratch(static_cast<std::size_t>(staged + panel) * sizeof(T));
        if (scratch.get() == nullptr) {
            failed_ = true;
            return;
        }
        T* const planes = scratch.as<T>();
        T* const b = planes + staged;
        bool add = false;
        const long last = (split + 1) * blocks_.count() / splits_;
        for (long i = split * blocks_.count() / splits_; i < last; ++i) {
            const auto [slice, slices, line, lines] = blocks_.at(i);
            Correlation<T> sums{};
            sums.of = {planes, plane_, count, layout_.taps.data(), taps_, places_.data(),
                       layout_.merged ? lines * map_.length : map_.length};
            if (in_place_) {
                const T* from = map_.source_at(group, slice, part);
                if (from == nullptr) continue;
                sums.of.planes = from + first * map_.source.channel + line * map_.length;
                sums.of.plane = map_.source.channel;
            } else if (!stage(group, part, slice, slices, line, lines, first, count, planes)) {
                continue;
            }
            sums.first = 0;
            sums.last = count * taps_;
            sums.line_count = slices * (layout_.merged ? 1 : lines);
            sums.b = b;
            sums.ldc = ldc_;
            sums.add = add;
            for (long o = 0; o < outs_; o += gemm_.columns) {
                sums.columns = static_cast<int>(std::min<long>(gemm_.columns, outs_ - o));
                pack(group, slice, slices, line, lines, o, sums.columns, b);
                sums.c = c + o;
                (wide_ ? kernels_.correlate_wide : kernels_.correlate)(sums);
            }
            add = true;
        }
        if (!add) std::fill_n(c, count * taps_ * ldc_, T(0));
    }

    // False where the whole block lies outside of the image's depth.
    bool stage(long group, long part, long slice, long slices, long line, long lines,
               long first, long count, T* planes) const {
        bool any = false;
        for (long s = 0; s < slices; ++s) {
            const T* from = map_.source_at(group, slice + s, part);
            if (from != nullptr) any = true;
        }
        if (!any) return false;
        for (long s = 0; s < slices; ++s) {
            const T* from = map_.source_at(group, slice + s, part);
            if (from != nullptr) from += first * map_.source.channel;
            kernels_.stage(layout_.staging(map_, from, line, lines, count,
                                           planes + s * channels_ * plane_, plane_));
        }
        return true;
    }

    void pack(long group, long slice, long slices, long line, long lines, long o, int columns,
              T* b) const {
        const long pixels = lines * map_.length;
        for (long s = slice; s < slice + slices; ++s, b += pixels * gemm_.columns) {
            const T* from = g_.data + s / map_.depths * g_.image +
                            (group * outs_ + o) * g_.channel + s % map_.depths * g_.at[0] +
                            line * map_.length;
            gemm_.pack_b(from, g_.channel, 1, columns, pixels, b);
        }
    }

    const Convolution& of_;
    const Mapping<T> map_;
    const Layout<T> layout_;
    const Cube<T> g_;  // each slice's pixels lie side by side
    const long outs_;
    const bool wide_;
    const GemmOf<T>& gemm_;
    const ConvolutionOf<T>& kernels_;
    const long taps_, ldc_;
    const Blocks blocks_;
    long channels_, splits_, plane_;
    std::vector<long> places_;
    bool in_place_;
    std::atomic<bool> failed_{false};
};

}  // namespace

template <class T>
bool correlate(const Convolution& of, Cube<T> x, Cube<T> g, T* dw) {
    return Correlator<T>(of, x, g).run(dw);
}

template bool correlate(const Convolution&, Cube<float>, Cube<float>, float*);
template bool correlate(const Convolution&, Cube<double>, Cube<double>, double*);

}  // namespace lampas
