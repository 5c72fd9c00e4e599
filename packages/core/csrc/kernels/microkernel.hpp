// The heart of every product: a tile of C, small enough to stay in registers, plus the
// product of a strip of A and a strip of B. Matrix products and convolutions share it.
//
// A packed panel of A holds MR rows, its entries of one k side by side: a[k * MR + i].
// A packed panel of B holds NR columns: b[k * NR + j]. Panels are padded with zeros.
#pragma once

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

// C[i, :] = (C[i, :] +) sum_k A[i, k] * B[k, :] (+ bias) for ROWS rows and VECTORS vectors
// of columns, of which `columns` are stored. A and B may also be read where they lie:
// A[i, k] = a[i * a_row + k * a_step], B[k, j] = b[k * b_step + j].
template <class T, int ROWS, int VECTORS>
LAMPAS_INLINE void tile_of(long k, const T* a, long a_row, long a_step, const T* b,
                           long b_step, T* c, long ldc, int columns, bool add,
                           const T* bias) {
    constexpr int L = lanes<T>;
    vec<T> sum[ROWS][VECTORS] = {};
#pragma GCC unroll 4
    for (long p = 0; p < k; ++p) {
        vec<T> row[VECTORS];
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; ++v) row[v] = load(b + v * L);
#pragma GCC unroll 16
        for (int i = 0; i < ROWS; ++i) {
            const T value = a[i * a_row];
#pragma GCC unroll 2
            for (int v = 0; v < VECTORS; ++v) sum[i][v] += value * row[v];
        }
        a += a_step;
        b += b_step;
    }
    if (columns == VECTORS * L) {
#pragma GCC unroll 16
        for (int i = 0; i < ROWS; ++i) {
#pragma GCC unroll 2
            for (int v = 0; v < VECTORS; ++v) {
                T* to = c + i * ldc + v * L;
                vec<T> value = sum[i][v];
                if (add) value += load(to);
                if (bias != nullptr) value += load(bias + v * L);
                store(to, value);
            }
        }
        return;
    }
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; ++i) {
#pragma GCC unroll 2
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

// A tile of packed panels: the usual case. `rows` <= MR, `columns` <= NR.
template <class T, int ROWS = MR>
LAMPAS_INLINE void micro_rows(long k, const T* a, long a_row, long a_step, const T* b,
                              long b_step, T* c, long ldc, int rows, int columns,
                              bool add, const T* bias) {
    if (rows < ROWS) {
        if constexpr (ROWS > 1) {
            micro_rows<T, ROWS - 1>(k, a, a_row, a_step, b, b_step, c, ldc, rows,
                                    columns, add, bias);
        }
    } else if (columns > lanes<T>) {
        tile_of<T, ROWS, 2>(k, a, a_row, a_step, b, b_step, c, ldc, columns, add, bias);
    } else {
        tile_of<T, ROWS, 1>(k, a, a_row, a_step, b, b_step, c, ldc, columns, add, bias);
    }
}

// Pack `width` <= W lines, entry p of line i at from[i * across + p * along], as
// panel[p * W + i] with zeros behind the last line.
template <class T, int W>
void pack_panel(const T* from, long across, long along, int width, long k, T* panel) {
    constexpr int L = lanes<T>;
    if (width < W) std::memset(panel, 0, static_cast<std::size_t>(k) * W * sizeof(T));
    long p = 0;
    if (across == 1 && width == W) {
        for (; p < k; ++p) {
            __builtin_prefetch(from + (p + 16) * along);  // lines far apart: no stream
            if constexpr (PARTS_ARE_CHEAP && W < L) {
                store_part(panel + p * W, load_part(from + p * along, W), W);
            } else {
                std::memcpy(panel + p * W, from + p * along, W * sizeof(T));
            }
        }
        return;
    }
    if (along == 1 && width == W) {
        for (; p + L <= k; p += L) {
#pragma GCC unroll 4
            for (int first = 0; first < W; first += L) {
                constexpr int LAST = W % L == 0 ? L : W % L;
                vec<T> r[L] = {};
                const int count = first + L <= W ? L : LAST;
#pragma GCC unroll 16
                for (int i = 0; i < L; ++i) {
                    if (i < count) r[i] = load(from + (first + i) * across + p);
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
        }
    }
    for (; p < k; ++p) {
        for (int i = 0; i < width; ++i) panel[p * W + i] = from[i * across + p * along];
    }
}

}  // namespace lampas::LAMPAS_PATH
