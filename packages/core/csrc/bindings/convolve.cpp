// Convolution and its transpose by matrix products: the weight times the surroundings of
// a block of pixels at a time, which are packed from a staged copy of the image.
#include <atomic>

#include "bindings/mapping.hpp"
#include "kernels/gemm.hpp"
#include "runtime/pool.hpp"

namespace lampas {
namespace {

// So much of k at once that a panel of B stays in the first-level cache.
constexpr long K_BLOCK = 384;
// A block's panels of B, in entries: the second-level cache holds most of them.
constexpr long BLOCK = 96 * 1024, LEAST_PIXELS = 128, MOST_PIXELS = 512;
// Up to so many pixels in all, packing the weight costs more than it saves.
constexpr long FEW_PIXELS = 64;

template <class T>
class Convolver {
public:
    explicit Convolver(const Mapping<T>& map)
        : map_(map), layout_(map), gemm_(wide_gemm_of<T>()),
          kernels_(convolution_of<T>()), taps_(static_cast<long>(map.taps.size())),
          channels_(over(map.channels, std::min(over(map.k(), K_BLOCK), map.channels))),
          blocks_(map, std::clamp(BLOCK / (channels_ * taps_), LEAST_PIXELS, MOST_PIXELS)) {
        rows_ = rows_of_chunk(map.rows, gemm_.rows, map.groups * blocks_.count(),
                              pixels() * map.k() * map.parts);
        plane_ = layout_.plane_of(blocks_.lines, gemm_.columns);
        const bool one = blocks_.slices == 1;
        direct_ = one && map.to_pixel == 1 && map.to_line == map.length;
        // What is packed reaches a vector behind an image, into the next one.
        const bool next = map.depths == 1 && map.source.image >= gemm_.lanes;
        in_place_ = (one || next) && layout_.is_in_place(map);
        places_ = layout_.places(blocks_.slices, blocks_.lines,
                                 in_place_ ? map.source.image : channels_ * plane_);
    }

    bool run() {
        const long rows = up_to(map_.rows, gemm_.rows);
        weight_part_ = rows * map_.k();
        const long size = map_.groups * map_.parts * weight_part_;
        packs_ = map_.slices() * map_.lines * map_.length > FEW_PIXELS || !is_in_order();
        const Scratch weight(packs_ ? static_cast<std::size_t>(size) * sizeof(T) : 0);
        if (packs_ && weight.get() == nullptr) return false;
        if (packs_) pack_weight(weight.as<T>());
        cuts_ = over(map_.rows, rows_);
        if (cuts_ > 1) return run_shared();
        parallel_chunks(wholes(), [&](long chunk) { compute(chunk); });
        return !failed_;
    }

private:
    long pixels() const { return blocks_.slices * blocks_.lines * map_.length; }
    long pixels_of(const Block& block) const {
        return block.slices * block.lines * map_.length;
    }
    long wholes() const { return map_.groups * blocks_.count(); }
    long pieces() const { return over(map_.channels, channels_); }

    // Whether a row of the weight is a row of A as it lies.
    bool is_in_order() const {
        if (map_.parts > 1 || map_.weight_channel != taps_) return false;
        for (long t = 0; t < taps_; ++t) {
            if (map_.taps[static_cast<std::size_t>(t)].weight != t) return false;
        }
        return true;
    }

    void pack_weight(T* packed) {
        packed_ = packed;
        const long panels = over(map_.rows, gemm_.rows), count = map_.groups * map_.parts;
        std::vector<long> taps;
        for (const Tap& tap : map_.taps) taps.push_back(tap.weight);
        const bool plain = is_in_order();
        const long grain = std::max(1L, 16 * 1024 / (gemm_.rows * map_.k()));
        parallel_ranges(count * panels, grain, [&](long first, long last) {
            for (long i = first; i < last; ++i) {
                const long part = i / panels, row = i % panels * gemm_.rows;
                const T* from = map_.weight + part / map_.parts * map_.weight_group +
                                part % map_.parts * map_.weight_part + row * map_.weight_row;
                T* to = packed + part * weight_part_ + row * map_.k();
                const long rows = std::min<long>(gemm_.rows, map_.rows - row);
                if (plain) {
                    gemm_.pack_a(from, map_.weight_row, 1, rows, map_.k(), to);
                } else {
                    kernels_.pack_weight(from, map_.weight_row, map_.weight_channel,
                                         map_.channels, taps.data(), taps_, rows, to);
                }
            }
        });
    }

