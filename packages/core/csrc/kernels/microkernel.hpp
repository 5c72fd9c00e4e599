// The heart of every product: a tile of C, small enough to stay in registers, plus the
// product of a strip of A and a strip of B. Matrix products and convolutions share it.
//
// A packed panel of A holds a tile's rows, M, its entries of one k side by side:
// a[k * M + i]. One of B holds its columns, N: b[k * N + j]. Panels are padded with zeros.
#pragma once

#include <type_traits>

#include "kernels/transpose.hpp"

namespace lampas::LAMPAS_PATH {

// Rows times two vectors of accumulators, two vectors of B and one of A fill the registers.
#if defined(__AVX512F__)
constexpr int MR = 14;
#elif defined(__AVX2__)
constexpr int MR = 6;
#elif defined(__aarch64__)
constexpr int MR = 12;
#else
constexpr int MR = 4;  // products take a register of their own where there is no FMA
#endif
template <class T>
constexpr int NR = 2 * lanes<T>;

// Tiles of large products are wider where there are registers for it: with two vectors of B
// the processor fetches more than one operand for each two FMAs, and falls behind them.
#if defined(__AVX512F__)
constexpr int WIDE_MR = 8, WIDE_VECTORS = 3;
#else
constexpr int WIDE_MR = MR, WIDE_VECTORS = 2;
#endif

// sum += a * b, and nothing but that: left to itself, GCC lets the sums of a tile wander
// from register to register, for some of which it then has no room.
#if defined(__FMA__) && defined(__GNUC__)
LAMPAS_INLINE void fuse(f32v& sum, f32v a, f32v b) {
    asm("vfmadd231ps %1, %2, %0" : "+v"(sum) : "v"(a), "v"(b));
}
LAMPAS_INLINE void fuse(f64v& sum, f64v a, f64v b) {
    asm("vfmadd231pd %1, %2, %0" : "+v"(sum) : "v"(a), "v"(b));
}
#else
template <class V>
LAMPAS_INLINE void fuse(V& sum, V a, V b) {
    sum += a * b;
}
#endif

// Entries of k that are added up before their sum is added to the others, in products of so
// few vectors that registers are left, or that are no wider for having more: these are
// otherwise further off than dot products by several sums at a time.
constexpr long PIECE = 32;
constexpr int PIECED = BYTES == 16 ? 2 : 1;  // vectors

// Sanitizers check each access: with many tiles in one function that takes GCC hours.
#if defined(__SANITIZE_ADDRESS__)
#define LAMPAS_TILE __attribute__((noinline))
#else
#define LAMPAS_TILE LAMPAS_INLINE
#endif

// What is done while a tile is computed, if nothing else is.
struct Nothing {
    template <class Given>
    LAMPAS_INLINE void operator()(Given) const {}
};

// C[i, :] = (C[i, :] +) sum_k A[i, k] * B[k, :] (+ bias) for ROWS rows and VECTORS vectors
// of columns, of which `columns` are stored. A and B may also be read where they lie:
// A[i, k] = a[i * a_row + k * a_step], B[k, j] = b[k * b_step + j]. What is to be done
// meanwhile is called with 0 to ROWS - 1, at equal distances; who takes B along is called with
// its vectors of each k in turn.
template <class T, int ROWS, int VECTORS, class Meanwhile = Nothing, class Along = Nothing>
LAMPAS_TILE void tile_of(long k, const T* a, long a_row, long a_step, const T* b, long b_step,
                         T* c, long ldc, int columns, bool add, const T* bias,
                         const Meanwhile& meanwhile = {}, bool pieces = false,
                         const Along& take_along = {}) {
    constexpr int L = lanes<T>;
    constexpr bool ALONE = std::is_same_v<Meanwhile, Nothing>;
    // Entries of k between two looks at whether there are more: the time of these tells in
    // small tiles, and that of compiling in large ones, of which there are many.
    constexpr int AT_ONCE = !ALONE || ROWS * VECTORS <= 8 ? 4 : ROWS * VECTORS <= 16 ? 2 : 1;
    vec<T> sum[ROWS][VECTORS] = {};
    const auto meet = [&](const T* x, const T* y) __attribute__((always_inline)) {
        vec<T> row[VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; ++v) row[v] = load(y + v * L);
        take_along(row);
#pragma GCC unroll 16
        for (int i = 0; i < ROWS; ++i) {
            const vec<T> value = all<T>(x[i * a_row]);
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) fuse(sum[i][v], value, row[v]);
        }
    };
    const auto meet_many = [&](long times) __attribute__((always_inline)) {
        k -= times * AT_ONCE;
        for (; times > 0; --times, a += AT_ONCE * a_step, b += AT_ONCE * b_step) {
#pragma GCC unroll 4
            for (int p = 0; p < AT_ONCE; ++p) meet(a + p * a_step, b + p * b_step);
        }
    };
    constexpr bool PARTLY = ALONE && VECTORS <= PIECED;
    vec<T> total[PARTLY ? ROWS : 1][VECTORS] = {};
    if constexpr (!ALONE) {
        const long part = k / (AT_ONCE * ROWS);
        for (int r = 0; r < ROWS; ++r) {
            meet_many(part);
            meanwhile(r);
        }
    } else if constexpr (PARTLY) {
        while (pieces && k > PIECE) {
            meet_many(PIECE / AT_ONCE);
#pragma GCC unroll 16
            for (int i = 0; i < ROWS; ++i) {
#pragma GCC unroll 2
                for (int v = 0; v < VECTORS; ++v) {
                    total[i][v] += sum[i][v];
                    sum[i][v] = vec<T>{};
                }
            }
        }
    }
    meet_many(k / AT_ONCE);
    for (; k > 0; --k, a += a_step, b += b_step) meet(a, b);
    if constexpr (PARTLY) {
#pragma GCC unroll 16
        for (int i = 0; i < ROWS; ++i) {
#pragma GCC unroll 2
            for (int v = 0; v < VECTORS; ++v) sum[i][v] += total[i][v];
        }
    }
    if (columns == VECTORS * L) {
        if (add) {
#pragma GCC unroll 16
            for (int i = 0; i < ROWS; ++i) {
#pragma GCC unroll 4
                for (int v = 0; v < VECTORS; ++v) sum[i][v] += load(c + i * ldc + v * L);
            }
        }
        if (bias != nullptr) {
#pragma GCC unroll 16
            for (int i = 0; i < ROWS; ++i) {
#pragma GCC unroll 4
                for (int v = 0; v < VECTORS; ++v) sum[i][v] += load(bias + v * L);
            }
        }
#pragma GCC unroll 16
        for (int i = 0; i < ROWS; ++i) {
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) store(c + i * ldc + v * L, sum[i][v]);
        }
        return;
    }
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; ++i) {
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; ++v) {
            const int rest = columns - v * L, count = rest < L ? rest : L;
            if (count <= 0) break;
            T* to = c + i * ldc + v * L;
            vec<T> value = sum[i][v];
            if (add) value += load_part(to, count);
            if (bias != nullptr) value += load_part(bias + v * L, count);
            store_part(to, value, count);
        }
    }
}

