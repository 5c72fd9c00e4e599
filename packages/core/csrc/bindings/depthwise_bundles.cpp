// Depthwise convolutions of small planes. Channels lie side by side in vectors, so that
// rows of any length and any stride cost what they multiply; which positions meet is
// written down once as a program.
#include "kernels/bundle.hpp"

#include <algorithm>
#include <cstring>

#include "bindings/depthwise.hpp"
#include "runtime/scratch.hpp"

namespace lampas {
namespace {

constexpr long MOST_IMAGES = 8;     // whose bundles are made and added up together
constexpr long MOST_PARTS = 16;     // of the images that one bundle's weight meets
constexpr long CACHED = 32 * 1024;  // bytes of a first-level cache

template <class T> const BundleOf<T>& kernels();
template <> const BundleOf<float>& kernels() { return bundle_kernels().f32; }
template <> const BundleOf<double>& kernels() { return bundle_kernels().f64; }

// The results that a tap meets inside the image, in one dimension.
struct Range {
    long first, last;
};

Range results_of(const Convolution& c, int d, long tap) {
    const long ahead = c.low[d] - tap * c.dilation[d];  // of the image's first position
    const long first = std::max(0L, over(std::max(0L, ahead), c.stride[d]));
    const long end = c.size[d] + ahead;
    return {first, end <= 0 ? 0 : std::min(c.out[d], over(end, c.stride[d]))};
}

// Calls body(position of the image, of the result, tap) wherever they meet.
template <class Body>
void each_meeting(const Convolution& c, const Body& body) {
    const auto image = [&](int d, long o, long t) {
        return o * c.stride[d] + t * c.dilation[d] - c.low[d];
    };
    long tap = 0;
    for (long t0 = 0; t0 < c.kernel[0]; ++t0) {
        const Range r0 = results_of(c, 0, t0);
        for (long t1 = 0; t1 < c.kernel[1]; ++t1) {
            const Range r1 = results_of(c, 1, t1);
            for (long t2 = 0; t2 < c.kernel[2]; ++t2, ++tap) {
                const Range r2 = results_of(c, 2, t2);
                for (long i = r0.first; i < r0.last; ++i) {
                    for (long j = r1.first; j < r1.last; ++j) {
                        const long slice = image(0, i, t0) * c.size[1];
                        const long row = (slice + image(1, j, t1)) * c.size[2];
                        const long result = (i * c.out[1] + j) * c.out[2];
                        for (long k = r2.first; k < r2.last; ++k) {
                            body(row + image(2, k, t2), result + k, tap);
                        }
                    }
                }
            }
        }
    }
}

// What is added up to what: the positions of the result, of the image, or the taps.
enum class Sum { result, image, tap };

struct Meeting {
    long sum;
    Pair pair;
};

Meeting meeting_of(Sum of, long i, long o, long t) {
    const auto image = static_cast<std::uint16_t>(i), result = static_cast<std::uint16_t>(o);
    const auto tap = static_cast<std::uint16_t>(t);
    if (of == Sum::result) return {o, {image, tap}};
    if (of == Sum::image) return {i, {result, tap}};
    return {t, {image, result}};
}

// A program in memory of its own: pairs sorted by their sums.
class ProgramMemory {
public:
    ProgramMemory(const Convolution& c, Sum of)
        : sums_(of == Sum::result ? c.out_size() : of == Sum::image ? c.image_size() : c.taps()),
          memory_(static_cast<std::size_t>(sums_ + 2) * sizeof(std::int32_t) +
                  static_cast<std::size_t>(c.out_size() * c.taps()) * sizeof(Pair)) {
        if (memory_.get() == nullptr) return;
        auto* next = memory_.as<std::int32_t>();  // starts, but one place further on
        std::memset(next, 0, static_cast<std::size_t>(sums_ + 2) * sizeof(std::int32_t));
        each_meeting(c, [&](long i, long o, long t) { ++next[meeting_of(of, i, o, t).sum + 2]; });
        for (long s = 0; s < sums_; ++s) next[s + 2] += next[s + 1];
        auto* pairs = reinterpret_cast<Pair*>(next + sums_ + 2);
        each_meeting(c, [&](long i, long o, long t) {
            const Meeting m = meeting_of(of, i, o, t);
            pairs[next[m.sum + 1]++] = m.pair;
        });
        program_ = {pairs, next, sums_};
    }
    bool made() const { return memory_.get() != nullptr; }
    const Program& get() const { return program_; }

private:
    long sums_;
    Scratch memory_;
    Program program_{};
};

template <class T>
long bundle_size(long positions) {
    return positions * kernels<T>().lanes + 64 / static_cast<long>(sizeof(T));
}

// Bundles of an operand, whichever way it lies.
template <class T>
class Bundler {
public:
    Bundler(const Cube<T>& x, const long* size)
        : x_(x),
          size_(size),
          positions_(size[0] * size[1] * size[2]),
          dense_(is_dense(x, size)) {}

