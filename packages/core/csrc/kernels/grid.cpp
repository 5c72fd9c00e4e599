// Points of a grid, a block at a time: where they lie, what the elements around them weigh
// and their sums, with all that is between in the nearest cache.
#include "kernels/grid.hpp"

#include "kernels/taps.hpp"
#include "kernels/wide.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

constexpr long MOST = GRID_AT_ONCE;
constexpr int MOST_TAPS = 4, MOST_TOGETHER = 16;
// Nothing that matters is between two numbers there, whose floor can be had.
template <class T> constexpr double FAR = sizeof(T) == 4 ? 4194304.0 : 1099511627776.0;

// Taps around points along one axis; the places are those in memory.
template <class T>
struct AxisTaps {
    T weight[MOST_TAPS][MOST], slope[MOST_TAPS][MOST];
    std::int32_t place[MOST_TAPS][MOST];
};

template <class T>
struct Work {
    T base[MOST], apart[MOST], move[MOST];  // along one axis
    AxisTaps<T> axes[MOST_AXES];
    T weight[MOST_TOGETHER * MOST], share[MOST_TOGETHER * MOST];
    std::int32_t near[MOST_TOGETHER * MOST];
};

// Halves to the even number; of |x| < 2^22, and of double < 2^51.
LAMPAS_INLINE f32v nearest_of(f32v x) {
    i32v n;
    return nearest(x, &n);
}
LAMPAS_INLINE f64v nearest_of(f64v x) {
    i64v n;
    return nearest(x, &n);
}
template <class V>
LAMPAS_INLINE V floor_of(V x) {
    const V y = nearest_of(x);
    return y - (y > x ? V{} + 1 : V{});
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
template <class T>
LAMPAS_INLINE vec<T> clipped(vec<T> at, T last) {
    return smaller(all<T>(last), at > T(0) ? at : vec<T>{});
}

template <class T>
struct Mirror {
    T low, span, inverse;
    Mirror(long size, bool corners)
        : low(corners ? T(0) : T(-0.5)), span(static_cast<T>(corners ? size - 1 : size)),
          inverse(span == T(0) ? T(0) : T(1) / span) {}
};

// Between the mirrors; `move` changes its sign with the direction.
template <class T>
LAMPAS_INLINE vec<T> reflected(vec<T> at, const Mirror<T>& mirror, vec<T>* move) {
    if (mirror.span == T(0)) return at * T(0);
    vec<T> away = at - mirror.low;
    const auto below = away < T(0);
    away = below ? -away : away;
    away = away < static_cast<T>(FAR<T>) ? away : away - away;  // and NaN of infinity
    const vec<T> turns = floor_of(away * mirror.inverse);
    const vec<T> left = away - turns * mirror.span;
    const auto back = turns - floor_of(turns * T(0.5)) * T(2) == T(1);
    *move = below != back ? -*move : *move;
    return (back ? mirror.span - left : left) + mirror.low;
}

LAMPAS_INLINE void put_place(std::int32_t* to, f32v value, long stride) {
    const i32v place = __builtin_convertvector(value, i32v) * static_cast<std::int32_t>(stride);
    store<std::int32_t>(to, place);
}
LAMPAS_INLINE void put_place(std::int32_t* to, f64v value, long stride) {
    typedef std::int32_t half_i32v __attribute__((vector_size(BYTES / 2)));
    const half_i32v part =
        __builtin_convertvector(value * static_cast<double>(stride), half_i32v);
    std::memcpy(to, &part, sizeof part);
}

// From -1 and 1 to elements: the one below, or the nearest, and the distance from it. What
// `move` says is the slope of that.
template <class T>
void find_places(const GridHow& how, int axis, const T* grid, long count, Work<T>& work) {
    const T size = static_cast<T>(how.sizes[axis]), last = size - T(1);
    const bool pad = how.mode != GridMode::bicubic && how.padding != GridPadding::zeros;
    const T times = how.corners ? last : size, less = how.corners ? T(0) : T(1);
    const T edge = static_cast<T>(FAR<T>);
    const Mirror<T> mirror(how.sizes[axis], how.corners);
    const T* from = grid + how.dims - 1 - axis;
    T given[MOST];
    if (how.dims == 2) {
        for (long p = 0; p < count; ++p) given[p] = from[p * 2];
    } else {
        for (long p = 0; p < count; ++p) given[p] = from[p * 3];
    }
    for (long p = count; p % lanes<T> != 0; ++p) given[p] = T(0);
    for (long p = 0; p < count; p += lanes<T>) {
        vec<T> at = ((load(given + p) + T(1)) * times - less) * T(0.5);
        vec<T> move = all<T>(times * T(0.5));
        if (pad) {
            if (how.padding == GridPadding::reflection) at = reflected(at, mirror, &move);
            move = (at > T(0)) & (at < last) ? move : vec<T>{};
            at = clipped(at, last);
        } else {
            // What is not as far stays as it is, and so does NaN; infinity becomes NaN.
            const vec<T> none = at - at, near = smaller(all<T>(edge), larger(all<T>(-edge), at));
            at = none == T(0) ? near : none;
        }
        const vec<T> base = how.mode == GridMode::nearest ? nearest_of(at) : floor_of(at);
        store<T>(work.base + p, base);
        store<T>(work.apart + p, at - base);
        store<T>(work.move + p, move);
    }
}

template <class T>
void weigh(const GridHow& how, int axis, long stride, long count, bool slopes, Work<T>& work) {
    const Mode& mode = MODES[static_cast<int>(how.mode)];
    AxisTaps<T>& taps = work.axes[axis];
    const T last = static_cast<T>(how.sizes[axis] - 1);
    const bool zeros = how.padding == GridPadding::zeros, cubic = how.mode == GridMode::bicubic;
    const bool mirrors = cubic && how.padding == GridPadding::reflection;
    const Mirror<T> mirror(how.sizes[axis], how.corners);
    for (int k = 0; k < mode.taps; ++k) {
        T c[4];
        for (int i = 0; i < 4; ++i) c[i] = static_cast<T>(mode.weight[k][i]);
        for (long p = 0; p < count; p += lanes<T>) {
            const vec<T> apart = load(work.apart + p);
            vec<T> place = load(work.base + p) + static_cast<T>(mode.first + k);
            const auto inside = (place >= T(0)) & (place <= last);
            vec<T> weight = apart * c[1] + c[0];
            if (cubic) weight = ((apart * c[3] + c[2]) * apart + c[1]) * apart + c[0];
            if (zeros) weight = inside ? weight : vec<T>{};
            store<T>(taps.weight[k] + p, weight);
            if (slopes) {
                vec<T> slope = all<T>(c[1]);
                if (cubic) slope = (apart * (3 * c[3]) + 2 * c[2]) * apart + c[1];
                slope *= load(work.move + p);
                store<T>(taps.slope[k] + p, zeros ? (inside ? slope : vec<T>{}) : slope);
            }
            vec<T> unused = apart;
            if (mirrors) place = reflected(place, mirror, &unused);
            put_place(taps.place[k] + p, clipped(place, last), stride);
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
    const Planes<T> planes = {x, y + first, how.plane, how.points};
    sum_taps(planes, how.channels, work.weight, count, work.near, taps, count);
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
    if (how.mode == GridMode::nearest) {  // moves by jumps
        std::memset(dgrid + first * how.dims, 0,
                    static_cast<std::size_t>(count * how.dims) * sizeof(T));
        return;
    }
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
