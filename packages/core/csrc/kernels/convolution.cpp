#include "kernels/convolution.hpp"

#include "kernels/interleave.hpp"
#include "kernels/microkernel.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

// ---- staging

template <class T>
LAMPAS_INLINE void clear(T* to, long count) {
    long i = 0;
    for (; i + lanes<T> <= count; i += lanes<T>) store(to + i, vec<T>{});
    if constexpr (PARTS_ARE_CHEAP) {
        if (i < count) store_part(to + i, vec<T>{}, static_cast<int>(count - i));
    } else {
        for (; i < count; ++i) to[i] = 0;
    }
}

// Every `step`th entry.
template <class T>
LAMPAS_INLINE void copy_every(const T* from, long step, long count, T* to) {
    constexpr int L = lanes<T>;
    long i = 0;
    if (step == 1) {
        for (; i + L <= count; i += L) store(to + i, load(from + i));
        if (PARTS_ARE_CHEAP && i < count) {
            const int rest = static_cast<int>(count - i);
            return store_part(to + i, load_part(from + i, rest), rest);
        }
    } else if (step == 2) {
        for (; i + L < count; i += L) {  // not the last: it would read behind the end
            const T* at = from + 2 * i;
            store(to + i, pairs_of<L>::firsts(load(at), load(at + L)));
        }
        if (PARTS_ARE_CHEAP && i < count) {
            const T* at = from + 2 * i;
            const int rest = static_cast<int>(count - i), read = 2 * rest - 1;
            const vec<T> low = load_part(at, read < L ? read : L);
            const vec<T> high = read > L ? load_part(at + L, read - L) : vec<T>{};
            return store_part(to + i, pairs_of<L>::firsts(low, high), rest);
        }
    }
    for (; i < count; ++i) to[i] = from[i * step];
}

long clamp(long value, long low, long high) {
    return value < low ? low : value > high ? high : value;
}

// One phase of all rows: what of a row lies in the source is the same for each.
template <class T>
void stage_phase(const Staging<T>& s, long p) {
    const long length = s.phases * s.part;
    const long start = s.first_column + p;  // of the source, may lie outside
    const long low = start >= 0 ? 0 : clamp((s.step - 1 - start) / s.step, 0, s.part);
    const long high = start >= s.width
        ? low
        : clamp((s.width - start + s.step - 1) / s.step, low, s.part);
    const long distance = s.row_step * s.row;
    [[maybe_unused]] const bool short_rows = s.step * s.column == 1 && s.part <= lanes<T>;
    for (long c = 0; c < s.channels; ++c) {
        T* to = s.to + c * s.plane + p * s.part;
        const T* from = s.from + c * s.channel + s.first_row * s.row +
                        (start + low * s.step) * s.column;
        long row = s.first_row;
        for (long r = 0; r < s.rows; ++r, to += length, row += s.row_step, from += distance) {
            if (row < 0 || row >= s.height) {
                clear(to, s.part);
                continue;
            }
            if constexpr (PARTS_ARE_CHEAP) {
                if (short_rows) {
                    const vec<T> v = load_between(from - low, static_cast<int>(low),
                                                  static_cast<int>(high));
                    store_part(to, v, static_cast<int>(s.part));
                    continue;
                }
            }
            clear(to, low);
            copy_every(from, s.step * s.column, high - low, to + low);
            clear(to + high, s.part - high);
        }
    }
}

template <class T>
void stage(const Staging<T>& s) {
    if (s.from == nullptr) {
        const long length = s.phases * s.part;
        for (long c = 0; c < s.channels; ++c) clear(s.to + c * s.plane, s.rows * length);
        return;
    }
    for (long p = 0; p < s.phases; ++p) stage_phase(s, p);
}

// ---- panels of B

// Pixels of a panel that lie side by side.
struct Run {
    long from;  // in a plane, for the tap at its beginning
    int at, count;
    bool last;  // nothing may be read behind it
};

