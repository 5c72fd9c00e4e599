#include "kernels/matvec.hpp"

#include "kernels/simd.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

// R rows of A by C rows of B, over as many accumulators as hide the latency of a sum.
template <class T, int R, int C>
LAMPAS_INLINE void dots_of(const Dots<T>& d, long i, long j) {
    constexpr int L = lanes<T>;
    constexpr int CHAINS = R * C >= 8 ? 1 : R * C >= 4 ? 2 : 4;
    const T* a = d.a + i * d.a_row;
    const T* b = d.b + j * d.b_row;
    vec<T> sum[CHAINS][R][C] = {};
    long p = 0;
    for (; p + CHAINS * L <= d.k; p += CHAINS * L) {
#pragma GCC unroll 4
        for (int s = 0; s < CHAINS; ++s) {
            vec<T> y[C];
#pragma GCC unroll 4
            for (int v = 0; v < C; ++v) y[v] = load(b + v * d.b_row + p + s * L);
#pragma GCC unroll 4
            for (int u = 0; u < R; ++u) {
                const vec<T> x = load(a + u * d.a_row + p + s * L);
#pragma GCC unroll 4
                for (int v = 0; v < C; ++v) sum[s][u][v] += x * y[v];
            }
        }
    }
#pragma GCC unroll 4
    for (int u = 0; u < R; ++u) {
#pragma GCC unroll 4
        for (int v = 0; v < C; ++v) {
            vec<T> total = sum[0][u][v];
#pragma GCC unroll 4
            for (int s = 1; s < CHAINS; ++s) total += sum[s][u][v];
            T value = sum_of<T>(total);
            for (long q = p; q < d.k; ++q) value += a[u * d.a_row + q] * b[v * d.b_row + q];
            T* to = d.c + (i + u) * d.row + (j + v) * d.column;
            if (d.bias != nullptr) value += d.bias[j + v];
            *to = d.add ? *to + value : value;
        }
    }
}

template <class T, int R>
void dot_rows(const Dots<T>& d, long i) {
    long j = 0;
    for (; j + 4 <= d.n; j += 4) dots_of<T, R, 4>(d, i, j);
    for (; j < d.n; ++j) dots_of<T, R, 1>(d, i, j);
}

template <class T>
void dots(const Dots<T>& d) {
    long i = 0;
    for (; i + 2 <= d.m; i += 2) dot_rows<T, 2>(d, i);
    if (i < d.m) dot_rows<T, 1>(d, i);
}

template <class T, int K>
void combine_rows(const T* weights, long step, const T* rows, long row, long n, T* y,
                  bool add) {
    constexpr int L = lanes<T>;
    T w[K];
    for (int p = 0; p < K; ++p) w[p] = weights[p * step];
    long j = 0;
    for (; j + L <= n; j += L) {
        vec<T> sum = w[0] * load(rows + j);
#pragma GCC unroll 4
        for (int p = 1; p < K; ++p) sum += w[p] * load(rows + p * row + j);
        if (add) sum += load(y + j);
        store(y + j, sum);
    }
    for (; j < n; ++j) {
        T sum = w[0] * rows[j];
        for (int p = 1; p < K; ++p) sum += w[p] * rows[p * row + j];
        y[j] = add ? y[j] + sum : sum;
    }
}

template <class T>
void combine(const T* weights, long step, const T* rows, long row, long n, long k, T* y,
             bool add) {
    long p = 0;
    for (; p + 4 <= k; p += 4) {
        combine_rows<T, 4>(weights + p * step, step, rows + p * row, row, n, y, add || p > 0);
    }
    for (; p < k; ++p) {
        combine_rows<T, 1>(weights + p * step, step, rows + p * row, row, n, y, add || p > 0);
    }
}

}  // namespace
}  // namespace LAMPAS_PATH

const MatvecKernels LAMPAS_PATH_OF(matvec) = {
    {LAMPAS_PATH::dots<float>, LAMPAS_PATH::combine<float>},
    {LAMPAS_PATH::dots<double>, LAMPAS_PATH::combine<double>},
};

}  // namespace lampas