    bool has_source(long group, const Block& block, long part) const {
        for (long s = 0; s < block.slices; ++s) {
            if (map_.source_at(group, block.slice + s, part) != nullptr) return true;
        }
        return false;
    }

    // Of one block's panels of B for one block of channels, with what is written behind.
    long panels_size() const {
        return up_to(pixels(), gemm_.columns) * channels_ * taps_ + gemm_.columns;
    }

    long staged_size() const {
        return (in_place_ ? 0 : blocks_.slices * channels_ * plane_) + gemm_.columns;
    }

    // Several chunks read the same panels: one block of k after another, so that they stay
    // in the second-level cache. While it is multiplied, those of the next are packed.
    bool run_shared() {
        const long steps = map_.parts * pieces(), sides = std::min(steps, 2L);
        const long side = wholes() * panels_size();
        const long results = direct_ ? 0 : wholes() * map_.rows * pixels();
        const Scratch scratch(static_cast<std::size_t>(side * sides + results) * sizeof(T));
        T* const shared = scratch.as<T>();
        if (shared == nullptr) return false;
        const auto pack = [&](long step, long whole) {
            pack_shared(step, whole, shared + step % sides * side + whole * panels_size());
        };
        parallel_chunks(wholes(), [&](long whole) { pack(0, whole); });
        for (long step = 0; step < steps && !failed_; ++step) {
            const long ahead = step + 1 < steps ? wholes() : 0;
            const auto pack_ahead = [&](long whole) { pack(step + 1, whole); };
            parallel_both(ahead, pack_ahead, wholes() * cuts_, [&](long chunk) {
                const long whole = chunk / cuts_, row = chunk % cuts_ * rows_;
                const T* b = shared + step % sides * side + whole * panels_size();
                T* c = shared + side * sides + whole * map_.rows * pixels();
                multiply_shared(step, whole, row, b, c);
            });
        }
        return !failed_;
    }

    void pack_shared(long step, long whole, T* to) {
        const long part = step / pieces(), first = step % pieces() * channels_;
        const long group = whole / blocks_.count();
        const Block block = blocks_.at(whole % blocks_.count());
        if (!has_source(group, block, part)) return;
        const Scratch staged(static_cast<std::size_t>(staged_size()) * sizeof(T));
        if (staged.get() == nullptr) failed_ = true;
        else pack_block(group, block, part, first, staged.as<T>(), to);
    }

    // results: those of the whole block, where they do not go to their places at once.
    void multiply_shared(long step, long whole, long row, const T* b, T* results) {
        const long part = step / pieces(), first = step % pieces() * channels_;
        const long group = whole / blocks_.count();
        const Block block = blocks_.at(whole % blocks_.count());
        const long count = pixels_of(block), rows = std::min(rows_, map_.rows - row);
        T* const c = direct_ ? target(group, block, row) : results + row * count;
        const long ldc = direct_ ? map_.to_row : count;
        const bool has = has_source(group, block, part);
        bool add = has && first > 0;
        for (long p = 0; p < part && !add; ++p) add = has_source(group, block, p);
        if (has) {
            multiply(group, part, row, rows, first, count, b, c, ldc, add);
        } else if (step + 1 == map_.parts * pieces() && !add) {
            clear(c, ldc, rows, count);
        }
        if (step + 1 == map_.parts * pieces()) finish(group, block, row, rows, c, ldc);
    }

