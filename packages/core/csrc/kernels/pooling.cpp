#include "kernels/pooling.hpp"

#include "kernels/phases.hpp"
#include "kernels/totals.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

constexpr long FEW_COLUMNS = 4;           // fewer windows in a row are looked at one by one
constexpr long MOST_KEPT = 64 * 1024;     // elements of rows that are kept taken apart

typedef std::uint8_t near_f32 __attribute__((vector_size(LANES)));
typedef std::uint8_t near_f64 __attribute__((vector_size(LANES / 2)));
typedef std::int32_t far_f64 __attribute__((vector_size(LANES * 2)));

// Integers as wide as elements, and vectors of places for as many.
template <class Whole, class Narrow>
struct Kind {
    using whole = Whole;
    using narrow = Narrow;
};
template <class T, class Place> struct kind;
template <> struct kind<float, std::uint8_t> : Kind<std::int32_t, near_f32> {};
template <> struct kind<float, std::int32_t> : Kind<std::int32_t, i32v> {};
template <> struct kind<double, std::uint8_t> : Kind<std::int64_t, near_f64> {};
template <> struct kind<double, std::int32_t> : Kind<std::int64_t, far_f64> {};

// Hands out pieces of a block of memory.
struct Pieces {
    char* next;
    template <class T>
    T* take(long count) {
        T* piece = reinterpret_cast<T*>(next);
        next += count * 8;  // no element is larger, and all pieces stay aligned
        return piece;
    }
};

struct Ranges {
    long begin, end;
};

// The taps of window `at` along one dimension that lie inside.
LAMPAS_INLINE Ranges taps_inside(const Windows& how, int d, long at) {
    const long start = how.start(d, at), step = how.dilation[d];
    const long begin = start >= 0 ? 0 : (step - 1 - start) / step;
    const long room = how.size[d] - start;
    const long end = room <= 0 ? 0 : (room + step - 1) / step;
    return {begin, end < how.kernel[d] ? end : how.kernel[d]};
}

// The windows along one dimension that lie inside with all of their taps.
LAMPAS_INLINE Ranges windows_inside(const Windows& how, int d) {
    const long begin = (how.padding[d] + how.stride[d] - 1) / how.stride[d];
    const long room = how.size[d] + how.padding[d] - how.reach(d);
    const long end = room < 0 ? 0 : room / how.stride[d] + 1;
    const long last = end < how.out[d] ? end : how.out[d];
    return {begin < last ? begin : last, last};
}

// Windows do not share an element.
bool is_apart(const Windows& how) {
    return how.stride[0] >= how.reach(0) && how.stride[1] >= how.reach(1) &&
           how.stride[2] >= how.reach(2);
}

// One window, which is all there is.
bool is_whole(const Windows& how) {
    for (int d = 0; d < 3; ++d) {
        if (how.out[d] != 1 || how.kernel[d] != how.size[d]) return false;
        if (how.padding[d] != 0 || how.dilation[d] != 1) return false;
    }
    return true;
}

// ---- the largest

long rows_kept(const Windows& how) { return how.kernel[0] * how.reach(1); }

bool keeps_rows(const Windows& how) {
    return how.out[2] >= FEW_COLUMNS && rows_kept(how) * Phases(how).elements() <= MOST_KEPT;
}

// Rows of a plane, taken apart once for all windows that they are in.
template <class T>
struct KeptRows {
    const Windows& how;
    Phases phases;
    long* held;        // which row lies in each place
    T* data;
    const T** rows;    // those under the windows of one row of outputs
    long* first_tap;
    long* offsets;     // of the taps along a row
    long count = 0;

    KeptRows(const Windows& w, Pieces memory) : how(w), phases(w) {
        held = memory.take<long>(rows_kept(w));
        rows = memory.take<const T*>(w.kernel[0] * w.kernel[1]);
        first_tap = memory.take<long>(w.kernel[0] * w.kernel[1]);
        offsets = memory.take<long>(w.kernel[2]);
        data = memory.take<T>(rows_kept(w) * phases.elements());
        for (long k = 0; k < w.kernel[2]; ++k) offsets[k] = phases.offset(k);
    }

    void begin_plane() {
        for (long i = 0; i < rows_kept(how); ++i) held[i] = -1;
    }