    // Elements from one bundle to the next: not a power of two, as caches have sets.
    long size() const { return bundle_size<T>(positions_); }

    void gather(long image, long channel, int count, T* to) const {
        const T* from = x_.data + image * x_.image + channel * x_.channel;
        if (dense_) {
            kernels<T>().gather(from, x_.channel, count, positions_, to);
            return;
        }
        for (long i = 0; i < size_[0]; ++i) {
            for (long j = 0; j < size_[1]; ++j) {
                for (long k = 0; k < size_[2]; ++k) {
                    to = gather_one(from + i * x_.at[0] + j * x_.at[1] + k * x_.at[2], count, to);
                }
            }
        }
    }

private:
    T* gather_one(const T* from, int count, T* to) const {
        for (int c = 0; c < kernels<T>().lanes; ++c) {
            *to++ = c < count ? from[c * x_.channel] : T(0);
        }
        return to;
    }

    const Cube<T>& x_;
    const long* size_;
    long positions_;
    bool dense_;
};

// A bundle of each of some images: which, and of which channels.
struct Unit {
    long image, images, channel;
    int count;
};

// Units are numbered through the channels of `together` images, then through those of the next.
Unit unit_numbered(const Convolution& c, int lanes, long together, long number) {
    const long bundles = over(c.channels, lanes);
    const long image = number / bundles * together, channel = number % bundles * lanes;
    return {image, std::min(together, c.images - image), channel,
            static_cast<int>(std::min<long>(lanes, c.channels - channel))};
}

// The forward pass and the input's gradient: `size` is that of the operand's planes.
template <class T>
bool combine(const Convolution& c, Sum of, Cube<T> x, const long* size, const T* weight,
             const T* bias, T* y) {
    const BundleOf<T>& kernel = kernels<T>();
    const ProgramMemory program(c, of);
    if (!program.made()) return false;
    const Bundler<T> bundler(x, size);
    const long lanes = kernel.lanes, taps = c.taps(), results = program.get().sums;
    const long together = MOST_IMAGES, to_image = bundle_size<T>(results);
    const long units = over(c.channels, lanes) * over(c.images, together);
    const long work = std::min(c.images, together) * lanes * c.out_size() * taps;
    const long elements = (bundler.size() + to_image) * together + (taps + 1) * lanes;
    const std::size_t bytes = static_cast<std::size_t>(elements) * sizeof(T);
    const auto some = [&](const Scratch& memory, long first, long last) {
        T* weights = memory.as<T>();
        T* shift = weights + taps * lanes;
        T* from = shift + lanes;
        T* to = from + bundler.size() * together;
        for (long number = first; number < last; ++number) {
            const Unit unit = unit_numbered(c, kernel.lanes, together, number);
            kernel.gather(weight + unit.channel * taps, taps, unit.count, taps, weights);
            for (int i = 0; i < lanes; ++i) {
                shift[i] = bias != nullptr && i < unit.count ? bias[unit.channel + i] : T(0);
            }
            for (long n = 0; n < unit.images; ++n) {
                bundler.gather(unit.image + n, unit.channel, unit.count,
                               from + n * bundler.size());
            }
            kernel.combine(program.get(), weights, shift, unit.images, from, bundler.size(), to,
                           to_image);
            for (long n = 0; n < unit.images; ++n) {
                T* plane = y + ((unit.image + n) * c.channels + unit.channel) * results;
                kernel.scatter(to + n * to_image, results, unit.count, results, plane);
            }
        }
    };
    return parallel_scratch(units, units_of_chunk(work), bytes, some);
}

template <class T>
bool forward(const Convolution& c, Cube<T> x, const T* weight, const T* bias, T* y) {
    return combine(c, Sum::result, x, c.size, weight, bias, y);
}

template <class T>
bool input(const Convolution& c, Cube<T> g, const T* weight, T* dx) {
    return combine<T>(c, Sum::image, g, c.out, weight, nullptr, dx);
}

// The totals of a bundle in its parts, added up.
template <class T>
void write_weights(const Unit& unit, const double* totals, long taps, long parts, T* dw) {
    const long lanes = kernels<T>().lanes;
    for (long i = 0; i < unit.count; ++i) {
        T* to = dw + (unit.channel + i) * taps;
        for (long t = 0; t < taps; ++t) {
            double sum = 0;
            for (long p = 0; p < parts; ++p) sum += totals[(p * taps + t) * lanes + i];
            to[t] = static_cast<T>(sum);
        }
    }
}

template <class T>
bool weight(const Convolution& c, Cube<T> x, Cube<T> g, T* dw) {
    const BundleOf<T>& kernel = kernels<T>();
    const ProgramMemory program(c, Sum::tap);
    const Bundler<T> of_x(x, c.size), of_g(g, c.out);
    const long sums = c.taps() * kernel.lanes, bundles = over(c.channels, kernel.lanes);
    const long both = (of_x.size() + of_g.size()) * static_cast<long>(sizeof(T));
    const long together = MOST_IMAGES * both <= CACHED ? MOST_IMAGES : MOST_IMAGES / 2;
    const long groups = over(c.images, together);
    const long work = c.images * c.out_size() * sums;  // of a bundle
    const long parts = std::max(1L, std::min({groups, work / CHUNK_WORK, MOST_PARTS}));
    const Scratch memory(static_cast<std::size_t>(bundles * parts * sums) * sizeof(double));
    if (!program.made() || memory.get() == nullptr) return false;
    const auto some = [&](const Scratch& gathered, long first, long last) {
        T* a = gathered.template as<T>();
        T* b = a + of_x.size() * together;
        for (long at = first; at < last; ++at) {
            double* totals = memory.as<double>() + at * sums;
            std::memset(totals, 0, static_cast<std::size_t>(sums) * sizeof(double));
            const long part = at % parts;
            for (long n = part * groups / parts; n < (part + 1) * groups / parts; ++n) {
                const long number = n * bundles + at / parts;
                const Unit unit = unit_numbered(c, kernel.lanes, together, number);
                for (long i = 0; i < unit.images; ++i) {
                    of_x.gather(unit.image + i, unit.channel, unit.count, a + i * of_x.size());
                    of_g.gather(unit.image + i, unit.channel, unit.count, b + i * of_g.size());
                }
                kernel.correlate(program.get(), unit.images, a, of_x.size(), b, of_g.size(),
                                 totals);
            }
        }
    };
    if (!parallel_scratch(bundles * parts, units_of_chunk(over(work, parts)),
                          static_cast<std::size_t>(both * together), some)) {
        return false;
    }
    parallel_ranges(bundles, units_of_chunk(sums * parts * 16), [&](long first, long last) {
        for (long at = first; at < last; ++at) {
            const Unit unit = unit_numbered(c, kernel.lanes, together, at);
            write_weights(unit, memory.as<double>() + at * parts * sums, c.taps(), parts, dw);
        }
    });
    return true;
}

}  // namespace

template <class T>
const ConvolutionForms<T>& depthwise_by_bundles() {
    static constexpr ConvolutionForms<T> forms{forward<T>, input<T>, weight<T>};
    return forms;
}
template const ConvolutionForms<float>& depthwise_by_bundles<float>();
template const ConvolutionForms<double>& depthwise_by_bundles<double>();

}  // namespace lampas
