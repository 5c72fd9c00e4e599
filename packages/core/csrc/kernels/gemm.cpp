#include "kernels/gemm.hpp"

#include "kernels/microkernel.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

template <class T>
constexpr int DEPTH = 1536 / static_cast<int>(sizeof(T));

// Rows that meet all of B before the next: packed, they fill a part of the second-level
// cache, through which B comes once for all of them.
constexpr long MOST_TOGETHER = 168;

// Compiled once: copies for what some callers give would make half of the file.
#if defined(__clang__)
#define LAMPAS_APART __attribute__((noinline))
#else
#define LAMPAS_APART __attribute__((noinline, noclone))
#endif

constexpr long LINE = 64;  // bytes that are fetched at a time

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

// The last rows, or columns, of what tiles of M rows and V vectors leave.
template <class T, int M, int V>
LAMPAS_APART void rest(long k, const T* a, long a_row, long a_step, const T* b, long b_step, T* c,
                       long ldc, int rows, int columns, bool add, const T* bias, bool pieces) {
    if constexpr (V > 2) {
        if (columns <= 2 * lanes<T>) {  // these are there for narrower tiles
            rest<T, MR, 2>(k, a, a_row, a_step, b, b_step, c, ldc, rows, columns, add, bias,
                           pieces);
            return;
        }
    }
    micro_rows<T, M, V, V == 2 ? 1 : V>(k, a, a_row, a_step, b, b_step, c, ldc, rows, columns,
                                        add, bias, pieces);
}

// A full tile of the first rows, which packs B's panel as it meets it.
template <class T, int M, int V>
LAMPAS_APART void first_tile(long k, const T* a, long across, long along, const T* b, long b_along,
                             T* packed, T* c, long ldc, bool add, const T* bias) {
    constexpr long N = V * lanes<T>, FAR = 16;
    const T* far = b + FAR * b_along;
    const auto pack = [&](const vec<T>* row) __attribute__((always_inline)) {
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) {
            __builtin_prefetch(far + v * lanes<T>);  // lines far apart: no stream
            store(packed + v * lanes<T>, row[v]);
        }
        far += b_along;
        packed += N;
    };
    tile_of<T, M, V>(k, a, across, along, b, b_along, c, ldc, N, add, bias, {}, false, pack);
}

// Fetch `count` rows of a panel of N entries, from which a pointer moves on.
template <class T, long N>
LAMPAS_INLINE void fetch_rows(const T*& from, long along, long count) {
    constexpr long IN_LINE = LINE / static_cast<long>(sizeof(T));
    for (long p = 0; p < count; ++p, from += along) {
#pragma GCC unroll 4
        for (long j = 0; j < N; j += IN_LINE) __builtin_prefetch(from + j);
    }
}

// How A lies: in panels, as rows with their entries of k side by side, as columns with those
// of a tile's rows side by side, or in some other way. In the first three B lies in panels,
// and `beside` is packed A with B in rows.
enum class Lies { packed, in_rows, in_columns, beside, anyhow };