    void gather(const T* plane, long slice, long row, T fill) {
        count = 0;
        const Ranges in = taps_inside(how, 0, slice), down = taps_inside(how, 1, row);
        for (long i = in.begin; i < in.end; ++i) {
            const long z = how.start(0, slice) + i * how.dilation[0];
            for (long j = down.begin; j < down.end; ++j) {
                const long y = how.start(1, row) + j * how.dilation[1];
                const long number = z * how.size[1] + y;
                const long place = i * how.reach(1) + y % how.reach(1);
                T* kept = data + place * phases.elements();
                if (held[place] != number) {
                    take_apart(phases, plane + number * how.size[2], fill, kept);
                    held[place] = number;
                }
                rows[count] = kept;
                first_tap[count++] = (i * how.kernel[1] + j) * how.kernel[2];
            }
        }
    }
};

// The largest elements of neighbouring windows. As the reference has it, the first of
// equals wins, and the last NaN wins over all.
template <class T, class Whole, int COUNT>
LAMPAS_INLINE void largest_of(const KeptRows<T>& kept, long column, vec<T>* best,
                              vec<Whole>* at) {
    for (int u = 0; u < COUNT; ++u) {
        best[u] = all(-static_cast<T>(__builtin_inf()));
        at[u] = vec<Whole>{};
    }
    for (long r = 0; r < kept.count; ++r) {
        const T* row = kept.rows[r] + column;
        vec<Whole> tap = all(static_cast<Whole>(kept.first_tap[r]));
        for (long k = 0; k < kept.how.kernel[2]; ++k) {
            const T* from = row + kept.offsets[k];
            for (int u = 0; u < COUNT; ++u) {
                const vec<T> v = load(from + u * lanes<T>);
                const vec<Whole> better = (v > best[u]) | (v != v);
                best[u] = better ? v : best[u];
                at[u] = better ? tap : at[u];
            }
            tap += 1;
        }
    }
}

template <class T, class Place>
void largest_in_rows(const Windows& how, const T* x, T* y, Place* place, char* work, long first,
                     long last) {
    using Whole = typename kind<T, Place>::whole;
    using Narrow = typename kind<T, Place>::narrow;
    constexpr long W = lanes<T>;
    KeptRows<T> kept(how, Pieces{work});
    for (long plane = first; plane < last; ++plane) {
        kept.begin_plane();
        T* values = y + plane * how.outputs();
        Place* places = place + plane * how.outputs();
        long left = how.outputs();  // vectors may reach into rows that are still to come
        for (long row = 0; row < how.out[0] * how.out[1]; ++row) {
            kept.gather(x + plane * how.inputs(), row / how.out[1], row % how.out[1],
                        -static_cast<T>(__builtin_inf()));
            const auto write = [&](long column, vec<T> best, vec<Whole> at) {
                const Narrow narrow = __builtin_convertvector(at, Narrow);
                if (left - column >= W) {
                    store<T>(values + column, best);
                    std::memcpy(places + column, &narrow, sizeof narrow);
                } else {
                    const long rest = left - column;
                    store_part<T>(values + column, best, static_cast<int>(rest));
                    std::memcpy(places + column, &narrow,
                                static_cast<std::size_t>(rest) * sizeof(Place));
                }
            };
            vec<T> best[2];
            vec<Whole> at[2];
            long column = 0;
            for (; column + W < how.out[2]; column += 2 * W) {
                largest_of<T, Whole, 2>(kept, column, best, at);
                write(column, best[0], at[0]);
                write(column + W, best[1], at[1]);
            }
            if (column < how.out[2]) {
                largest_of<T, Whole, 1>(kept, column, best, at);
                write(column, best[0], at[0]);
            }
            values += how.out[2];
            places += how.out[2];
            left -= how.out[2];
        }
    }
}

