#include "kernels/reduce.hpp"

#include "kernels/wide.hpp"
#include "kernels/totals.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

constexpr long ROWS = 16;   // that are added up before their sum is widened
// Columns whose sums stay in a near cache; rows are best read in long pieces.
template <class T> constexpr long TILE = 16384 / static_cast<long>(sizeof(T));
constexpr long NARROW = 24; // so few columns are summed without a loop over each row

struct Most {
    template <class V> static LAMPAS_INLINE V quick(V a, V b) { return larger(a, b); }
    template <class V> static LAMPAS_INLINE V of(V a, V b) { return maximum(a, b); }
    template <class T> static LAMPAS_INLINE bool ahead(T a, T b) { return a > b; }
    static double of_two(double a, double b) { return a > b || a != a ? a : b; }
};
struct Least {
    template <class V> static LAMPAS_INLINE V quick(V a, V b) { return smaller(a, b); }
    template <class V> static LAMPAS_INLINE V of(V a, V b) { return minimum(a, b); }
    template <class T> static LAMPAS_INLINE bool ahead(T a, T b) { return a < b; }
    static double of_two(double a, double b) { return a < b || a != a ? a : b; }
};

struct MostSize {
    template <class V> static LAMPAS_INLINE V quick(V a, V b) {
        return larger(absolute(a), absolute(b));
    }
    template <class T> static LAMPAS_INLINE bool ahead(T a, T b) { return a > b; }
    template <class V> static LAMPAS_INLINE V of(V a, V b) {
        return maximum(absolute(a), absolute(b));
    }
    static double of_two(double a, double b) { return Most::of_two(a, b); }
};
struct LeastSize {
    template <class V> static LAMPAS_INLINE V quick(V a, V b) {
        return smaller(absolute(a), absolute(b));
    }
    template <class T> static LAMPAS_INLINE bool ahead(T a, T b) { return a < b; }
    template <class V> static LAMPAS_INLINE V of(V a, V b) {
        return minimum(absolute(a), absolute(b));
    }
    static double of_two(double a, double b) { return Least::of_two(a, b); }
};

// What is added up.
struct Itself {
    template <class V> static LAMPAS_INLINE V of(V x, V) { return x; }
};
struct Square {
    template <class V> static LAMPAS_INLINE V of(V x, V center) {
        const V away = x - center;
        return away * away;
    }
};
struct Size {
    template <class V> static LAMPAS_INLINE V of(V x, V) { return absolute(x); }
};
struct Known {
    template <class V> static LAMPAS_INLINE V of(V x, V) { return x == x ? x : V{}; }
};
struct Cube {
    template <class V> static LAMPAS_INLINE V of(V x, V) { return absolute(x) * x * x; }
};

template <class T, class F>
double sum_run(const void* x, long count, double center) {
    const T* from = static_cast<const T*>(x);
    const vec<T> c = all(static_cast<T>(center));
    return total<T>(
        count, [&](long i) { return F::of(load(from + i), c); },
        [&](long i, int rest) { return F::of(load_part(from + i, rest), c); });
}

// A vector takes two instructions: one leaves NaN out, and a sum tells whether there is one,
// or whether infinities of both signs took each other away. Then each is looked at again.
template <class T, class Pick>
T extreme_of(const T* x, long count) {
    constexpr long W = lanes<T>;
    if (count >= 4 * W) {
        vec<T> best[4], sums[4];
        for (int j = 0; j < 4; ++j) {
            best[j] = load(x + j * W);
            sums[j] = best[j];
        }
        const auto take = [&](long i, int j) {
            const vec<T> v = load(x + i);
            best[j] = Pick::quick(v, best[j]);
            sums[j] += v;
        };
        long i = 4 * W;
        for (; i + 4 * W <= count; i += 4 * W) {
            for (int j = 0; j < 4; ++j) take(i + j * W, j);
        }
        for (; i + W <= count; i += W) take(i, 0);
        if (i < count) take(count - W, 1);  // some for the second time
        T lost[lanes<T>];
        store<T>(lost, (sums[0] + sums[1]) + (sums[2] + sums[3]));
        bool known = true;
        for (int l = 0; l < lanes<T>; ++l) known &= lost[l] == lost[l];
        if (known) {
            T lane[lanes<T>];
            store<T>(lane, Pick::quick(Pick::quick(best[0], best[1]),
                                       Pick::quick(best[2], best[3])));
            T found = lane[0];
            for (int l = 1; l < lanes<T>; ++l) found = Pick::ahead(lane[l], found) ? lane[l] : found;
            return found;
        }
    }
    return extreme<T>(x, count, [](vec<T> a, vec<T> b) { return Pick::of(a, b); });
}

