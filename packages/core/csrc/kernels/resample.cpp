#include "kernels/resample.hpp"

#include "kernels/transpose.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

// Weighted elements are added up so many at a time: of more, one after the other, each
// addition would round a larger sum. About as many as there are sums, which add up likewise.
LAMPAS_INLINE long added_apart(long count) {
    long apart = 16;
    while (2 * apart * apart < count) apart *= 2;
    return apart;
}

// sum = the sum of weight * at(place, u) over a row's elements
template <class T, int COUNT, class At>
LAMPAS_INLINE void weigh(const SparseRows& m, long row, vec<T>* sum, At at) {
    for (int u = 0; u < COUNT; ++u) sum[u] = vec<T>{};
    const long first = m.starts[row], last = m.starts[row + 1], apart = added_apart(last - first);
    for (long e = first; e < last;) {
        const long end = last - e < apart ? last : e + apart;
        vec<T> part[COUNT] = {};
        for (; e < end; ++e) {
            const vec<T> w = all(static_cast<T>(m.weight[e]));
            for (int u = 0; u < COUNT; ++u) part[u] += w * at(m.column[e], u);
        }
        for (int u = 0; u < COUNT; ++u) sum[u] += part[u];
    }
}

template <class T, int COUNT>
LAMPAS_INLINE void weigh_whole(const SparseRows& m, long row, const T* x, long inner,
                               vec<T>* sum) {
    weigh<T, COUNT>(m, row, sum, [&](long place, int u) {
        return load(x + place * inner + u * lanes<T>);
    });
}

template <class T>
void between(const SparseRows& m, const T* x, T* y, long inner, long first, long last) {
    constexpr long W = lanes<T>;
    for (long number = first; number < last; ++number) {
        const long row = number % m.rows;
        const T* from = x + number / m.rows * m.columns * inner;
        T* to = y + number * inner;
        long i = 0;
        vec<T> sum[4];
        for (; i + 4 * W <= inner; i += 4 * W) {
            weigh_whole<T, 4>(m, row, from + i, inner, sum);
            for (int u = 0; u < 4; ++u) store<T>(to + i + u * W, sum[u]);
        }
        for (; i + W <= inner; i += W) {
            weigh_whole<T, 1>(m, row, from + i, inner, sum);
            store<T>(to + i, sum[0]);
        }
        if (i == inner) continue;
        const int rest = static_cast<int>(inner - i);
        weigh<T, 1>(m, row, sum, [&](long place, int) {
            return load_part(from + place * inner + i, rest);
        });
        store_part<T>(to + i, sum[0], rest);
    }
}

// As many lines as a vector has lanes, element by element side by side: to[i][line].
template <class T>
void gather_lines(const T* x, long size, long count, T* to) {
    constexpr int L = lanes<T>;
    for (long i = 0; i < size; i += L) {
        const long rest = size - i;
        vec<T> block[L];
        for (int l = 0; l < L; ++l) {
            const T* from = x + (l < count ? l : count - 1) * size + i;
            block[l] = rest >= L ? load(from) : load_part(from, static_cast<int>(rest));
        }
        transpose<T>(block);
        for (int l = 0; l < L; ++l) store<T>(to + (i + l) * L, block[l]);
    }
}

template <class T>
void last_dim(const SparseRows& m, const T* x, T* y, char* work, long first, long last) {
    constexpr int L = lanes<T>;
    T* side = reinterpret_cast<T*>(work);
    for (long line = first; line < last; line += L) {
        const long count = last - line < L ? last - line : L;
        gather_lines(x + line * m.columns, m.columns, count, side);
        for (long row = 0; row < m.rows; row += L) {
            const long rest = m.rows - row;
            vec<T> block[L];
            for (int l = 0; l < L; ++l) {
                block[l] = vec<T>{};
                if (l < rest) weigh_whole<T, 1>(m, row + l, side, L, block + l);
            }
            transpose<T>(block);
            T* to = y + line * m.rows + row;
            for (long l = 0; l < count; ++l) {
                if (rest >= L) {
                    store<T>(to + l * m.rows, block[l]);
                } else {
                    store_part<T>(to + l * m.rows, block[l], static_cast<int>(rest));
                }
            }
        }
    }
}

long work_bytes(const SparseRows& m) {
    // Every block of lines is stored whole; doubles take as much as floats do.
    return (m.columns + BYTES) * BYTES;
}

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

const ResampleKernels LAMPAS_PATH_OF(resampler) = {
    {between<float>, last_dim<float>}, {between<double>, last_dim<double>}, work_bytes};

}  // namespace lampas