// A tile of `rows` <= ROWS and `columns` of LEAST to VECTORS vectors.
template <class T, int ROWS, int VECTORS, int LEAST = 1>
LAMPAS_INLINE void micro_rows(long k, const T* a, long a_row, long a_step, const T* b,
                              long b_step, T* c, long ldc, int rows, int columns,
                              bool add, const T* bias, bool pieces = false) {
    if (rows < ROWS) {
        if constexpr (ROWS > 1) {
            micro_rows<T, ROWS - 1, VECTORS, LEAST>(k, a, a_row, a_step, b, b_step, c, ldc,
                                                    rows, columns, add, bias, pieces);
        }
    } else if (columns <= (VECTORS - 1) * lanes<T>) {
        if constexpr (VECTORS > LEAST) {
            micro_rows<T, ROWS, VECTORS - 1, LEAST>(k, a, a_row, a_step, b, b_step, c, ldc,
                                                    rows, columns, add, bias, pieces);
        }
    } else {
        tile_of<T, ROWS, VECTORS>(k, a, a_row, a_step, b, b_step, c, ldc, columns, add, bias,
                                  Nothing{}, pieces);
    }
}

// Entries side by side, `width` < W of each k: whole vectors of them, and zeros behind.
template <class T, int W>
LAMPAS_INLINE void pack_narrow(const T* from, long along, int width, long k, T* panel) {
    constexpr int L = lanes<T>;
    for (long p = 0; p < k; ++p, from += along, panel += W) {
        __builtin_prefetch(from + 16 * along);
#pragma GCC unroll 4
        for (int first = 0; first + L <= W; first += L) {
            const int count = width - first;
            if (count >= L) store(panel + first, load(from + first));
            else if (count > 0) store(panel + first, load_part(from + first, count));
            else store(panel + first, vec<T>{});
        }
        constexpr int LAST = W / L * L;
        for (int i = LAST; i < W; ++i) panel[i] = i < width ? from[i] : T(0);
    }
}

// Pack `width` <= W lines, entry p of line i at from[i * across + p * along], as
// panel[p * W + i] with zeros behind the last line.
template <class T, int W>
void pack_panel(const T* from, long across, long along, int width, long k, T* panel) {
    constexpr int L = lanes<T>;
    if (across == 1) {
        if (width < W) return pack_narrow<T, W>(from, along, width, k, panel);
        for (long p = 0; p < k; ++p) {
            __builtin_prefetch(from + (p + 16) * along);  // lines far apart: no stream
            if constexpr (PARTS_ARE_CHEAP && W < L) {
                store_part(panel + p * W, load_part(from + p * along, W), W);
            } else {
                std::memcpy(panel + p * W, from + p * along, W * sizeof(T));
            }
        }
        return;
    }
    if (width < W) std::memset(panel, 0, static_cast<std::size_t>(k) * W * sizeof(T));
    long p = 0;
    // Lines that are turned by whole vectors; those of a narrow panel's last vector aren't.
    const int whole = width == W ? W : W % L == 0 ? width / L * L : 0;
    for (; along == 1 && whole > 0 && p + L <= k; p += L) {
#pragma GCC unroll 4
        for (int first = 0; first < W; first += L) {
            if (first >= whole) break;
            constexpr int LAST = W % L == 0 ? L : W % L;
            vec<T> r[L] = {};
            const int count = first + L <= W ? L : LAST;
#pragma GCC unroll 16
            for (int i = 0; i < L; ++i) {
                if (i >= count) continue;
                r[i] = load(from + (first + i) * across + p);
                __builtin_prefetch(from + (W + first + i) * across + p);  // next panel
            }
            transpose<T>(r);
#pragma GCC unroll 16
            for (int i = 0; i < L; ++i) {
                T* to = panel + (p + i) * W + first;
                // What a narrow panel's vectors hold too much, the next one overwrites.
                if (first + L <= W || (W < L && i + 1 < L)) store(to, r[i]);
                else store_part(to, r[i], LAST);
            }
        }
        for (int i = whole; i < width; ++i) {
            for (int q = 0; q < L; ++q) panel[(p + q) * W + i] = from[i * across + p + q];
        }
    }
    for (; p < k; ++p) {
        for (int i = 0; i < width; ++i) panel[p * W + i] = from[i * across + p * along];
    }
}

}  // namespace lampas::LAMPAS_PATH
