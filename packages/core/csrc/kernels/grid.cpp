// Where the points of a grid lie, in double: one rounding more or less would take another
// element. Weights and sums are of the array's type.
#include "kernels/grid.hpp"

#include "kernels/taps.hpp"
#include "kernels/wide.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

constexpr long MOST = GRID_AT_ONCE;
constexpr int MOST_TAPS = 4, MOST_TOGETHER = 16;
constexpr double FAR = 1099511627776.0;  // 2^40: nothing is between two numbers there

// Taps around points along one axis; the places are those in memory.
template <class T>
struct AxisTaps {
    T weight[MOST_TAPS][MOST], slope[MOST_TAPS][MOST];
    std::int32_t place[MOST_TAPS][MOST];
};

template <class T>
struct Work {
    double at[MOST], move[MOST];
    AxisTaps<T> axes[MOST_AXES];
    T weight[MOST_TOGETHER * MOST], share[MOST_TOGETHER * MOST];
    std::int32_t near[MOST_TOGETHER * MOST];
};

LAMPAS_INLINE f64v floor_of(f64v x) {  // |x| < 2^51
    i64v n;
    const f64v y = nearest(x, &n);
    return y - (y > x ? all(1.0) : f64v{});
}

// Polynomials of the distance from the element below, lowest first, as in _grid_taps.py.
constexpr double A = -0.75;
struct Mode {
    int taps, first;
    double weight[MOST_TAPS][4];
};
constexpr Mode MODES[] = {
    {1, 0, {{1.0}}},
    {2, 0, {{1.0, -1.0}, {0.0, 1.0}}},
    {4, -1, {{0.0, A, -2 * A, A}, {1.0, 0.0, -A - 3, A + 2}, {0.0, -A, 2 * A + 3, -A - 2},
             {0.0, 0.0, A, -A}}},
};

// NaN is the first element.
LAMPAS_INLINE f64v clipped(f64v at, double last) {
    return smaller(all(last), at > 0.0 ? at : f64v{});
}

struct Mirror {
    double low, span, inverse;
    Mirror(long size, bool corners)
        : low(corners ? 0.0 : -0.5), span(static_cast<double>(corners ? size - 1 : size)),
          inverse(span == 0.0 ? 0.0 : 1.0 / span) {}
};

// Between the mirrors; `move` changes its sign with the direction. Beyond FAR turns there
// are no digits left.
LAMPAS_INLINE f64v reflected(f64v at, const Mirror& mirror, f64v* move) {
    if (mirror.span == 0.0) return at * 0.0;
    f64v away = at - mirror.low;
    const i64v below = away < 0.0;
    away = below ? -away : away;
    away = away < FAR ? away : away - away;  // and NaN of infinity
    const f64v turns = floor_of(away * mirror.inverse);
    const f64v left = away - turns * mirror.span;
    const i64v back = turns - floor_of(turns * 0.5) * 2.0 == 1.0;
    *move = below != back ? -*move : *move;
    return (back ? mirror.span - left : left) + mirror.low;
}

template <class T>
LAMPAS_INLINE void put(T* to, f64v value) {
    if constexpr (sizeof(T) == 8) {
        store<double>(to, value);
    } else {
        const half_f32v part = __builtin_convertvector(value, half_f32v);
        std::memcpy(to, &part, sizeof part);
    }
}
LAMPAS_INLINE void put_place(std::int32_t* to, f64v value) {
    typedef std::int32_t half_i32v __attribute__((vector_size(BYTES / 2)));
    const half_i32v part = __builtin_convertvector(value, half_i32v);
    std::memcpy(to, &part, sizeof part);
}

