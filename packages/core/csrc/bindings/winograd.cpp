// Convolutions with 3 x 3 taps and stride 1, and their transposes, by Winograd's way.
#include <algorithm>
#include <atomic>
#include <vector>

#include "bindings/mapping.hpp"
#include "kernels/gemm.hpp"
#include "kernels/winograd.hpp"
#include "runtime/pool.hpp"

namespace lampas {
namespace {

// Tiles of a block: its 16 matrices should stay in the second-level cache.
constexpr long BLOCK = 10240, LEAST_TILES = 48, MOST_TILES = 160;
// Channels staged at once, rows whose products are held at once.
constexpr long STAGED = 16, ROWS = 32;
// From so many weights on, which the cache does not hold 16 times, one place after another
// is multiplied: each of its matrices is read once. Of images and results a place has up
// to so many entries, which are held for all 16, or MOST_TILES columns.
constexpr long MANY_WEIGHTS = 32 * 1024, PLACED = 512 * 1024;
// Fewer channels than these are not worth the transforms; nor are fewer tiles, of which
// the weight's own transform takes the more the larger it is.
constexpr long FEW_CHANNELS = 24, FEW_TILES = 32, WEIGHTS_OF_A_TILE = 8192;

// What both directions are: rows[m, i] = sum over channels and taps.
template <class T>
struct Plane {
    Cube<T> source;
    long images, groups, channels, rows;  // of a group
    long size[2], out[2], low[2];
    const T* weight;
    long across, along;  // of the weight: from row to row, from channel to channel
    bool mirrored;
    const T* bias;
    T* result;
};

// Whole images, or lines of tiles of one.
struct Part {
    long image, images, line, lines;
};

template <class T>
class Winograd {
public:
    explicit Winograd(const Plane<T>& plane)
        : of_(plane), gemm_(wide_gemm_of<T>()), kernels_(winograd_of<T>()),
          stage_(convolution_of<T>().stage) {
        down_ = over(of_.out[0], 2);
        tiles_ = over(of_.out[1], 2);
        by_places_ = of_.channels * of_.rows >= MANY_WEIGHTS;
        choose_parts();
        part_ = tiles_ + 1;
        plane_ = up_to((2 * lines_ + 2) * 2 * part_, gemm_.columns) + gemm_.columns;
        if (plane_ * sizeof(T) % 1024 == 0) plane_ += gemm_.columns;
        for (long i = 0; i < images_; ++i) {
            for (long l = 0; l < lines_; ++l) {
                places_.push_back(i * STAGED * plane_ + 4 * l * part_);
            }
        }
        // Whole vectors are written from each line's beginning on.
        row_ = up_to((images_ * lines_ - 1) * tiles_ + up_to(tiles_, gemm_.lanes), gemm_.lanes);
        if (row_ % (2 * gemm_.columns) == 0) row_ += gemm_.lanes;  // not on the same sets
        step_ = of_.channels * row_;
        const long others = by_places_ ? PLACES : of_.groups * parts();
        cut_ = rows_of_chunk(of_.rows, gemm_.rows, others,
                             by_places_ ? step_ : PLACES * step_);
    }

    // False where there is no memory; `finite` says whether the result holds.
    bool run(bool* finite) {
        weight_step_ = up_to(of_.rows, gemm_.rows) * of_.channels + 2 * gemm_.columns;
        const Scratch weight(bytes(of_.groups * PLACES * weight_step_));
        if (weight.get() == nullptr) return false;
        weight_ = weight.as<T>();
        transform_weight(weight.as<T>());
        const bool complete = by_places_ ? run_by_places() : run_by_parts();
        *finite = !infinite_;
        return complete && !failed_;
    }

private:
    static std::size_t bytes(long count) { return static_cast<std::size_t>(count) * sizeof(T); }

    long image_size() const { return PLACES * step_ + gemm_.columns; }
    long parts() const { return over(of_.images, images_) * over(down_, lines_); }
    long pieces() const { return over(of_.channels, STAGED); }

    // Each part by itself, where there are enough of them; else its rows in several chunks.
    bool run_by_parts() {
        const long cuts = over(of_.rows, cut_);
        const Scratch images(bytes(cuts > 1 ? of_.groups * parts() * image_size() : 1));
        if (images.get() == nullptr) return false;
        if (cuts > 1) {
            parallel_chunks(of_.groups * parts() * pieces(), [&](long chunk) {
                const long whole = chunk / pieces();
                transform(whole / parts(), part_at(whole % parts()), chunk % pieces() * STAGED,
                          images.as<T>() + whole * image_size());
            });
        }
        parallel_chunks(of_.groups * parts() * cuts, [&](long chunk) {
            const long whole = chunk / cuts;
            compute(whole / parts(), part_at(whole % parts()), chunk % cuts * cut_,
                    cuts > 1 ? images.as<T>() + whole * image_size() : nullptr);
        });
        return true;
    }