template <class T>
int runs_of(const Surroundings<T>& of, long first, long last, long last_line, Run* runs) {
    int count = 0;
    for (long j = first; j < last;) {
        const long line = j / of.line_length, in_line = j % of.line_length;
        const long rest = of.line_length - in_line;
        const long length = rest < last - j ? rest : last - j;
        runs[count++] = {of.lines[line] + in_line, static_cast<int>(j - first),
                         static_cast<int>(length), line == last_line};
        j += length;
    }
    return count;
}

template <class T>
constexpr int WIDTH = WIDE_VECTORS * lanes<T>;

// One tap's part of a panel. What a run writes too much is written over by the next.
template <class T>
LAMPAS_INLINE void pack_runs(const T* from, const Run* runs, int count, T* to) {
    constexpr int L = lanes<T>;
    for (int r = 0; r < count; ++r) {
#pragma GCC unroll 4
        for (int v = 0; v < WIDE_VECTORS; ++v) {
            const int rest = runs[r].count - v * L;
            if (v > 0 && rest <= 0) break;
            const T* at = from + runs[r].from + v * L;
            const bool part = runs[r].last && rest < L;
            store(to + runs[r].at + v * L, part ? load_part(at, rest) : load(at));
        }
    }
}

template <class T>
void pack(const Surroundings<T>& of, long first, long last, T* panels) {
    constexpr int L = lanes<T>, W = WIDTH<T>;
    for (long j = first; j < last; j += W) {
        Run runs[W];
        const int count =
            runs_of(of, j, j + W < last ? j + W : last, (last - 1) / of.line_length, runs);
        if (count == 1 && runs[0].count == W) {
            for (long c = 0; c < of.channels; ++c) {
                const T* plane = of.planes + c * of.plane + runs[0].from;
                for (long t = 0; t < of.tap_count; ++t, panels += W) {
                    const T* from = plane + of.taps[t];
#pragma GCC unroll 4
                    for (int v = 0; v < WIDE_VECTORS; ++v) {
                        store(panels + v * L, load(from + v * L));
                    }
                }
            }
            continue;
        }
        // The vector in which the last panel ends is zero from there on: sums of subnormal
        // numbers, which may have lain there, take a hundred times as long.
        const int vacant = last - j < W ? static_cast<int>(W - (last - j)) : 0;
        const int rest = vacant % L;
        for (long c = 0; c < of.channels; ++c) {
            const T* plane = of.planes + c * of.plane;
            for (long t = 0; t < of.tap_count; ++t, panels += W) {
                pack_runs(plane + of.taps[t], runs, count, panels);
                if (rest > 0) store_part(panels + W - vacant, vec<T>{}, rest);
            }
        }
    }
}

template <class T>
void pack_weight(const T* from, long row, long channel, long channels, const long* taps,
                 long tap_count, long rows, T* panels) {
    constexpr int M = WIDE_MR;
    for (long i = 0; i < rows; i += M) {
        const long width = rows - i < M ? rows - i : M;
        const T* top = from + i * row;
        for (long c = 0; c < channels; ++c, top += channel) {
            for (long t = 0; t < tap_count; ++t, panels += M) {
                const T* at = top + taps[t];
                for (long r = 0; r < width; ++r) panels[r] = at[r * row];
                for (long r = width; r < M; ++r) panels[r] = 0;
            }
        }
    }
}

// ---- gradients of weights

