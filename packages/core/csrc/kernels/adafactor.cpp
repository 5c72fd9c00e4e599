#include "kernels/adafactor.hpp"

#include "kernels/map.hpp"
#include "kernels/math.hpp"
#include "kernels/totals.hpp"
#include "kernels/transpose.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

// Columns whose squares are added up in lanes before the sum goes on in double.
template <class T> constexpr long BLOCK = 16 * lanes<T>;

template <class T, int ROWS>
LAMPAS_INLINE void squares_of_rows(const T* g, long pitch, long columns, double* of_rows,
                                   double* of_columns) {
    constexpr long W = lanes<T>;
    Total total[ROWS];
    long j = 0;
    while (j + W <= columns) {
        const long end = j + BLOCK<T> < columns ? j + BLOCK<T> : columns;
        vec<T> sum[ROWS] = {};
        for (; j + W <= end; j += W) {
            vec<T> column = {};
#pragma GCC unroll 4
            for (int i = 0; i < ROWS; ++i) {
                const vec<T> x = load(g + i * pitch + j);
                sum[i] += x * x;
                column += x * x;
            }
            add_wide(of_columns + j, column);
        }
        for (int i = 0; i < ROWS; ++i) total[i].add(static_cast<double>(sum_of<T>(sum[i])));
    }
    for (; j < columns; ++j) {
        for (int i = 0; i < ROWS; ++i) {
            const T square = g[i * pitch + j] * g[i * pitch + j];
            total[i].add(static_cast<double>(square));
            of_columns[j] += static_cast<double>(square);
        }
    }
    for (int i = 0; i < ROWS; ++i) of_rows[i] = total[i].value();
}

template <class T>
void squares(const Gradients<T>& g, double* of_rows, double* of_columns) {
    std::memset(of_columns, 0, static_cast<std::size_t>(g.columns) * sizeof(double));
    long i = 0;
    for (; i + 4 <= g.rows; i += 4) {
        squares_of_rows<T, 4>(g.data + i * g.pitch, g.pitch, g.columns, of_rows + i, of_columns);
    }
    for (; i < g.rows; ++i) {
        squares_of_rows<T, 1>(g.data + i * g.pitch, g.pitch, g.columns, of_rows + i, of_columns);
    }
}

template <class T>
void mix(T* mean, const double* sums, long count, double terms, T weight) {
    for (long i = 0; i < count; ++i) {
        mean[i] += (static_cast<T>(sums[i] / terms) - mean[i]) * weight;
    }
}

template <class T>
double sum(const T* x, long count) {
    return total<T>(
        count, [=](long i) { return load(x + i); },
        [=](long i, int rest) { return load_part(x + i, rest); });
}

template <class T>
void roots(const T* x, long count, T value, T* to) {
    map(x, to, count, [=](vec<T> v) { return root(value / v); });
}

template <class T>
double size(const Gradients<T>& g, const T* a, const T* b, T most) {
    const vec<T> limit = all(most);
    Total sum;
    for (long i = 0; i < g.rows; ++i) {
        const T* row = g.data + i * g.pitch;
        const T by = a[i];
        const auto square = [=](vec<T> x, vec<T> c) {
            const vec<T> u = x * smaller(limit, c * by);
            return u * u;
        };
        sum.add(total<T>(
            g.columns, [=](long j) { return square(load(row + j), load(b + j)); },
            [=](long j, int rest) {
                return square(load_part(row + j, rest), load_part(b + j, rest));
            }));
    }
    return sum.value();
}

template <class T>
void move(T* p, const Gradients<T>& g, const T* a, const T* b, T most, Move<T> by) {
    constexpr long W = lanes<T>;
    const vec<T> limit = all(most);
    for (long i = 0; i < g.rows; ++i, p += g.pitch) {
        const T* row = g.data + i * g.pitch;
        const T own = a[i];
        const auto moved = [=](vec<T> x, vec<T> slope, vec<T> c) {
            return x * by.shrink + slope * smaller(limit, c * own) * by.scale;
        };
        long j = 0;
        for (; j + W <= g.columns; j += W) {
            store<T>(p + j, moved(load(p + j), load(row + j), load(b + j)));
        }
        if (j < g.columns) {
            const int rest = static_cast<int>(g.columns - j);
            const vec<T> next =
                moved(load_part(p + j, rest), load_part(row + j, rest), load_part(b + j, rest));
            store_part<T>(p + j, next, rest);
        }
    }
}