// Rows [top, bottom) and a block of k, by tiles of M rows and V vectors. Where panels are
// packed, their steps are known when this is compiled: reading them by others takes an
// addition for each entry, more than a fast FMA leaves time for.
//
// A tile is computed while the next one's place in C and a share of the next panel of B are
// fetched, a few lines at a time: many at once keep the tile's own operands waiting.
template <class T, int M, int V, Lies LIES>
void meet_all(const Tile<T>& t, long top, long bottom, long first, long k) {
    constexpr long N = V * lanes<T>;
    constexpr bool A_PACKED = LIES == Lies::packed || LIES == Lies::beside;
    constexpr bool B_PACKED = LIES != Lies::beside && LIES != Lies::anyhow;
    const long across = A_PACKED || LIES == Lies::in_columns ? 1 : t.a.across;
    const long along = A_PACKED ? M : LIES == Lies::in_rows ? 1 : t.a.along;
    const long b_along = B_PACKED ? N : t.b.along;
    const Unpacked<T>& unpacked = t.unpacked;
    const bool fresh = unpacked.from != nullptr && top == 0;
    const bool pieced = V <= PIECED && t.pieces;  // then all tiles are as the last ones
    const long share = LIES == Lies::anyhow ? 0 : (k + bottom - top - 1) / (bottom - top);
    const bool add = t.add || first > 0;
    const T* b = t.b.data + first * b_along;
    for (long j = 0; j < t.columns; j += N, b += t.b.panel) {
        const int columns = static_cast<int>(t.columns - j < N ? t.columns - j : N);
        const T* bias = t.bias == nullptr || first > 0 ? nullptr : t.bias + j;
        const T* from = fresh ? unpacked.from + first * unpacked.along + j : nullptr;
        T* to = fresh ? unpacked.to + (b - t.b.data) : nullptr;
        const T* ahead = fresh ? from + N : b + t.b.panel;
        const long fetched = j + N < t.columns ? share : 0;  // none is behind the last
        const bool packs_as_it_meets = fresh && columns == N && bottom >= M && !pieced;
        if (fresh && !packs_as_it_meets) {
            pack_panel<T, N>(from, 1, unpacked.along, columns, k, to);
        }
        const T* a = t.a.data + top / M * t.a.panel + first * along;
        for (long i = top; i < bottom; i += M, a += t.a.panel) {
            const int rows = static_cast<int>(bottom - i < M ? bottom - i : M);
            T* c = t.c + i * t.ldc + j;
            if (packs_as_it_meets && i == 0) {
                first_tile<T, M, V>(k, a, across, along, from, unpacked.along, to, c, t.ldc, add,
                                    bias);
                continue;
            }
            if constexpr (V == 3 && LIES != Lies::anyhow) {
                if (rows == M && columns == 2 * lanes<T>) {  // often: columns cut for threads
                    tile_of<T, M, 2>(k, a, across, along, b, b_along, c, t.ldc, columns, add, bias);
                    continue;
                }
            }
            if (rows < M || columns < N || pieced) {
                rest<T, M, V>(k, a, across, along, b, b_along, c, t.ldc, rows, columns, add, bias,
                              t.pieces);
                continue;
            }
            const T* next = i + M < bottom ? c + M * t.ldc : t.c + top * t.ldc + j + N;
            const auto fetch = [&](int r) __attribute__((always_inline)) {
                const T* row = next + r * t.ldc;  // may lie in several lines
                __builtin_prefetch(row, 1);
                __builtin_prefetch(row + N / 2, 1);
                __builtin_prefetch(row + N - 1, 1);
                fetch_rows<T, N>(ahead, fresh ? unpacked.along : b_along, fetched);
            };
            tile_of<T, M, V>(k, a, across, along, b, b_along, c, t.ldc, columns, add, bias, fetch);
        }
    }
}

template <class T, int M, int V, Lies LIES>
void tile_by(const Tile<T>& t) {
    constexpr long GROUP = MOST_TOGETHER / M * M;
    const long parts = blocks_of(t.k, DEPTH<T>);
    const long depth = t.k > 0 ? (t.k + parts - 1) / parts : 1;
    for (long first = 0; first < t.k || first == 0; first += depth) {
        const long k = t.k - first < depth ? t.k - first : depth;
        for (long top = 0; top < t.rows; top += GROUP) {
            const long bottom = top + GROUP < t.rows ? top + GROUP : t.rows;
            meet_all<T, M, V, LIES>(t, top, bottom, first, k);
        }
    }
}

template <class T, int M, int V>
void tile(const Tile<T>& t) {
    const bool a_packed = t.a.across == 1 && t.a.along == M;
    const bool b_packed = t.b.along == V * lanes<T>;
    if (a_packed && b_packed) tile_by<T, M, V, Lies::packed>(t);
    else if (a_packed) tile_by<T, M, V, Lies::beside>(t);
    else if (b_packed && t.a.along == 1) tile_by<T, M, V, Lies::in_rows>(t);
    else if (b_packed && t.a.across == 1) tile_by<T, M, V, Lies::in_columns>(t);
    else tile_by<T, M, V, Lies::anyhow>(t);
}

template <class T, int M, int V>
constexpr GemmOf<T> BY_TILES = {M,
                                V * lanes<T>,
                                lanes<T>,
                                PIECED * lanes<T>,
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