// ROWS rows and VECTORS vectors of a tile whose panels of B have PITCH columns.
template <class T, int ROWS, int VECTORS, int PITCH>
LAMPAS_INLINE void correlate_rows(const Correlation<T>& t, long first, T* c) {
    constexpr int L = lanes<T>;
    const T* plane[ROWS];
    for (int i = 0; i < ROWS; ++i) {
        const long channel = (first + i) / t.of.tap_count, tap = (first + i) % t.of.tap_count;
        plane[i] = t.of.planes + channel * t.of.plane + t.of.taps[tap];
    }
    vec<T> sum[ROWS][VECTORS] = {};
    const T* b = t.b;
    for (long l = 0; l < t.line_count; ++l) {
        const T* a[ROWS];
#pragma GCC unroll 16
        for (int i = 0; i < ROWS; ++i) a[i] = plane[i] + t.of.lines[l];
#pragma GCC unroll 2
        for (long q = 0; q < t.of.line_length; ++q, b += PITCH) {
            vec<T> row[VECTORS];
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) row[v] = load(b + v * L);
#pragma GCC unroll 16
            for (int i = 0; i < ROWS; ++i) {
                const vec<T> value = all<T>(a[i][q]);
#pragma GCC unroll 4
                for (int v = 0; v < VECTORS; ++v) fuse(sum[i][v], value, row[v]);
            }
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; ++i) {
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; ++v) {
            T* to = c + i * t.ldc + v * L;
            store(to, t.add ? sum[i][v] + load(to) : sum[i][v]);
        }
    }
}

template <class T, int ROWS, int VECTORS, int PITCH>
LAMPAS_INLINE void correlate_part(const Correlation<T>& t, long first, long rows, T* c) {
    if (rows < ROWS) {
        if constexpr (ROWS > 1) correlate_part<T, ROWS - 1, VECTORS, PITCH>(t, first, rows, c);
    } else if (t.columns <= (VECTORS - 1) * lanes<T>) {
        if constexpr (VECTORS > 1) {
            correlate_part<T, ROWS, VECTORS - 1, PITCH>(t, first, rows, c);
        }
    } else {
        correlate_rows<T, ROWS, VECTORS, PITCH>(t, first, c);
    }
}

template <class T, int M, int V>
void correlate(const Correlation<T>& t) {
    T* c = t.c;
    for (long i = t.first; i < t.last; i += M, c += M * t.ldc) {
        correlate_part<T, M, V, V * lanes<T>>(t, i, t.last - i < M ? t.last - i : M, c);
    }
}

// One entry after another, in the order of the parts.
template <class T>
LAMPAS_INLINE void turn_rest(const Turn<T>& t, long r, long o) {
    T sum = t.parts[r * t.ldc + o];
    for (long p = 1; p < t.part_count; ++p) sum += t.parts[p * t.size + r * t.ldc + o];
    t.to[o * t.out + r / t.taps * t.channel + t.places[r % t.taps]] = sum;
}

template <class T>
void turn(const Turn<T>& t) {
    constexpr int L = lanes<T>;
    const bool side_by_side = t.channel == t.taps;
    long r = t.first;
    for (; side_by_side && r + L <= t.last; r += L) {
        long o = 0;
        for (; o + L <= t.outs; o += L) {
            vec<T> block[L];
#pragma GCC unroll 16
            for (int i = 0; i < L; ++i) {
                const T* from = t.parts + (r + i) * t.ldc + o;
                block[i] = load(from);
                for (long p = 1; p < t.part_count; ++p) block[i] += load(from + p * t.size);
            }
            transpose<T>(block);
#pragma GCC unroll 16
            for (int i = 0; i < L; ++i) store(t.to + (o + i) * t.out + r, block[i]);
        }
        for (; o < t.outs; ++o) {
            for (int i = 0; i < L; ++i) turn_rest(t, r + i, o);
        }
    }
    for (; r < t.last; ++r) {
        for (long o = 0; o < t.outs; ++o) turn_rest(t, r, o);
    }
}

}  // namespace
}  // namespace LAMPAS_PATH

#define LAMPAS_CONVOLUTION_OF(T)                                                     \
    {stage<T>, pack<T>, pack_weight<T>, correlate<T, MR, 2>,                         \
     correlate<T, WIDE_MR, WIDE_VECTORS>, turn<T>}

using namespace LAMPAS_PATH;

const ConvolutionKernels LAMPAS_PATH_OF(convolution) = {
    LAMPAS_CONVOLUTION_OF(float),
    LAMPAS_CONVOLUTION_OF(double),
};

}  // namespace lampas