    // All rows of a block of pixels, by panels of its own.
    void compute(long whole) {
        const long group = whole / blocks_.count();
        const Block block = blocks_.at(whole % blocks_.count());
        const long count = pixels_of(block);
        const long result = direct_ ? 0 : map_.rows * count;
        const Scratch scratch(
            static_cast<std::size_t>(staged_size() + panels_size() + result) * sizeof(T));
        if (scratch.get() == nullptr) {
            failed_ = true;
            return;
        }
        T* const planes = scratch.as<T>();
        T* const panels = planes + staged_size();
        T* const c = direct_ ? target(group, block, 0) : panels + panels_size();
        const long ldc = direct_ ? map_.to_row : count;
        bool add = false;
        for (long part = 0; part < map_.parts; ++part) {
            if (!has_source(group, block, part)) continue;
            for (long first = 0; first < map_.channels; first += channels_) {
                pack_block(group, block, part, first, planes, panels);
                multiply(group, part, 0, map_.rows, first, count, panels, c, ldc, add);
                add = true;
            }
        }
        if (!add) clear(c, ldc, map_.rows, count);
        finish(group, block, 0, map_.rows, c, ldc);
    }

    T* target(long group, const Block& block, long row) const {
        return map_.target_at(group * map_.rows + row, block.slice, block.line);
    }

    static void clear(T* c, long ldc, long rows, long count) {
        for (long i = 0; i < rows; ++i) std::fill_n(c + i * ldc, count, T(0));
    }

    long channels_from(long first) const { return std::min(channels_, map_.channels - first); }

    void pack_block(long group, const Block& block, long part, long first, T* planes,
                    T* b) const {
        const long count = channels_from(first), pixels = pixels_of(block);
        if (in_place_) {
            const T* from = map_.source_at(group, block.slice, part) +
                            first * map_.source.channel + block.line * map_.length;
            if (block.slices == 1) {
                gemm_.pack_b(from, 1, map_.source.channel, pixels, count, b);
            } else {
                kernels_.pack({from, map_.source.channel, count, layout_.taps.data(), 1,
                               places_.data(), map_.lines * map_.length}, 0, pixels, b);
            }
            return;
        }
        for (long s = 0; s < block.slices; ++s) {
            const T* from = map_.source_at(group, block.slice + s, part);
            if (from != nullptr) from += first * map_.source.channel;
            kernels_.stage(layout_.staging(map_, from, block.line, block.lines, count,
                                           planes + s * channels_ * plane_, plane_));
        }
        const long length = layout_.merged ? block.lines * map_.length : map_.length;
        kernels_.pack({planes, plane_, count, layout_.taps.data(), taps_, places_.data(),
                       length}, 0, pixels, b);
    }

    void multiply(long group, long part, long row, long rows, long first, long pixels,
                  const T* b, T* c, long ldc, bool add) const {
        Tile<T> tile{};
        tile.rows = rows;
        tile.columns = pixels;
        tile.k = channels_from(first) * taps_;
        tile.b = {b, tile.k * gemm_.columns, 1, gemm_.columns};
        if (packs_) {
            tile.a = {packed_ + (group * map_.parts + part) * weight_part_ +
                          row * map_.k() + first * taps_ * gemm_.rows,
                      map_.k() * gemm_.rows, 1, gemm_.rows};
        } else {
            tile.a = {map_.weight + group * map_.weight_group + row * map_.weight_row +
                          first * taps_,
                      gemm_.rows * map_.weight_row, map_.weight_row, 1};
        }
        tile.c = c;
        tile.ldc = ldc;
        tile.add = add;
        gemm_.tile(tile);
    }

    // Add the bias, and put what lies apart where it belongs.
    void finish(long group, const Block& block, long row, long rows, T* c, long ldc) const {
        if (direct_ && map_.bias == nullptr) return;
        const long line = direct_ ? block.lines * map_.length : map_.length;
        const long lines = direct_ ? 1 : block.lines;
        for (long i = 0; i < rows; ++i) {
            const T bias = map_.bias == nullptr ? T(0) : map_.bias[group * map_.rows + row + i];
            const T* from = c + i * ldc;
            for (long s = 0; s < block.slices; ++s) {
                for (long l = 0; l < lines; ++l, from += line) {
                    T* to = map_.target_at(group * map_.rows + row + i, block.slice + s,
                                           block.line + l);
                    if (map_.to_pixel == 1) {
                        for (long q = 0; q < line; ++q) to[q] = from[q] + bias;
                    } else {
                        for (long q = 0; q < line; ++q) to[q * map_.to_pixel] = from[q] + bias;
                    }
                }
            }
        }
    }