template <class T, class Place>
void largest_in_window(const Windows& how, const T* plane, const long* at, T* value,
                       Place* place) {
    const Ranges in = taps_inside(how, 0, at[0]), down = taps_inside(how, 1, at[1]);
    const Ranges along = taps_inside(how, 2, at[2]);
    T best = -static_cast<T>(__builtin_inf());
    long where = 0;
    for (long i = in.begin; i < in.end; ++i) {
        const long z = how.start(0, at[0]) + i * how.dilation[0];
        for (long j = down.begin; j < down.end; ++j) {
            const long row = z * how.size[1] + how.start(1, at[1]) + j * how.dilation[1];
            const T* from = plane + row * how.size[2] + how.start(2, at[2]);
            const long tap = (i * how.kernel[1] + j) * how.kernel[2];
            for (long k = along.begin; k < along.end; ++k) {
                const T v = from[k * how.dilation[2]];
                if ((v > best) | (v != v)) {
                    best = v;
                    where = tap + k;
                }
            }
        }
    }
    *value = best;
    *place = static_cast<Place>(where);
}

template <class T, class Place>
void largest(const Windows& how, const T* x, T* y, Place* place, char* work, long first,
             long last) {
    if (keeps_rows(how)) {
        largest_in_rows(how, x, y, place, work, first, last);
        return;
    }
    for (long plane = first; plane < last; ++plane) {
        long to = plane * how.outputs();
        long at[3];
        for (at[0] = 0; at[0] < how.out[0]; ++at[0]) {
            for (at[1] = 0; at[1] < how.out[1]; ++at[1]) {
                for (at[2] = 0; at[2] < how.out[2]; ++at[2], ++to) {
                    largest_in_window(how, x + plane * how.inputs(), at, y + to, place + to);
                }
            }
        }
    }
}

// ---- places

// Calls visit(output, input) for all outputs of a plane whose place lies inside, the last
// first: so every input adds its terms up in the order of its taps, as the reference does.
template <class Place, class Visit>
LAMPAS_INLINE void visit_places(const Windows& how, const Place* place, const long* offsets,
                                Visit visit) {
    const long taps = how.taps();
    const Ranges in = windows_inside(how, 0), down = windows_inside(how, 1);
    const Ranges along = windows_inside(how, 2);
    const auto edge = [&](const long* at, long output) {
        const long tap = place[output];
        if (tap < 0 || tap >= taps) return;
        const long number[3] = {tap / (how.kernel[1] * how.kernel[2]),
                                tap / how.kernel[2] % how.kernel[1], tap % how.kernel[2]};
        long input = 0;
        for (int d = 0; d < 3; ++d) {
            const long where = how.start(d, at[d]) + number[d] * how.dilation[d];
            if (where < 0 || where >= how.size[d]) return;
            input = input * how.size[d] + where;
        }
        visit(output, input);
    };
    long at[3];
    for (at[0] = how.out[0] - 1; at[0] >= 0; --at[0]) {
        for (at[1] = how.out[1] - 1; at[1] >= 0; --at[1]) {
            const long row = (at[0] * how.out[1] + at[1]) * how.out[2];
            const bool inner = at[0] >= in.begin && at[0] < in.end && at[1] >= down.begin &&
                               at[1] < down.end;
            const Ranges free = inner ? along : Ranges{0, 0};
            for (at[2] = how.out[2] - 1; at[2] >= free.end; --at[2]) edge(at, row + at[2]);
            const long corner =
                (how.start(0, at[0]) * how.size[1] + how.start(1, at[1])) * how.size[2];
            for (long column = free.end - 1; column >= free.begin; --column) {
                const long tap = place[row + column];
                if (tap >= 0 && tap < taps) {
                    visit(row + column, corner + how.start(2, column) + offsets[tap]);
                }
            }
            for (at[2] = free.begin - 1; at[2] >= 0; --at[2]) edge(at, row + at[2]);
        }
    }
}

long* tap_offsets(const Windows& how, Pieces memory) {
    long* offsets = memory.take<long>(how.taps());
    long tap = 0;
    for (long i = 0; i < how.kernel[0]; ++i) {
        for (long j = 0; j < how.kernel[1]; ++j) {
            const long row = i * how.dilation[0] * how.size[1] + j * how.dilation[1];
            for (long k = 0; k < how.kernel[2]; ++k) {
                offsets[tap++] = row * how.size[2] + k * how.dilation[2];
            }
        }
    }
    return offsets;
}

template <class T>
void clear(T* to, long count) {
    std::memset(to, 0, static_cast<std::size_t>(count) * sizeof(T));
}