// From -1 and 1 to elements; what `move` says is the slope of that.
template <class T>
void find_places(const GridHow& how, int axis, const T* grid, long count, Work<T>& work) {
    const double size = static_cast<double>(how.sizes[axis]), last = size - 1.0;
    const bool pad = how.mode != GridMode::bicubic && how.padding != GridPadding::zeros;
    const double scale = (how.corners ? last : size) * 0.5;
    const Mirror mirror(how.sizes[axis], how.corners);
    const T* from = grid + how.dims - 1 - axis;
    for (long p = 0; p < count; ++p) work.at[p] = static_cast<double>(from[p * how.dims]);
    for (long p = count; p % lanes<double> != 0; ++p) work.at[p] = 0.0;
    for (long p = 0; p < count; p += lanes<double>) {
        const f64v begin = load(work.at + p) + 1.0;
        f64v at = how.corners ? begin * last * 0.5 : (begin * size - 1.0) * 0.5;
        f64v move = all(scale);
        if (pad) {
            if (how.padding == GridPadding::reflection) at = reflected(at, mirror, &move);
            move = (at > 0.0) & (at < last) ? move : f64v{};
            at = clipped(at, last);
        }
        store<double>(work.at + p, at);
        store<double>(work.move + p, move);
    }
}

template <class T>
void weigh(const GridHow& how, int axis, long stride, long count, bool slopes, Work<T>& work) {
    const Mode& mode = MODES[static_cast<int>(how.mode)];
    AxisTaps<T>& taps = work.axes[axis];
    const double last = static_cast<double>(how.sizes[axis] - 1);
    const bool zeros = how.padding == GridPadding::zeros;
    const bool mirrors = how.mode == GridMode::bicubic && how.padding == GridPadding::reflection;
    const Mirror mirror(how.sizes[axis], how.corners);
    for (long p = 0; p < count; p += lanes<double>) {
        const f64v given = load(work.at + p), move = load(work.move + p);
        const f64v size = absolute(given);
        const f64v at = size <= FAR ? given : (size == INFINITY_D ? given - given
                                                                  : with_sign_of(all(FAR), given));
        i64v n;
        const f64v base = how.mode == GridMode::nearest ? nearest(at, &n) : floor_of(at);
        const f64v apart = at - base;
        for (int k = 0; k < mode.taps; ++k) {
            const double* c = mode.weight[k];
            f64v weight = ((apart * c[3] + c[2]) * apart + c[1]) * apart + c[0];
            f64v place = base + static_cast<double>(mode.first + k);
            const i64v outside = (place >= 0.0) & (place <= last) ? i64v{} : i64v{} - 1;
            if (zeros) weight = outside != 0 ? f64v{} : weight;
            put(taps.weight[k] + p, weight);
            if (slopes) {
                const f64v slope = ((apart * (3 * c[3]) + 2 * c[2]) * apart + c[1]) * move;
                put(taps.slope[k] + p, zeros ? (outside != 0 ? f64v{} : slope) : slope);
            }
            f64v unused = move;
            if (mirrors) place = reflected(place, mirror, &unused);
            put_place(taps.place[k] + p, clipped(place, last) * static_cast<double>(stride));
        }
    }
}

// The taps of all axes together; of each the weight, or with a `slope` its slope along an
// axis, comes to weight[k * count + p].
template <class T>
void join_weights(const GridHow& how, const Work<T>& work, int slope, long count, T* weight) {
    const int each = MODES[static_cast<int>(how.mode)].taps;
    const auto row = [&](int axis, int k) {
        return axis == slope ? work.axes[axis].slope[k] : work.axes[axis].weight[k];
    };
    T* to = weight;
    for (int i = 0; i < each; ++i) {
        for (int j = 0; j < each; ++j) {
            for (int k = 0; k < (how.dims == 3 ? each : 1); ++k, to += count) {
                const T *a = row(0, i), *b = row(1, j), *c = row(2, k);
                if (how.dims == 3) {
                    for (long p = 0; p < count; ++p) to[p] = a[p] * b[p] * c[p];
                } else {
                    for (long p = 0; p < count; ++p) to[p] = a[p] * b[p];
                }
            }
        }
    }
}

