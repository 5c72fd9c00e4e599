// Rows of a matrix added up by their numbers, a block of columns at a time, whose sums stay in
// registers. Many floats of one sign would lose digits, so they are added up in double, and of
// many doubles what rounding takes from their sums is kept.
#include "kernels/row_sums.hpp"

#include "kernels/totals.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

constexpr int W = lanes<double>;
constexpr long MANY = 8;   // rows of doubles
constexpr long AHEAD = 4;  // rows from the one that is fetched to the one that is added

// W elements as doubles, or the first `left` of them.
LAMPAS_INLINE f64v some_of(const float* from, int left) {
    const f32v v = load_part(from, left);
    half_f32v low;
    std::memcpy(&low, &v, sizeof low);
    return doubles_of(low);
}
LAMPAS_INLINE f64v some_of(const double* from, int left) { return load_part(from, left); }

// N vectors of columns, of which the last has `left` elements where they are not whole. What
// infinities lose is NaN, and left out; so is nothing, for the sign of zeros.
template <class T, int N, bool KEPT, bool WHOLE>
void block(const T* from, const std::int64_t* numbers, long count, long size, int left, T* to) {
    constexpr long LINE = 64 / static_cast<long>(sizeof(T));
    const auto at = [left](const T* row, int i) {
        return WHOLE || i + 1 < N ? load_wide(row + i * W) : some_of(row + i * W, left);
    };
    f64v sum[N], lost[N] = {};
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i) sum[i] = at(from + numbers[0] * size, i);
    for (long n = 1; n < count; ++n) {
        const T* row = from + numbers[n] * size;
        if (n + AHEAD < count) {
            const T* later = from + numbers[n + AHEAD] * size;
            for (long i = 0; i < N * W; i += LINE) __builtin_prefetch(later + i);
        }
#pragma GCC unroll 8
        for (int i = 0; i < N; ++i) {
            const f64v v = at(row, i), next = sum[i] + v;
            if constexpr (KEPT) {
                const f64v part = next - sum[i];
                lost[i] += (sum[i] - (next - part)) + (v - part);
            }
            sum[i] = next;
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i) {
        if constexpr (KEPT) {
            sum[i] = (sum[i] - sum[i] == 0.0) & (lost[i] != 0.0) ? sum[i] + lost[i] : sum[i];
        }
        if (WHOLE || i + 1 < N) {
            store_wide(to + i * W, sum[i]);
        } else {
            T lane[W];
            store_wide(lane, sum[i]);
            std::memcpy(to + i * W, lane, static_cast<std::size_t>(left) * sizeof(T));
        }
    }
}

// As many vectors at a time as registers hold sums of.
template <class T, bool KEPT, int N>
void add_up(const T* from, const std::int64_t* numbers, long count, long size, long columns,
            T* to) {
    for (; columns >= N * W; columns -= N * W, from += N * W, to += N * W) {
        block<T, N, KEPT, true>(from, numbers, count, size, W, to);
    }
    if (columns > (N - 1) * W) {
        const int left = static_cast<int>(columns) - (N - 1) * W;
        block<T, N, KEPT, false>(from, numbers, count, size, left, to);
    } else if constexpr (N > 1) {
        if (columns > 0) add_up<T, KEPT, N - 1>(from, numbers, count, size, columns, to);
    }
}

template <class T>
void sum(const T* from, const std::int64_t* numbers, long count, long size, T* to) {
    const std::size_t bytes = static_cast<std::size_t>(size) * sizeof(T);
    if (count == 0) {
        std::memset(to, 0, bytes);
    } else if (count == 1) {
        std::memcpy(to, from + numbers[0] * size, bytes);
    } else if (sizeof(T) == sizeof(double) && count > MANY) {
        add_up<T, true, 4>(from, numbers, count, size, size, to);
    } else {
        add_up<T, false, 8>(from, numbers, count, size, size, to);
    }
}

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

const RowSumKernels LAMPAS_PATH_OF(row_sums) = {sum<float>, sum<double>};

}  // namespace lampas