template <class T, class Place>
void spread(const Windows& how, const T* g, const Place* place, T* dx, char* work, long first,
            long last) {
    const long* offsets = tap_offsets(how, Pieces{work});
    const bool apart = is_apart(how);
    for (long plane = first; plane < last; ++plane) {
        const T* from = g + plane * how.outputs();
        const Place* places = place + plane * how.outputs();
        T* to = dx + plane * how.inputs();
        clear(to, how.inputs());
        if (apart) {
            visit_places(how, places, offsets, [&](long o, long i) { to[i] = from[o]; });
        } else {
            visit_places(how, places, offsets, [&](long o, long i) { to[i] += from[o]; });
        }
    }
}

template <class T, class Place>
void pick(const Windows& how, const T* x, const Place* place, T* y, char* work, long first,
          long last) {
    const long* offsets = tap_offsets(how, Pieces{work});
    for (long plane = first; plane < last; ++plane) {
        const T* from = x + plane * how.inputs();
        T* to = y + plane * how.outputs();
        clear(to, how.outputs());
        visit_places(how, place + plane * how.outputs(), offsets,
                     [&](long o, long i) { to[o] = from[i]; });
    }
}

// ---- means

// What sums of a row of outputs are divided by.
template <class T>
struct Shares {
    const Windows& how;
    const Divisors& by;
    T* along;

    Shares(const Windows& w, const Divisors& d, T* memory) : how(w), by(d), along(memory) {
        const long padded = Phases(w).windows;
        for (long o = 0; o < padded; ++o) {
            along[o] = by.one || o >= how.out[2] ? T(1) : static_cast<T>(by.lengths[2][o]);
        }
    }
    T of_row(long slice, long row) const {
        return static_cast<T>(by.one ? by.value
                                     : static_cast<double>(by.lengths[0][slice] *
                                                           by.lengths[1][row]));
    }
};

template <class T>
struct Lines {
    Phases phases;
    T *along, *line, *apart, *sums;
    long* offsets;

    Lines(const Windows& how, Pieces memory) : phases(how) {
        along = memory.take<T>(phases.windows);
        line = memory.take<T>(how.size[2]);
        apart = memory.take<T>(phases.elements());
        sums = memory.take<T>(phases.windows);
        offsets = memory.take<long>(how.kernel[2]);
        for (long k = 0; k < how.kernel[2]; ++k) offsets[k] = phases.offset(k);
    }
};

template <class T>
void add_to(const T* __restrict from, T* __restrict to, long count) {
    for (long i = 0; i < count; ++i) to[i] += from[i];
}

// line = the sum of the rows under one row of windows
template <class T>
void sum_rows(const Windows& how, const T* plane, long slice, long row, T* line) {
    const Ranges in = taps_inside(how, 0, slice), down = taps_inside(how, 1, row);
    bool begun = false;
    for (long i = in.begin; i < in.end; ++i) {
        for (long j = down.begin; j < down.end; ++j) {
            const long z = how.start(0, slice) + i, y = how.start(1, row) + j;
            const T* from = plane + (z * how.size[1] + y) * how.size[2];
            if (begun) {
                add_to(from, line, how.size[2]);
            } else {
                std::memcpy(line, from, static_cast<std::size_t>(how.size[2]) * sizeof(T));
            }
            begun = true;
        }
    }
    if (!begun) clear(line, how.size[2]);
}

template <class T>
double run_total(const T* x, long count) {
    return total<T>(
        count, [&](long i) { return load(x + i); },
        [&](long i, int rest) { return load_part(x + i, rest); });
}

