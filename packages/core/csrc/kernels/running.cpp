#include "kernels/running.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

struct Add {
    static double of(double a, double b) { return a + b; }
    static std::uint64_t of(std::uint64_t a, std::uint64_t b) { return a + b; }
};
struct Times {
    static double of(double a, double b) { return a * b; }
    static std::uint64_t of(std::uint64_t a, std::uint64_t b) { return a * b; }
};

// W is what totals are kept in.
template <class T, class W, class Op>
void total(const void* source, void* target, long rows, long columns, long pitch, bool reverse) {
    const long first = reverse ? (rows - 1) * pitch : 0, step = reverse ? -pitch : pitch;
    const T* __restrict x = static_cast<const T*>(source) + first;
    T* __restrict y = static_cast<T*>(target) + first;
    if (columns == 1) {
        W sum = static_cast<W>(*x);
        *y = *x;
        for (long r = 1, at = step; r < rows; ++r, at += step) {
            y[at] = static_cast<T>(sum = Op::of(sum, static_cast<W>(x[at])));
        }
        return;
    }
    W sums[RUNNING_COLUMNS];
    for (long c = 0; c < columns; ++c) {
        sums[c] = static_cast<W>(x[c]);
        y[c] = x[c];
    }
    for (long r = 1; r < rows; ++r) {
        x += step;
        y += step;
        for (long c = 0; c < columns; ++c) {
            y[c] = static_cast<T>(sums[c] = Op::of(sums[c], static_cast<W>(x[c])));
        }
    }
}

template <class T>
void recur(const void* source, const void* factors, void* target, long rows, long columns,
           long pitch, bool reverse) {
    const long first = reverse ? (rows - 1) * pitch : 0, step = reverse ? -pitch : pitch;
    const T* __restrict x = static_cast<const T*>(source) + first;
    // Backwards a factor stands in the row before, which is the one after.
    const T* __restrict a = static_cast<const T*>(factors) + first + (reverse ? 0 : step);
    T* __restrict y = static_cast<T*>(target) + first;
    if (columns == 1) {
        double last = static_cast<double>(*x);
        *y = *x;
        for (long r = 1, at = step; r < rows; ++r, at += step) {
            last = static_cast<double>(x[at]) + static_cast<double>(a[at - step]) * last;
            y[at] = static_cast<T>(last);
        }
        return;
    }
    double last[RUNNING_COLUMNS];
    for (long c = 0; c < columns; ++c) {
        last[c] = static_cast<double>(x[c]);
        y[c] = x[c];
    }
    for (long r = 1; r < rows; ++r, a += step) {
        x += step;
        y += step;
        for (long c = 0; c < columns; ++c) {
            last[c] = static_cast<double>(x[c]) + static_cast<double>(a[c]) * last[c];
            y[c] = static_cast<T>(last[c]);
        }
    }
}

struct Largest { template <class T> static bool takes(T a, T b) { return a >= b || a != a; } };
struct Smallest { template <class T> static bool takes(T a, T b) { return a <= b || a != a; } };

template <class T, class Pick>
void top(const void* source, void* target, std::int64_t* places, long rows, long columns,
         long pitch) {
    const T* __restrict x = static_cast<const T*>(source);
    T* __restrict y = static_cast<T*>(target);
    if (columns == 1) {
        T best = x[0];
        std::int64_t place = 0;
        for (long r = 0; r < rows; ++r) {
            const T v = x[r * pitch];
            const bool better = Pick::takes(v, best);
            best = better ? v : best;
            place = better ? r : place;
            y[r * pitch] = best;
            places[r * pitch] = place;
        }
        return;
    }
    T best[RUNNING_COLUMNS];
    std::int64_t place[RUNNING_COLUMNS];
    for (long c = 0; c < columns; ++c) {
        best[c] = x[c];
        place[c] = 0;
    }
    for (long r = 0; r < rows; ++r) {
        for (long c = 0; c < columns; ++c) {
            const T v = x[r * pitch + c];
            const bool better = Pick::takes(v, best[c]);
            best[c] = better ? v : best[c];
            place[c] = better ? r : place[c];
            y[r * pitch + c] = best[c];
            places[r * pitch + c] = place[c];
        }
    }
}

using i64 = std::int64_t;
using u64 = std::uint64_t;

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

const RunningKernels LAMPAS_PATH_OF(running) = {
    total<double, double, Add>,
    total<i64, u64, Add>,
    total<float, double, Times>,
    total<double, double, Times>,
    total<i64, u64, Times>,
    recur<float>,
    recur<double>,
    {top<float, Largest>, top<float, Smallest>},
    {top<double, Largest>, top<double, Smallest>},
    {top<i64, Largest>, top<i64, Smallest>},
};

}  // namespace lampas