template <class T>
void join_places(const GridHow& how, Work<T>& work, long count) {
    const int each = MODES[static_cast<int>(how.mode)].taps;
    std::int32_t* to = work.near;
    for (int i = 0; i < each; ++i) {
        for (int j = 0; j < each; ++j) {
            for (int k = 0; k < (how.dims == 3 ? each : 1); ++k, to += count) {
                const std::int32_t *a = work.axes[0].place[i], *b = work.axes[1].place[j];
                const std::int32_t* c = work.axes[2].place[k];
                if (how.dims == 3) {
                    for (long p = 0; p < count; ++p) to[p] = a[p] + b[p] + c[p];
                } else {
                    for (long p = 0; p < count; ++p) to[p] = a[p] + b[p];
                }
            }
        }
    }
}

template <class T>
void find(const GridHow& how, const T* grid, long count, bool slopes, Work<T>& work) {
    long stride = 1;
    for (int axis = how.dims - 1; axis >= 0; --axis) {
        find_places(how, axis, grid, count, work);
        weigh(how, axis, stride, count, slopes, work);
        stride *= how.sizes[axis];
    }
    join_places(how, work, count);
}

long together(const GridHow& how) {
    const int each = MODES[static_cast<int>(how.mode)].taps;
    return each * each * (how.dims == 3 ? each : 1);
}

template <class T>
void sample(const GridHow& how, const T* x, const T* grid, T* y, void* memory, long first,
            long last) {
    auto& work = *static_cast<Work<T>*>(memory);
    const long count = last - first, taps = together(how);
    find(how, grid + first * how.dims, count, false, work);
    join_weights(how, work, -1, count, work.weight);
    for (long c = 0; c < how.channels; ++c) {
        sum_taps(x + c * how.plane, work.weight, count, work.near, taps, count,
                 y + c * how.points + first);
    }
}

template <class T>
void spread(const GridHow& how, const T* g, const T* grid, T* x, void* memory, long channels,
            long first, long last) {
    auto& work = *static_cast<Work<T>*>(memory);
    const long count = last - first, taps = together(how);
    find(how, grid + first * how.dims, count, false, work);
    join_weights(how, work, -1, count, work.weight);
    for (long c = 0; c < channels; ++c) {
        const T* from = g + c * how.points + first;
        T* to = x + c * how.plane;
        // Taps one after the other: neighbouring points rarely share an element then.
        for (long k = 0; k < taps; ++k) {
            const T* weight = work.weight + k * count;
            const std::int32_t* at = work.near + k * count;
            for (long p = 0; p < count; ++p) to[at[p]] += weight[p] * from[p];
        }
    }
}

template <class T>
void move(const GridHow& how, const T* g, const T* x, const T* grid, T* dgrid, void* memory,
          long first, long last) {
    auto& work = *static_cast<Work<T>*>(memory);
    const long count = last - first, taps = together(how);
    find(how, grid + first * how.dims, count, true, work);
    std::memset(work.share, 0, static_cast<std::size_t>(taps * count) * sizeof(T));
    for (long c = 0; c < how.channels; ++c) {
        match_taps(g + c * how.points + first, x + c * how.plane, work.near, taps, count,
                   work.share, count);
    }
    for (int axis = 0; axis < how.dims; ++axis) {
        join_weights(how, work, axis, count, work.weight);
        T* const sum = work.weight;  // of the first tap and the others
        for (long p = 0; p < count; ++p) sum[p] *= work.share[p];
        for (long k = 1; k < taps; ++k) {
            const T *weight = work.weight + k * count, *share = work.share + k * count;
            for (long p = 0; p < count; ++p) sum[p] += weight[p] * share[p];
        }
        T* to = dgrid + first * how.dims + how.dims - 1 - axis;
        for (long p = 0; p < count; ++p) to[p * how.dims] = sum[p];
    }
}

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

#define LOOPS(T) {sample<T>, spread<T>, move<T>, static_cast<long>(sizeof(Work<T>))}

const GridKernels LAMPAS_PATH_OF(gridder) = {LOOPS(float), LOOPS(double)};

}  // namespace lampas