    const Mapping<T>& map_;
    const Layout<T> layout_;
    const GemmOf<T>& gemm_;
    const ConvolutionOf<T>& kernels_;
    const long taps_, channels_;
    const Blocks blocks_;
    long rows_, cuts_ = 1, plane_, weight_part_ = 0;
    std::vector<long> places_;  // of the lines in the staged planes
    bool direct_, in_place_, packs_ = true;
    const T* packed_ = nullptr;
    std::atomic<bool> failed_{false};
};

// The taps by which pixels at `row` and `column` modulo the stride were seen.
template <class T>
void set_phase(const Convolution& of, long row, long column, Mapping<T>* map) {
    map->taps.clear();
    for (long i = 0; i < of.kernel[1]; ++i) {
        const long down = row + of.low[1] - i * of.dilation[1];
        if (down % of.stride[1] != 0) continue;
        for (long j = 0; j < of.kernel[2]; ++j) {
            const long right = column + of.low[2] - j * of.dilation[2];
            if (right % of.stride[2] != 0) continue;
            map->taps.push_back({down / of.stride[1], right / of.stride[2],
                                 i * of.kernel[2] + j});
        }
    }
    map->lines = over(of.size[1] - row, of.stride[1]);
    map->length = over(of.size[2] - column, of.stride[2]);
    if (!map->taps.empty()) map->drop_blind_taps();
}

}  // namespace

template <class T>
bool convolve(const Convolution& of, Cube<T> x, const T* weight, const T* bias, T* y) {
    Mapping<T> map = forward_mapping(of, x);
    map.weight = weight;
    map.weight_row = of.channels_of_group() * of.taps();
    map.weight_channel = of.taps();
    map.result = y;
    map.bias = bias;
    map.rows = of.outs_of_group();
    map.to_row = of.out_size();
    map.to_image = of.outs * map.to_row;
    map.to_depth = of.out[1] * of.out[2];
    map.to_line = of.out[2];
    map.to_pixel = 1;
    return Convolver<T>(map).run();
}

template <class T>
bool convolve_back(const Convolution& of, Cube<T> g, const T* weight, T* dx) {
    Mapping<T> map = shared_mapping(of, g);
    map.weight = weight;
    map.channels = of.outs_of_group();
    std::copy_n(of.out, 3, map.size);
    map.depth_step = 1;
    map.depth_base = of.low[0];
    map.depth_part = -of.dilation[0];
    map.depth_divisor = of.stride[0];
    map.step[0] = map.step[1] = 1;
    map.weight_row = of.taps();
    map.weight_channel = of.channels_of_group() * of.taps();
    map.rows = of.channels_of_group();
    map.depths = of.size[0];
    map.to_row = of.image_size();
    map.to_image = of.channels * map.to_row;
    map.to_depth = of.size[1] * of.size[2];
    map.to_line = of.size[2] * of.stride[1];
    map.to_pixel = of.stride[2];
    // What no tap sees gets zeros.
    const auto sees_all = [&](int d) { return of.kernel[d] >= of.stride[d] && of.dilation[d] == 1; };
    if (!sees_all(1) || !sees_all(2)) {
        parallel_ranges(of.images * map.to_image, 1 << 16, [&](long first, long last) {
            std::fill(dx + first, dx + last, T(0));
        });
    }
    for (long row = 0; row < std::min(of.stride[1], of.size[1]); ++row) {
        for (long column = 0; column < std::min(of.stride[2], of.size[2]); ++column) {
            set_phase(of, row, column, &map);
            if (map.taps.empty()) continue;
            map.result = dx + row * of.size[2] + column;
            if (!Convolver<T>(map).run()) return false;
        }
    }
    return true;
}

template bool convolve(const Convolution&, Cube<float>, const float*, const float*, float*);
template bool convolve(const Convolution&, Cube<double>, const double*, const double*,
                       double*);
template bool convolve_back(const Convolution&, Cube<float>, const float*, float*);
template bool convolve_back(const Convolution&, Cube<double>, const double*, double*);

}  // namespace lampas
