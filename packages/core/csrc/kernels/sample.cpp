#include "kernels/sample.hpp"

#include "kernels/taps.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

// All channels take the same elements: their places are brought together, and made short,
// once.
LAMPAS_INLINE void gather_places(const Points& how, const std::int64_t* index,
                                 std::int32_t* near, long first, long last) {
    const long count = last - first;
    for (long k = 0; k < how.taps; ++k) {
        const std::int64_t* from = index + k * how.points + first;
        for (long p = 0; p < count; ++p) near[k * count + p] = static_cast<std::int32_t>(from[p]);
    }
}

template <class T>
void sample(const Points& how, const T* x, const T* weight, const std::int64_t* index, T* y,
            std::int32_t* near, long first, long last) {
    gather_places(how, index, near, first, last);
    const long count = last - first;
    const Planes<T> planes = {x, y + first, how.size, how.points};
    sum_taps(planes, how.channels, weight + first, how.points, near, how.taps, count);
}

template <class T>
void match(const Points& how, const T* g, const T* x, const std::int64_t* index, T* result,
           std::int32_t* near, long first, long last) {
    gather_places(how, index, near, first, last);
    const long count = last - first;
    for (long k = 0; k < how.taps; ++k) {
        T* to = result + k * how.points + first;
        std::memset(to, 0, static_cast<std::size_t>(count) * sizeof(T));
    }
    for (long c = 0; c < how.channels; ++c) {
        const T *from = x + c * how.size, *slope = g + c * how.points + first;
        match_taps(slope, from, near, how.taps, count, result + first, how.points);
    }
}

template <class T>
void spread(const Points& how, const T* g, const T* weight, const std::int64_t* index, T* x,
            long first, long last) {
    // Taps one after the other: neighbouring points rarely share an element then.
    for (long k = 0; k < how.taps; ++k) {
        const T* w = weight + k * how.points;
        const std::int64_t* at = index + k * how.points;
        for (long p = first; p < last; ++p) x[at[p]] += w[p] * g[p];
    }
}

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

#define LOOPS(T) {sample<T>, match<T>, spread<T>}

const SampleKernels LAMPAS_PATH_OF(sampler) = {LOOPS(float), LOOPS(double)};

}  // namespace lampas