    bool run_by_places() {
        const long size = up_to(of_.rows, gemm_.rows) * row_, cuts = over(of_.rows, cut_);
        const Scratch scratch(bytes(image_size() + PLACES * size + gemm_.columns));
        T* const images = scratch.as<T>();
        T* const c = images + image_size();
        if (images == nullptr) return false;
        for (long whole = 0; whole < of_.groups * parts() && !failed_; ++whole) {
            const long group = whole / parts();
            const Part part = part_at(whole % parts());
            parallel_chunks(pieces(), [&](long piece) {
                transform(group, part, piece * STAGED, images);
            });
            parallel_chunks(PLACES * cuts, [&](long chunk) {
                const int place = static_cast<int>(chunk / cuts);
                const long row = chunk % cuts * cut_;
                multiply(group, part, place, row, std::min(cut_, of_.rows - row), images,
                         c + place * size + row * row_);
            });
            parallel_ranges(of_.rows, STAGED, [&](long row, long last) {
                put(group, part, row, last - row, c + row * row_, size);
            });
        }
        return true;
    }

    void choose_parts() {
        const long wanted =
            by_places_ ? std::max(PLACED / (of_.channels + of_.rows), MOST_TILES)
                       : std::clamp(BLOCK / of_.channels, LEAST_TILES, MOST_TILES);
        images_ = 1;
        lines_ = down_;
        if (2 * down_ * tiles_ <= wanted) {
            images_ = std::min(of_.images, wanted / (down_ * tiles_));
            images_ = over(of_.images, over(of_.images, images_));  // parts alike
        } else if (down_ * tiles_ > wanted + wanted / 4) {
            const long most = std::min(down_, std::max(1L, wanted / tiles_));
            lines_ = by_places_ ? over(down_, over(down_, most)) : filling(most);
        }
    }

    // At most so many lines of tiles, of which a tile takes the least time: that of its
    // vectors, and half of one more for a panel that is not full.
    long filling(long most) const {
        const auto halves = [&](long lines) {
            const long vectors = over(lines * tiles_, gemm_.lanes);
            return 2 * vectors + (vectors * gemm_.lanes % gemm_.columns != 0 ? 1 : 0);
        };
        long best = most;
        for (long lines = most - 1; lines > 0; --lines) {
            if (halves(lines) * best < halves(best) * lines) best = lines;
        }
        return best;
    }

    Part part_at(long index) const {
        const long across = over(down_, lines_);
        const long image = index / across * images_, line = index % across * lines_;
        return {image, std::min(images_, of_.images - image), line,
                std::min(lines_, down_ - line)};
    }

    void transform_weight(T* to) {
        // Whole panels, and whole vectors where these hold several panels.
        const long step = gemm_.lanes % gemm_.rows == 0 ? gemm_.lanes : gemm_.rows;
        const long length = up_to(std::max(1L, 4096 / of_.channels), step);
        const long pieces = over(of_.rows, length);
        parallel_chunks(of_.groups * pieces, [&](long chunk) {
            const long row = chunk % pieces * length, group = chunk / pieces;
            const T* from =
                of_.weight + row * of_.across + group * 9 * of_.rows * of_.channels;
            kernels_.weight({from, of_.across, of_.along, std::min(length, of_.rows - row),
                             of_.rows - row, of_.channels, of_.mirrored,
                             to + group * PLACES * weight_step_ + row * of_.channels,
                             weight_step_});
        });
    }

    // The matrices of STAGED channels from `first` on.
    void transform(long group, const Part& part, long first, T* to) {
        const Scratch scratch(bytes(images_ * STAGED * plane_ + gemm_.columns));
        if (scratch.get() == nullptr) {
            failed_ = true;
            return;
        }
        T* planes = scratch.as<T>();
        const long count = std::min(STAGED, of_.channels - first);
        const Cube<T>& source = of_.source;
        for (long i = 0; i < part.images; ++i) {
            const T* from = source.data + (part.image + i) * source.image +
                            (group * of_.channels + first) * source.channel;
            stage_({from, source.channel, source.at[1], source.at[2], of_.size[0],
                    of_.size[1], count, 2 * part.line - of_.low[0], 1, 2 * part.lines + 2,
                    -of_.low[1], 2, 2, part_, planes + i * STAGED * plane_, plane_});
        }
        kernels_.image({planes, plane_, part_, count, places_.data(),
                        part.images * part.lines, tiles_, to + first * row_, step_, row_});
    }