template <class T, class Pick>
double extreme_run(const void* x, long count, double) {
    return static_cast<double>(extreme_of<T, Pick>(static_cast<const T*>(x), count));
}

// In double: partial products of floats then neither overflow nor underflow.
template <class T>
double product_run(const void* x, long count, double) {
    const T* from = static_cast<const T*>(x);
    constexpr long WIDTH = 16;
    double parts[WIDTH];
    for (long l = 0; l < WIDTH; ++l) parts[l] = 1.0;
    long i = 0;
    for (; i + WIDTH <= count; i += WIDTH) {
        for (long l = 0; l < WIDTH; ++l) parts[l] *= static_cast<double>(from[i + l]);
    }
    for (long l = 0; i < count; ++i, ++l) parts[l] *= static_cast<double>(from[i]);
    for (long width = WIDTH / 2; width > 0; width /= 2) {
        for (long l = 0; l < width; ++l) parts[l] *= parts[l + width];
    }
    return parts[0];
}

template <class T>
void product_columns(const void* x, long rows, long columns, long pitch, const void*,
                     double* __restrict result) {
    const T* __restrict from = static_cast<const T*>(x);
    for (long r = 0; r < rows; ++r) {
        for (long c = 0; c < columns; ++c) {
            result[c] *= static_cast<double>(from[r * pitch + c]);
        }
    }
}

// Join one row to what a tile in the nearest cache holds; or begin it. Rows one by one, for
// memory is read best from front to back.
template <class T, class At, class Join>
LAMPAS_INLINE void join_row(const T* x, long columns, T* into, bool begin, At at, Join join) {
    constexpr long W = lanes<T>;
    long c = 0;
    if (begin) {
        for (; c + W <= columns; c += W) store<T>(into + c, at(load(x + c), c));
    } else {
        for (; c + 2 * W <= columns; c += 2 * W) {
            const vec<T> p = join(load(into + c), at(load(x + c), c));
            const vec<T> q = join(load(into + c + W), at(load(x + c + W), c + W));
            store<T>(into + c, p);
            store<T>(into + c + W, q);
        }
    }
    for (; c < columns; c += W) {
        const int count = static_cast<int>(columns - c < W ? columns - c : W);
        const vec<T> v = at(load_part(x + c, count), c);
        store_part<T>(into + c, begin ? v : join(load_part(into + c, count), v), count);
    }
}

// result[c] += sum over rows of at(x, c)
template <class T, class At>
LAMPAS_INLINE void add_columns(const T* x, long rows, long columns, long pitch, double* result,
                               At at) {
    constexpr long W = lanes<T>;
    T sums[TILE<T>];
    for (long tile = 0; tile < columns; tile += TILE<T>) {
        const long width = columns - tile < TILE<T> ? columns - tile : TILE<T>;
        const auto at_tile = [&](vec<T> v, long c) { return at(v, tile + c); };
        for (long row = 0; row < rows; row += ROWS) {
            const long end = row + ROWS < rows ? row + ROWS : rows;
            for (long r = row; r < end; ++r) {
                join_row<T>(x + r * pitch + tile, width, sums, r == row, at_tile,
                            [](vec<T> p, vec<T> q) { return p + q; });
            }
            long c = 0;
            for (; c + W <= width; c += W) add_wide(result + tile + c, load(sums + c));
            for (; c < width; ++c) result[tile + c] += static_cast<double>(sums[c]);
        }
    }
}

// Few columns without gaps: as many vectors as there are columns hold whole rows again.
template <class T>
void sum_narrow(const T* x, long rows, long columns, double* result) {
    constexpr long W = lanes<T>;
    const long group = columns * W;
    long row = 0;
    while (row + W <= rows) {
        vec<T> sums[NARROW] = {};
        const long left = (rows - row) / W, groups = left < ROWS ? left : ROWS;
        for (long g = 0; g < groups; ++g, row += W) {
            const T* from = x + row * columns;
            for (long j = 0; j < columns; ++j) sums[j] += load(from + j * W);
        }
        T lane[NARROW * lanes<T>];
        for (long j = 0; j < columns; ++j) store<T>(lane + j * W, sums[j]);
        for (long i = 0, c = 0; i < group; ++i, c = c + 1 == columns ? 0 : c + 1) {
            result[c] += static_cast<double>(lane[i]);
        }
    }
    for (; row < rows; ++row) {
        for (long c = 0; c < columns; ++c) result[c] += static_cast<double>(x[row * columns + c]);
    }
}

template <class T, class F>
void sum_columns(const void* x, long rows, long columns, long pitch, const void*,
                 double* result) {
    const T* from = static_cast<const T*>(x);
    add_columns<T>(from, rows, columns, pitch, result,
                   [](vec<T> v, long) { return F::of(v, vec<T>{}); });
}

