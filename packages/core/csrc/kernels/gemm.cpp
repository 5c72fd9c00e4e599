#include "kernels/gemm.hpp"

#include "kernels/microkernel.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

template <class T>
constexpr int DEPTH = 1536 / static_cast<int>(sizeof(T));

// Rows that meet all of B before the next: more lie in more pages than the processor's
// addresses for stores have room for.
constexpr long MOST_TOGETHER = 56;

// Lines side by side are packed so many entries at a time, which stay in the cache, and
// whose pages in the address buffer, until each panel has its part of them. Eight fill
// whole lines of the cache even in narrow panels, which often lie so far apart that all
// fall on one place of it.
constexpr long SIDE_BY_SIDE = 8;

template <class T, int W>
void pack(const T* from, long across, long along, long count, long k, T* to) {
    const long step = across == 1 ? SIDE_BY_SIDE : k;
    for (long first = 0; first < k; first += step) {
        const long part = k - first < step ? k - first : step;
        for (long i = 0; i < count; i += W) {
            const int width = static_cast<int>(count - i < W ? count - i : W);
            pack_panel<T, W>(from + i * across + first * along, across, along, width, part,
                             to + i * k + first * W);
        }
    }
}

// Tiles of M rows and V vectors. Where panels are packed, their steps are known when this is
// compiled: reading them by others takes an addition for each entry, more than a fast FMA
// leaves time for.
template <class T, int M, int V, bool PACKED>
void tile_by(const Tile<T>& t) {
    constexpr long N = V * lanes<T>, GROUP = MOST_TOGETHER / M * M;
    const long across = PACKED ? 1 : t.a.across, along = PACKED ? M : t.a.along;
    const long b_along = PACKED ? N : t.b.along;
    const long parts = t.k > DEPTH<T> ? (t.k + DEPTH<T> - 1) / DEPTH<T> : 1;
    const long depth = t.k > 0 ? (t.k + parts - 1) / parts : 1;
    for (long first = 0; first < t.k || first == 0; first += depth) {
        const long k = t.k - first < depth ? t.k - first : depth;
        const bool add = t.add || first > 0;
        const T* bias = first == 0 ? t.bias : nullptr;
        for (long top = 0; top < t.rows; top += GROUP) {
            const long bottom = top + GROUP < t.rows ? top + GROUP : t.rows;
            const T* b = t.b.data + first * b_along;
            for (long j = 0; j < t.columns; j += N, b += t.b.panel) {
                const int columns = static_cast<int>(t.columns - j < N ? t.columns - j : N);
                const T* a = t.a.data + top / M * t.a.panel + first * along;
                for (long i = top; i < bottom; i += M, a += t.a.panel) {
                    const int rows = static_cast<int>(bottom - i < M ? bottom - i : M);
                    T* c = t.c + i * t.ldc + j;
                    for (int r = 0; r < rows; ++r) {  // a row may lie in several lines
                        __builtin_prefetch(c + r * t.ldc, 1);
                        __builtin_prefetch(c + r * t.ldc + N / 2, 1);
                        __builtin_prefetch(c + r * t.ldc + N - 1, 1);
                    }
                    micro_rows<T, M, V>(k, a, across, along, b, b_along, c, t.ldc, rows,
                                        columns, add, bias == nullptr ? nullptr : bias + j);
                }
            }
        }
    }
}

template <class T, int M, int V>
void tile(const Tile<T>& t) {
    if (t.a.across == 1 && t.a.along == M && t.b.along == V * lanes<T>) {
        tile_by<T, M, V, true>(t);
    } else {
        tile_by<T, M, V, false>(t);
    }
}

template <class T, int M, int V>
constexpr GemmOf<T> BY_TILES = {M,
                                V * lanes<T>,
                                lanes<T>,
                                DEPTH<T>,
                                pack<T, M>,
                                pack<T, V * lanes<T>>,
                                tile<T, M, V>};

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

const GemmKernels LAMPAS_PATH_OF(gemm) = {
    BY_TILES<float, MR, 2>,
    BY_TILES<double, MR, 2>,
    BY_TILES<float, WIDE_MR, WIDE_VECTORS>,
    BY_TILES<double, WIDE_MR, WIDE_VECTORS>,
};

}  // namespace lampas