// ---- vectors

template <class T>
double mix_size(T* mean, const T* g, long count, T weight, T floor) {
    const vec<T> least = all(floor);
    const auto square = [=](vec<T> x, vec<T> v) {
        const vec<T> u = x / root(maximum(v, least));
        return u * u;
    };
    map2<T>(Many<T>{mean}, Many<T>{g}, mean, count,
            [=](vec<T> v, vec<T> x) { return v + (x * x - v) * weight; });
    return total<T>(
        count, [=](long i) { return square(load(g + i), load(mean + i)); },
        [=](long i, int rest) {
            return square(load_part(g + i, rest), load_part(mean + i, rest));
        });
}

template <class T>
void move_vector(T* p, const T* g, const T* mean, long count, T floor, Move<T> by) {
    constexpr long W = lanes<T>;
    const vec<T> least = all(floor);
    const auto moved = [=](vec<T> x, vec<T> slope, vec<T> v) {
        return x * by.shrink + slope / root(maximum(v, least)) * by.scale;
    };
    long i = 0;
    for (; i + W <= count; i += W) {
        store<T>(p + i, moved(load(p + i), load(g + i), load(mean + i)));
    }
    if (i < count) {
        const int rest = static_cast<int>(count - i);
        const vec<T> next =
            moved(load_part(p + i, rest), load_part(g + i, rest), load_part(mean + i, rest));
        store_part<T>(p + i, next, rest);
    }
}

// ---- small matrices, one in each lane

template <class T>
struct Turned {
    vec<T> g[SMALL * SMALL];
    vec<T> of_rows[SMALL], of_columns[SMALL];  // means, and then 1 / sqrt of what they give
};

// From how many entries on a block of them is turned in registers.
template <class T> constexpr int BLOCKED = lanes<T> / 4 + 1;

// Entry e of matrix w, at from[w * each + e], becomes lane w of to[e]. Lanes for which
// there is no matrix are 0.
template <class T>
LAMPAS_INLINE void turn(const T* from, int each, int count, vec<T>* to) {
    constexpr int W = lanes<T>;
    if (each == 1) {
        *to = load_part(from, count);
        return;
    }
    const int all = each * count;
    for (int first = 0; first < each; first += W) {
        const int width = each - first < W ? each - first : W;
        if (count == W && width >= BLOCKED<T>) {
            vec<T> r[W];
#pragma GCC unroll 16
            for (int w = 0; w < W; ++w) {
                const int at = w * each + first;
                r[w] = at + W <= all ? load(from + at) : load_part(from + at, width);
            }
            transpose<T>(r);
#pragma GCC unroll 16
            for (int e = 0; e < W; ++e) {
                if (e < width) to[first + e] = r[e];
            }
            continue;
        }
        for (int e = first; e < first + width; ++e) {
            T lane[W] = {};
            for (int w = 0; w < count; ++w) lane[w] = from[w * each + e];
            to[e] = load(lane);
        }
    }
}

template <class T>
LAMPAS_INLINE void turn_back(const vec<T>* from, int each, int count, T* to) {
    constexpr int W = lanes<T>;
    if (each == 1) {
        store_part<T>(to, *from, count);
        return;
    }
    const int all = each * count;
    for (int first = 0; first < each; first += W) {
        const int width = each - first < W ? each - first : W;
        if (count == W && width >= BLOCKED<T>) {
            vec<T> r[W] = {};
#pragma GCC unroll 16
            for (int e = 0; e < W; ++e) {
                if (e < width) r[e] = from[first + e];
            }
            transpose<T>(r);
#pragma GCC unroll 16
            for (int w = 0; w < W; ++w) {
                const int at = w * each + first;
                // What is stored too much of a short matrix, the next one overwrites.
                if (width == W || (each < W && at + W <= all)) store<T>(to + at, r[w]);
                else store_part<T>(to + at, r[w], width);
            }
            continue;
        }
        for (int e = first; e < first + width; ++e) {
            T lane[W];
            store<T>(lane, from[e]);
            for (int w = 0; w < count; ++w) to[w * each + e] = lane[w];
        }
    }
}