template <class T>
void sum_columns_themselves(const void* x, long rows, long columns, long pitch, const void* none,
                            double* result) {
    if (columns <= NARROW && columns == pitch) {
        sum_narrow<T>(static_cast<const T*>(x), rows, columns, result);
        return;
    }
    sum_columns<T, Itself>(x, rows, columns, pitch, none, result);
}

template <class T>
void square_columns(const void* x, long rows, long columns, long pitch, const void* center,
                    double* result) {
    const T* centers = static_cast<const T*>(center);
    if (centers == nullptr) {
        sum_columns<T, Square>(x, rows, columns, pitch, nullptr, result);
        return;
    }
    add_columns<T>(static_cast<const T*>(x), rows, columns, pitch, result,
                   [&](vec<T> v, long c) {
                       const int count = static_cast<int>(
                           columns - c < lanes<T> ? columns - c : lanes<T>);
                       return Square::of(v, load_part(centers + c, count));
                   });
}

template <class T, class Pick>
void extreme_columns(const void* x, long rows, long columns, long pitch, const void*,
                     double* result) {
    const T* from = static_cast<const T*>(x);
    T best[TILE<T>];
    for (long tile = 0; tile < columns; tile += TILE<T>) {
        const long width = columns - tile < TILE<T> ? columns - tile : TILE<T>;
        for (long r = 0; r < rows; ++r) {
            join_row<T>(from + r * pitch + tile, width, best, r == 0,
                        [](vec<T> v, long) { return Pick::of(v, v); },
                        [](vec<T> p, vec<T> q) { return Pick::of(p, q); });
        }
        for (long c = 0; c < width; ++c) {
            result[tile + c] = Pick::of_two(result[tile + c], static_cast<double>(best[c]));
        }
    }
}

template <class T, class Pick>
void top_run(const void* x, long count, double* value, std::int64_t* position) {
    const T* from = static_cast<const T*>(x);
    const T best = extreme_of<T, Pick>(from, count);
    *value = static_cast<double>(best);
    constexpr long STEP = 64;
    long i = 0;
    const bool lost = best != best;
    for (; i + STEP <= count; i += STEP) {
        int found = 0;
        for (long j = i; j < i + STEP; ++j) found |= (from[j] == best) | (from[j] != from[j]);
        if (found) break;
    }
    while (i < count && (lost ? from[i] == from[i] : from[i] != best)) ++i;
    *position = i;
}

template <class T, class Word, class Pick>
void top_columns(const void* x, long rows, long columns, long pitch, void* value,
                 std::int64_t* position) {
    const T* from = static_cast<const T*>(x);
    T* best_of = static_cast<T*>(value);
    for (long tile = 0; tile < columns; tile += TILE<T>) {
        const long count = columns - tile < TILE<T> ? columns - tile : TILE<T>;
        T best[TILE<T>];
        Word where[TILE<T>];
        for (long c = 0; c < count; ++c) {
            best[c] = from[tile + c];
            where[c] = 0;
        }
        for (long r = 1; r < rows; ++r) {
            const T* row = from + r * pitch + tile;
            for (long c = 0; c < count; ++c) {
                const T v = row[c], b = best[c];
                const bool better = (Pick::ahead(v, b) | (v != v)) & (b == b);
                best[c] = better ? v : b;
                where[c] = better ? static_cast<Word>(r) : where[c];
            }
        }
        for (long c = 0; c < count; ++c) {
            best_of[tile + c] = best[c];
            position[tile + c] = where[c];
        }
    }
}

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

#define FOLDS(T)                                           \
    {sum_run<T, Itself>, sum_columns_themselves<T>},       \
    {sum_run<T, Square>, square_columns<T>},               \
    {extreme_run<T, Most>, extreme_columns<T, Most>},      \
    {extreme_run<T, Least>, extreme_columns<T, Least>},    \
    {product_run<T>, product_columns<T>},                  \
    {sum_run<T, Size>, sum_columns<T, Size>},              \
    {extreme_run<T, MostSize>, extreme_columns<T, MostSize>},   \
    {extreme_run<T, LeastSize>, extreme_columns<T, LeastSize>}, \
    {sum_run<T, Cube>, sum_columns<T, Cube>},              \
    {sum_run<T, Known>, sum_columns<T, Known>}

const ReduceKernels LAMPAS_PATH_OF(reducer) = {
    {FOLDS(float)},
    {FOLDS(double)},
    {top_run<float, Most>, top_run<float, Least>},
    {top_run<double, Most>, top_run<double, Least>},
    {top_columns<float, std::int32_t, Most>, top_columns<float, std::int32_t, Least>},
    {top_columns<double, std::int64_t, Most>, top_columns<double, std::int64_t, Least>},
};

}  // namespace lampas