    void compute(long group, const Part& part, long row, const T* shared) {
        const long own = shared != nullptr ? 0 : image_size();
        const long held = up_to(ROWS, gemm_.rows);
        const Scratch scratch(bytes(own + PLACES * held * row_ + gemm_.columns));
        if (failed_ || scratch.get() == nullptr) {
            failed_ = true;
            return;
        }
        const T* images = shared;
        if (shared == nullptr) {
            for (long c = 0; c < of_.channels; c += STAGED) {
                transform(group, part, c, scratch.as<T>());
            }
            images = scratch.as<T>();
        }
        const long bottom = std::min(row + cut_, of_.rows);
        for (; row < bottom; row += held) {
            const long rows = std::min(held, bottom - row), size = up_to(rows, gemm_.rows) * row_;
            T* const c = scratch.as<T>() + own;
            for (int place = 0; place < PLACES; ++place) {
                multiply(group, part, place, row, rows, images, c + place * size);
            }
            put(group, part, row, rows, c, size);
        }
    }

    void multiply(long group, const Part& part, int place, long row, long rows,
                  const T* images, T* c) const {
        const T* weight = weight_ + (group * PLACES + place) * weight_step_ + row * of_.channels;
        gemm_.tile({up_to(rows, gemm_.rows),
                    up_to(part.images * part.lines * tiles_, gemm_.lanes), of_.channels,
                    {weight, gemm_.rows * of_.channels, 1, gemm_.rows},
                    {images + place * step_, gemm_.columns, 1, row_}, c, row_, nullptr, false});
    }

    // The products of a place lie `size` behind those of the one before.
    void put(long group, const Part& part, long row, long rows, const T* c, long size) {
        const long pixels = of_.out[0] * of_.out[1], first = group * of_.rows + row;
        const long height = std::min(2 * part.lines, of_.out[0] - 2 * part.line);
        for (long i = 0; i < part.images; ++i) {
            T* to = of_.result +
                    ((part.image + i) * of_.groups * of_.rows + first) * pixels +
                    2 * part.line * of_.out[1];
            const bool finite = kernels_.result(
                {c + i * part.lines * tiles_, size, row_, rows, tiles_, height,
                 of_.out[1], to, pixels, of_.bias == nullptr ? nullptr : of_.bias + first});
            if (!finite) infinite_ = true;
        }
    }

    const Plane<T>& of_;
    const GemmOf<T>& gemm_;
    const WinogradOf<T>& kernels_;
    void (*stage_)(const Staging<T>&);
    long down_, tiles_;  // lines of tiles of an image, tiles of a line
    bool by_places_;
    long images_, lines_, part_, plane_, row_, step_, cut_, weight_step_ = 0;
    std::vector<long> places_;
    const T* weight_ = nullptr;
    std::atomic<bool> failed_{false}, infinite_{false};
};

}  // namespace

bool suits_winograd(const Convolution& of) {
    const bool plain = of.kernel[0] == 1 && of.kernel[1] == 3 && of.kernel[2] == 3 &&
                       of.size[0] == 1 && of.out[0] == 1 && of.low[0] == 0 &&
                       of.stride[1] == 1 && of.stride[2] == 1 && of.dilation[1] == 1 &&
                       of.dilation[2] == 1;
    const long tiles = of.images * over(of.out[1], 2) * over(of.out[2], 2);
    const long pixels = of.images * of.out[1] * of.out[2];
    const long channels = of.channels_of_group(), outs = of.outs_of_group();
    return plain && channels >= FEW_CHANNELS && outs >= FEW_CHANNELS &&
           tiles >= FEW_TILES + channels * outs / WEIGHTS_OF_A_TILE &&
           10 * PLACES * tiles <= 7 * 9 * pixels;  // tiles are mostly inside the image
}

template <class T>
bool winograd_forward(const Convolution& of, Cube<T> x, const T* weight, const T* bias, T* y) {
    const Plane<T> plane{x, of.images, of.groups, of.channels_of_group(), of.outs_of_group(),
                         {of.size[1], of.size[2]}, {of.out[1], of.out[2]},
                         {of.low[1], of.low[2]}, weight, of.channels_of_group() * 9, 9, false,
                         bias, y};
    bool finite = true;
    if (!Winograd<T>(plane).run(&finite)) return false;
    return finite || convolve(of, x, weight, bias, y);
}

template <class T>
bool winograd_input(const Convolution& of, Cube<T> g, const T* weight, T* dx) {
    const Plane<T> plane{g, of.images, of.groups, of.outs_of_group(), of.channels_of_group(),
                         {of.out[1], of.out[2]}, {of.size[1], of.size[2]},
                         {2 - of.low[1], 2 - of.low[2]}, weight, 9,
                         of.channels_of_group() * 9, true, nullptr, dx};
    bool finite = true;
    if (!Winograd<T>(plane).run(&finite)) return false;
    return finite || convolve_back(of, g, weight, dx);
}

template bool winograd_forward(const Convolution&, Cube<float>, const float*, const float*,
                               float*);
template bool winograd_forward(const Convolution&, Cube<double>, const double*,
                               const double*, double*);
template bool winograd_input(const Convolution&, Cube<float>, const float*, float*);
template bool winograd_input(const Convolution&, Cube<double>, const double*, double*);

}  // namespace lampas