template <class T>
LAMPAS_INLINE void roots_of(const Smalls<T>& m, Turned<T>& t) {
    vec<T> mean = {};
    for (int i = 0; i < m.rows; ++i) mean += t.of_rows[i];
    mean = maximum(mean * (1 / static_cast<T>(m.rows)), all(m.least));
    for (int i = 0; i < m.rows; ++i) t.of_rows[i] = static_cast<T>(1) / root(t.of_rows[i]);
    for (int j = 0; j < m.columns; ++j) t.of_columns[j] = root(mean / t.of_columns[j]);
}

template <class T>
double mix_size_smalls(const Smalls<T>& m, T weight, T most) {
    constexpr int W = lanes<T>;
    const vec<T> limit = all(most);
    const T share_of_rows = 1 / static_cast<T>(m.columns);
    const T share_of_columns = 1 / static_cast<T>(m.rows);
    const int each = m.rows * m.columns;
    Turned<T> t;
    Total total;
    for (long first = 0; first < m.count; first += W) {
        const int count = static_cast<int>(m.count - first < W ? m.count - first : W);
        T* rows = m.of_rows + first * m.rows;
        T* columns = m.of_columns + first * m.columns;
        turn<T>(m.g + first * each, each, count, t.g);
        turn<T>(rows, m.rows, count, t.of_rows);
        turn<T>(columns, m.columns, count, t.of_columns);
        vec<T> below[SMALL] = {};
        for (int i = 0; i < m.rows; ++i) {
            vec<T> across = {};
            for (int j = 0; j < m.columns; ++j) {
                const vec<T> x = t.g[i * m.columns + j];
                across += x * x;
                below[j] += x * x;
            }
            across = across * share_of_rows;
            t.of_rows[i] += (across - t.of_rows[i]) * weight;
        }
        for (int j = 0; j < m.columns; ++j) {
            const vec<T> mean = below[j] * share_of_columns;
            t.of_columns[j] += (mean - t.of_columns[j]) * weight;
        }
        turn_back<T>(t.of_rows, m.rows, count, rows);
        turn_back<T>(t.of_columns, m.columns, count, columns);
        roots_of(m, t);
        vec<T> sum = {};
        for (int i = 0; i < m.rows; ++i) {
            for (int j = 0; j < m.columns; ++j) {
                const vec<T> by = smaller(limit, t.of_rows[i] * t.of_columns[j]);
                const vec<T> u = t.g[i * m.columns + j] * by;
                sum += u * u;
            }
        }
        total.add(static_cast<double>(sum_of<T>(count < W ? first_of<T>(sum, count) : sum)));
    }
    return total.value();
}

template <class T>
void move_smalls(T* p, const Smalls<T>& m, T most, Move<T> by) {
    constexpr int W = lanes<T>;
    const vec<T> limit = all(most);
    const int each = m.rows * m.columns;
    Turned<T> t;
    T factor[SMALL * SMALL * W];
    for (long first = 0; first < m.count; first += W) {
        const int count = static_cast<int>(m.count - first < W ? m.count - first : W);
        turn<T>(m.of_rows + first * m.rows, m.rows, count, t.of_rows);
        turn<T>(m.of_columns + first * m.columns, m.columns, count, t.of_columns);
        roots_of(m, t);
        for (int i = 0; i < m.rows; ++i) {
            for (int j = 0; j < m.columns; ++j) {
                t.g[i * m.columns + j] = smaller(limit, t.of_rows[i] * t.of_columns[j]);
            }
        }
        turn_back<T>(t.g, each, count, factor);
        T* to = p + first * each;
        const T* g = m.g + first * each;
        for (long i = 0; i < each * static_cast<long>(count); ++i) {
            to[i] = to[i] * by.shrink + g[i] * factor[i] * by.scale;
        }
    }
}

template <class T>
constexpr AdafactorLoops<T> loops() {
    return {squares<T>, mix<T>,         sum<T>,           roots<T>,
            size<T>,    move<T>,        mix_size<T>,      move_vector<T>,
            mix_size_smalls<T>, move_smalls<T>};
}

}  // namespace
}  // namespace LAMPAS_PATH

const AdafactorKernels LAMPAS_PATH_OF(adafactor) = {
    .f32 = LAMPAS_PATH::loops<float>(),
    .f64 = LAMPAS_PATH::loops<double>(),
};

}  // namespace lampas