template <class T>
void mean(const Windows& how, const Divisors& by, const T* x, T* y, char* work, long first,
          long last) {
    if (is_whole(how)) {
        const long count = how.inputs();
        const double divisor =
            by.one ? by.value
                   : static_cast<double>(by.lengths[0][0] * by.lengths[1][0] * by.lengths[2][0]);
        for (long plane = first; plane < last; ++plane) {
            y[plane] = static_cast<T>(run_total(x + plane * count, count) / divisor);
        }
        return;
    }
    const Lines<T> lines(how, Pieces{work});
    const Shares<T> shares(how, by, lines.along);
    const Ranges only = taps_inside(how, 2, 0);
    const long rows = how.out[0] * how.out[1], width = how.out[2];
    for (long plane = first; plane < last; ++plane) {
        T* to = y + plane * how.outputs();
        for (long row = 0; row < rows; ++row, to += width) {
            const long slice = row / how.out[1];
            sum_rows(how, x + plane * how.inputs(), slice, row % how.out[1], lines.line);
            const T divisor = shares.of_row(slice, row % how.out[1]);
            if (width == 1) {
                const double sum = run_total(lines.line + how.start(2, 0) + only.begin,
                                             only.end - only.begin);
                *to = static_cast<T>(sum) / (divisor * lines.along[0]);
                continue;
            }
            take_apart(lines.phases, lines.line, T(0), lines.apart);
            for (long c = 0; c < width; c += lanes<T>) {
                vec<T> sum = load(lines.apart + lines.offsets[0] + c);
                for (long k = 1; k < how.kernel[2]; ++k) {
                    sum += load(lines.apart + lines.offsets[k] + c);
                }
                sum /= all(divisor) * load(lines.along + c);
                if (c + lanes<T> <= width) {
                    store<T>(to + c, sum);
                } else {
                    store_part<T>(to + c, sum, static_cast<int>(width - c));
                }
            }
        }
    }
}

// lines.line = one row of shares, added up where windows of the row share elements
template <class T>
void share_row(const Windows& how, const Lines<T>& lines, const T* g, T divisor) {
    const long width = how.out[2];
    for (long c = 0; c < width; ++c) lines.sums[c] = g[c] / (divisor * lines.along[c]);
    clear(lines.apart, lines.phases.elements());
    for (long k = 0; k < how.kernel[2]; ++k) {
        add_to(lines.sums, lines.apart + lines.offsets[k], width);
    }
    put_together(lines.phases, lines.apart, lines.line);
}

template <class T>
void share(const Windows& how, const Divisors& by, const T* g, T* dx, char* work, long first,
           long last) {
    const Lines<T> lines(how, Pieces{work});
    const Shares<T> shares(how, by, lines.along);
    clear(lines.line, how.size[2]);
    const long rows = how.out[0] * how.out[1], width = how.out[2];
    for (long plane = first; plane < last; ++plane) {
        const T* from = g + plane * how.outputs();
        T* to = dx + plane * how.inputs();
        if (is_whole(how)) {
            const T value = *from / (shares.of_row(0, 0) * lines.along[0]) + T(0);
            for (long i = 0; i < how.inputs(); ++i) to[i] = value;
            continue;
        }
        clear(to, how.inputs());
        for (long row = 0; row < rows; ++row, from += width) {
            const long slice = row / how.out[1], down = row % how.out[1];
            share_row(how, lines, from, shares.of_row(slice, down));
            const Ranges z = taps_inside(how, 0, slice), y = taps_inside(how, 1, down);
            for (long i = z.begin; i < z.end; ++i) {
                for (long j = y.begin; j < y.end; ++j) {
                    const long at =
                        (how.start(0, slice) + i) * how.size[1] + how.start(1, down) + j;
                    add_to(lines.line, to + at * how.size[2], how.size[2]);
                }
            }
        }
    }
}

long work_bytes(const Windows& how) {
    const Phases phases(how);
    const long kept = keeps_rows(how) ? rows_kept(how) * (phases.elements() + 1) : 0;
    const long largest = kept + 2 * how.kernel[0] * how.kernel[1] + how.kernel[2];
    const long lines = 2 * phases.windows + how.size[2] + phases.elements() + how.kernel[2];
    const long most = largest > lines ? largest : lines;
    return (most > how.taps() ? most : how.taps()) * 8;
}

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

#define PLACES(T, Place) {largest<T, Place>, spread<T, Place>, pick<T, Place>}

const PoolingKernels LAMPAS_PATH_OF(pooling) = {
    PLACES(float, std::uint8_t),  PLACES(float, std::int32_t), PLACES(double, std::uint8_t),
    PLACES(double, std::int32_t), {mean<float>, share<float>}, {mean<double>, share<double>},
    work_bytes,
};

}  // namespace lampas
