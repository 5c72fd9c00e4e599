#include "kernels/bundle.hpp"

#include "kernels/transpose.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

// Tiles of positions; the last one ends where the plane does and may overlap another.
template <class T, class Body>
LAMPAS_INLINE void each_tile(long positions, const Body& body) {
    constexpr long L = lanes<T>;
    for (long p = 0; p < positions; p += L) body(p + L <= positions ? p : positions - L);
}

template <class T, bool ALL>
LAMPAS_INLINE void gather_tiles(const T* from, long channel, int count, long positions, T* to) {
    constexpr int L = lanes<T>;
    each_tile<T>(positions, [&](long p) {
        vec<T> tile[L];
        for (int c = 0; c < L; ++c) {
            tile[c] = ALL || c < count ? load(from + c * channel + p) : vec<T>{};
        }
        transpose<T>(tile);
        for (int i = 0; i < L; ++i) store<T>(to + (p + i) * L, tile[i]);
    });
}

template <class T>
void gather(const T* from, long channel, int count, long positions, T* to) {
    constexpr int L = lanes<T>;
    if (positions < L) {
        for (long p = 0; p < positions; ++p) {
            for (int c = 0; c < L; ++c) to[p * L + c] = c < count ? from[c * channel + p] : T(0);
        }
    } else if (count == L) {
        gather_tiles<T, true>(from, channel, count, positions, to);
    } else {
        gather_tiles<T, false>(from, channel, count, positions, to);
    }
}

template <class T, bool ALL>
LAMPAS_INLINE void scatter_tiles(const T* from, long channel, int count, long positions, T* to) {
    constexpr int L = lanes<T>;
    each_tile<T>(positions, [&](long p) {
        vec<T> tile[L];
        for (int i = 0; i < L; ++i) tile[i] = load(from + (p + i) * L);
        transpose<T>(tile);
        for (int c = 0; c < L; ++c) {
            if (ALL || c < count) store<T>(to + c * channel + p, tile[c]);
        }
    });
}

template <class T>
void scatter(const T* from, long channel, int count, long positions, T* to) {
    constexpr int L = lanes<T>;
    if (positions < L) {
        for (long p = 0; p < positions; ++p) {
            for (int c = 0; c < count; ++c) to[c * channel + p] = from[p * L + c];
        }
    } else if (count == L) {
        scatter_tiles<T, true>(from, channel, count, positions, to);
    } else {
        scatter_tiles<T, false>(from, channel, count, positions, to);
    }
}

// Runs body(pair, chain) over the pairs of a sum, in CHAINS that don't wait for each other.
template <int CHAINS, class Body>
LAMPAS_INLINE void each_pair(const Program& program, long sum, const Body& body) {
    std::int32_t k = program.starts[sum];
    const std::int32_t end = program.starts[sum + 1];
    for (; k + CHAINS <= end; k += CHAINS) {
#pragma GCC unroll 4
        for (int u = 0; u < CHAINS; ++u) body(program.pairs[k + u], u);
    }
    if (CHAINS > 1) {
        for (; k < end; ++k) body(program.pairs[k], 0);
    }
}

// N images at once, for one load of a weight.
template <class T, int N, int CHAINS>
void combine_some(const Program& program, const T* weights, vec<T> bias, const T* from,
                  long from_image, T* to, long to_image) {
    constexpr int L = lanes<T>;
    for (long i = 0; i < program.sums; ++i) {
        vec<T> sum[CHAINS][N] = {};
        for (int n = 0; n < N; ++n) sum[0][n] = bias;
        each_pair<CHAINS>(program, i, [&](Pair pair, int u) {
            const vec<T> weight = load(weights + pair.second * L);
            const T* at = from + pair.first * L;
#pragma GCC unroll 8
            for (int n = 0; n < N; ++n) sum[u][n] += weight * load(at + n * from_image);
        });
        for (int n = 0; n < N; ++n) {
            for (int u = 1; u < CHAINS; ++u) sum[0][n] += sum[u][n];
            store<T>(to + n * to_image + i * L, sum[0][n]);
        }
    }
}

template <int IMAGES, int CHAINS>
struct Group {
    static constexpr int images = IMAGES, chains = CHAINS;
};

// Calls body with the largest of 8, 4, 2 and 1 images, and the chains that go with it,
// until there are none left.
template <class Body>
LAMPAS_INLINE void each_group(long images, const Body& body) {
    long n = 0;
    for (; n + 8 <= images; n += 8) body(Group<8, 1>{}, n);
    for (; n + 4 <= images; n += 4) body(Group<4, 2>{}, n);
    for (; n + 2 <= images; n += 2) body(Group<2, 4>{}, n);
    for (; n < images; ++n) body(Group<1, 4>{}, n);
}

template <class T>
void combine(const Program& program, const T* weights, const T* bias, long images, const T* from,
             long from_image, T* to, long to_image) {
    each_group(images, [&](auto group, long n) {
        combine_some<T, group.images, group.chains>(program, weights, load(bias),
                                                    from + n * from_image, from_image,
                                                    to + n * to_image, to_image);
    });
}

template <class T, int N, int CHAINS>
void correlate_some(const Program& program, const T* a, long a_image, const T* b, long b_image,
                    double* totals) {
    constexpr int L = lanes<T>;
    for (long i = 0; i < program.sums; ++i) {
        vec<T> sum[CHAINS][N] = {};
        each_pair<CHAINS>(program, i, [&](Pair pair, int u) {
            const T* first = a + pair.first * L;
            const T* second = b + pair.second * L;
#pragma GCC unroll 8
            for (int n = 0; n < N; ++n) {
                sum[u][n] += load(first + n * a_image) * load(second + n * b_image);
            }
        });
        for (int u = 0; u < CHAINS; ++u) {
            for (int n = u == 0; n < N; ++n) sum[0][0] += sum[u][n];
        }
        for (int c = 0; c < L; ++c) totals[i * L + c] += static_cast<double>(sum[0][0][c]);
    }
}

template <class T>
void correlate(const Program& program, long images, const T* a, long a_image, const T* b,
               long b_image, double* totals) {
    each_group(images, [&](auto group, long n) {
        correlate_some<T, group.images, group.chains>(program, a + n * a_image, a_image,
                                                      b + n * b_image, b_image, totals);
    });
}

template <class T>
constexpr BundleOf<T> kernels_of() {
    return {lanes<T>, gather<T>, scatter<T>, combine<T>, correlate<T>};
}

}  // namespace
}  // namespace LAMPAS_PATH

const BundleKernels LAMPAS_PATH_OF(bundle_kernels) = {
    LAMPAS_PATH::kernels_of<float>(),
    LAMPAS_PATH::kernels_of<double>(),
};

}  // namespace lampas
