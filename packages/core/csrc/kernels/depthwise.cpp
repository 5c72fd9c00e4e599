#include "kernels/depthwise.hpp"

#include "kernels/simd.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

constexpr int QUAD = 4;        // elements of the smallest pieces that are copied at once
constexpr int MOST_SHIFTS = 9;  // whose sums are held in registers

constexpr long STRIP = 16;      // rows that one column is followed down

template <class T, int WIDTH>
LAMPAS_INLINE void copy_piece(const T* from, T* to) {
    typedef T Piece __attribute__((vector_size(WIDTH * sizeof(T))));
    Piece piece;
    std::memcpy(&piece, from, sizeof piece);
    std::memcpy(to, &piece, sizeof piece);
}

// A run, the end of which may be copied twice: rows are short, and memcpy of a size that
// is not known costs more than all of it.
template <class T, int WIDTH>
LAMPAS_INLINE void copy_pieces(const T* from, T* to, long count) {
    for (long i = 0; i + WIDTH < count; i += WIDTH) {
        copy_piece<T, WIDTH>(from + i, to + i);
    }
    copy_piece<T, WIDTH>(from + count - WIDTH, to + count - WIDTH);
}

template <class T>
LAMPAS_INLINE void copy_run(const T* from, T* to, long count) {
    if (count >= lanes<T>) {
        copy_pieces<T, lanes<T>>(from, to, count);
    } else if (count >= QUAD) {
        copy_pieces<T, QUAD>(from, to, count);
    } else {
        for (long i = 0; i < count; ++i) to[i] = from[i];
    }
}

// Every second element, from two of which one comes first.
template <class T>
LAMPAS_INLINE void split_pairs(const T* __restrict from, T* __restrict even, T* __restrict odd,
                               long pairs) {
    for (long i = 0; i < pairs; ++i) {
        even[i] = from[2 * i];
        odd[i] = from[2 * i + 1];
    }
}

template <class T>
LAMPAS_INLINE void join_pairs(const T* __restrict even, const T* __restrict odd, T* __restrict to,
                              long pairs) {
    for (long i = 0; i < pairs; ++i) {
        to[2 * i] = even[i];
        to[2 * i + 1] = odd[i];
    }
}

template <class Body>
LAMPAS_INLINE void each_row(const Packing& p, const Body& body) {
    for (long i = 0; i < p.count[0]; ++i) {
        for (long j = 0; j < p.count[1]; ++j) {
            body(i * p.steps[0] + j * p.steps[1], i * p.slice + j * p.row);
        }
    }
}

LAMPAS_INLINE long place(const Packing& p, long i) {
    const long q = p.column + i;
    return q % p.phases * p.segment + q / p.phases;
}

template <class T>
void pack(const Packing& p, const T* from, T* to) {
    const long count = p.count[2], step = p.steps[2];
    if (step == 1 && p.phases == 1) {
        each_row(p, [&](long plain, long packed) {
            copy_run(from + plain, to + packed + p.column, count);
        });
    } else if (step == 1 && p.phases == 2) {
        each_row(p, [&](long plain, long packed) {
            split_pairs(from + plain, to + packed + place(p, 0), to + packed + place(p, 1),
                        count / 2);
            if (count & 1) to[packed + place(p, count - 1)] = from[plain + count - 1];
        });
    } else {
        each_row(p, [&](long plain, long packed) {
            for (long i = 0; i < count; ++i) {
                to[packed + place(p, i)] = from[plain + i * step];
            }
        });
    }
}

// From the packed image to a plain one without gaps in its rows.
template <class T>
void unpack(const Packing& p, const T* from, T* to) {
    const long count = p.count[2];
    if (p.phases == 1) {
        each_row(p, [&](long plain, long packed) {
            copy_run(from + packed + p.column, to + plain, count);
        });
    } else if (p.phases == 2) {
        each_row(p, [&](long plain, long packed) {
            join_pairs(from + packed + place(p, 0), from + packed + place(p, 1), to + plain,
                       count / 2);
            if (count & 1) to[plain + count - 1] = from[packed + place(p, count - 1)];
        });
    } else {
        each_row(p, [&](long plain, long packed) {
            for (long i = 0; i < count; ++i) to[plain + i] = from[packed + place(p, i)];
        });
    }
}

// Whole where there is room.
template <class T>
LAMPAS_INLINE void put(T* to, vec<T> v, long room) {
    if (room >= lanes<T>) store<T>(to, v);
    else store_part<T>(to, v, static_cast<int>(room));
}

template <class T, int N>
LAMPAS_INLINE void combine_some(const Shifts<T>& shifts, T bias, const Spot* spots, const T* from,
                                T* to, long room) {
    const T* at[N];
    vec<T> sum[N];
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) {
        at[n] = from + spots[n].from;
        sum[n] = all(bias);
    }
    for (long s = 0; s < shifts.count; ++s) {
        const vec<T> weight = all(shifts.weights[s]);
        const long offset = shifts.offsets[s];
#pragma GCC unroll 8
        for (int n = 0; n < N; ++n) sum[n] += weight * load(at[n] + offset);
    }
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) {
        put(to + spots[n].to, sum[n], room - spots[n].to);
    }
}

template <class T>
void combine(const Shifts<T>& shifts, T bias, const Spot* spots, long count, const T* from, T* to,
             long room) {
    long i = 0;
    for (; i + 8 <= count; i += 8) combine_some<T, 8>(shifts, bias, spots + i, from, to, room);
    for (; i + 4 <= count; i += 4) combine_some<T, 4>(shifts, bias, spots + i, from, to, room);
    for (; i < count; ++i) combine_some<T, 1>(shifts, bias, spots + i, from, to, room);
}

template <class T> struct Mask { decltype(vec<T>{} < vec<T>{}) bits; };

template <class T>
Mask<T> mask_of(Lanes counted) {
    vec<T> index;
    for (int i = 0; i < lanes<T>; ++i) index[i] = static_cast<T>(i);
    return {(index >= all(static_cast<T>(counted.first))) &
            (index < all(static_cast<T>(counted.last)))};
}

// Where not all lanes count, neither an infinity of the image nor one of g may enter.
template <class T, int N, bool MASKED>
void correlate_some(const std::int32_t* offsets, Mask<T> mask, const Spot* spots, long count,
                    const T* from, const T* g, T* sums) {
    const vec<T> zero = {};
    vec<T> sum[N];
#pragma GCC unroll 9
    for (int n = 0; n < N; ++n) sum[n] = load(sums + n * lanes<T>);
    for (long i = 0; i < count; ++i) {
        const T* at = from + spots[i].from;
        vec<T> slope = load(g + spots[i].to);
        if (MASKED) slope = mask.bits ? slope : zero;
#pragma GCC unroll 9
        for (int n = 0; n < N; ++n) {
            const vec<T> value = load(at + offsets[n]);
            sum[n] += slope * (MASKED ? (mask.bits ? value : zero) : value);
        }
    }
#pragma GCC unroll 9
    for (int n = 0; n < N; ++n) store<T>(sums + n * lanes<T>, sum[n]);
}

template <class T, bool MASKED>
void correlate_as(const Shifts<T>& shifts, Mask<T> mask, const Spot* spots, long count,
                  const T* from, const T* g, T* sums) {
    for (long s = 0; s < shifts.count;) {
        const long left = shifts.count - s;
        const long groups = (left + MOST_SHIFTS - 1) / MOST_SHIFTS;
        const long some = (left + groups - 1) / groups;
        const std::int32_t* offsets = shifts.offsets + s;
        T* to = sums + s * lanes<T>;
#define LAMPAS_SOME(n) \
    case n: correlate_some<T, n, MASKED>(offsets, mask, spots, count, from, g, to); break;
        switch (some) {
            LAMPAS_SOME(1)
            LAMPAS_SOME(2)
            LAMPAS_SOME(3)
            LAMPAS_SOME(4)
            LAMPAS_SOME(5)
            LAMPAS_SOME(6)
            LAMPAS_SOME(7)
            LAMPAS_SOME(8)
            LAMPAS_SOME(9)
        }
#undef LAMPAS_SOME
        s += some;
    }
}

template <class T>
void correlate(const Shifts<T>& shifts, Lanes counted, const Spot* spots, long count,
               const T* from, const T* g, T* sums) {
    const Mask<T> mask = mask_of<T>(counted);
    if (counted.first == 0 && counted.last == lanes<T>) {
        correlate_as<T, false>(shifts, mask, spots, count, from, g, sums);
    } else {
        correlate_as<T, true>(shifts, mask, spots, count, from, g, sums);
    }
}

// R rows of a column of vectors: a row of the image is loaded once for all that it adds to.
template <class T, int R>
LAMPAS_INLINE void combine_strip(const Rows& rows, const vec<T>* w, vec<T> shift, const T* in,
                                 T* to, long room) {
    vec<T> sum[R];
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
        sum[r] = shift;
        __builtin_prefetch(to + (r + R) * rows.to_row, 1);  // the next strip's
    }
#pragma GCC unroll 6
    for (int i = 0; i < R + 2; ++i) {
#pragma GCC unroll 3
        for (int j = 0; j < 3; ++j) {
            const vec<T> value = load(in + i * rows.from_row + rows.offsets[j]);
#pragma GCC unroll 3
            for (int k = 0; k < 3; ++k) {
                if (i - k >= 0 && i - k < R) sum[i - k] += w[k * 3 + j] * value;
            }
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) put(to + r * rows.to_row, sum[r], room - r * rows.to_row);
}

template <class T, int R>
void combine_3x3(const Rows& rows, const T* weights, T bias, const T* from, T* to, long room) {
    constexpr long L = lanes<T>;
    vec<T> w[9];
#pragma GCC unroll 9
    for (int i = 0; i < 9; ++i) w[i] = all(weights[i]);
    const long last = rows.width > L ? rows.width - L : 0;
    for (long column = 0; column < rows.width; column += L) {
        const long at = column < last ? column : last;
        combine_strip<T, R>(rows, w, all(bias), from + at, to + at, room - at);
    }
}

// R rows of V columns of vectors, by K rows of taps.
template <class T, int K, int R, int V>
LAMPAS_INLINE void combine_block(const Rows& rows, const T* weights, vec<T> shift, const T* from,
                                 T* to, long room) {
    vec<T> sum[R][V];
#pragma GCC unroll 8
    for (int i = 0; i < R * V; ++i) sum[i / V][i % V] = shift;
    for (int j = 0; j < rows.taps; ++j) {
        const T* in = from + rows.offsets[j];
        vec<T> w[K];
#pragma GCC unroll 7
        for (int k = 0; k < K; ++k) w[k] = all(weights[k * rows.taps + j]);
#pragma GCC unroll 10
        for (int i = 0; i < R + K - 1; ++i) {
#pragma GCC unroll 2
            for (int v = 0; v < V; ++v) {
                const vec<T> value = load(in + i * rows.from_row + v * lanes<T>);
#pragma GCC unroll 7
                for (int k = 0; k < K; ++k) {
                    if (i - k >= 0 && i - k < R) sum[i - k][v] += w[k] * value;
                }
            }
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < R * V; ++i) {
        const long at = i / V * rows.to_row + i % V * lanes<T>;
        put(to + at, sum[i / V][i % V], room - at);
    }
}

template <class T, int K, int R>
void combine_blocks(const Rows& rows, const T* weights, T bias, const T* from, T* to, long room) {
    constexpr long L = lanes<T>;
    const vec<T> shift = all(bias);
    long at = 0;
    for (; at + L < rows.width && rows.width >= 2 * L; at += 2 * L) {
        const long column = at + 2 * L <= rows.width ? at : rows.width - 2 * L;
        combine_block<T, K, R, 2>(rows, weights, shift, from + column, to + column, room - column);
    }
    const long last = rows.width > L ? rows.width - L : 0;
    for (; at < rows.width; at += L) {
        const long column = at < last ? at : last;
        combine_block<T, K, R, 1>(rows, weights, shift, from + column, to + column, room - column);
    }
}

template <class T, int K, int R>
LAMPAS_INLINE void combine_some_rows(const Rows& rows, const T* weights, T bias, const T* from,
                                     T* to, long room) {
    if constexpr (K == 3) {
        combine_3x3<T, R>(rows, weights, bias, from, to, room);
    } else {
        combine_blocks<T, K, R>(rows, weights, bias, from, to, room);
    }
}

template <class T, int K>
void combine_all_rows(const Rows& rows, const T* weights, T bias, const T* from, T* to,
                      long room) {
    long i = 0;
    for (; i + 4 <= rows.count; i += 4) {
        combine_some_rows<T, K, 4>(rows, weights, bias, from, to, room);
        from += 4 * rows.from_row;
        to += 4 * rows.to_row;
        room -= 4 * rows.to_row;
    }
    switch (rows.count - i) {
        case 3: combine_some_rows<T, K, 3>(rows, weights, bias, from, to, room); break;
        case 2: combine_some_rows<T, K, 2>(rows, weights, bias, from, to, room); break;
        case 1: combine_some_rows<T, K, 1>(rows, weights, bias, from, to, room); break;
    }
}

template <class T>
void combine_rows(const Rows& rows, const T* weights, T bias, const T* from, T* to, long room) {
    switch (rows.taps_rows) {
        case 3: combine_all_rows<T, 3>(rows, weights, bias, from, to, room); break;
        case 5: combine_all_rows<T, 5>(rows, weights, bias, from, to, room); break;
        case 7: combine_all_rows<T, 7>(rows, weights, bias, from, to, room); break;
    }
}

// The rows of g that a row of the image meets are held; FIRST and LAST say which of them
// there are at the ends.
template <class T, int FIRST, int LAST, bool MASKED>
LAMPAS_INLINE void meet_row(const T* in, const Rows& rows, Mask<T> mask, const vec<T>* g,
                            vec<T>* sum) {
#pragma GCC unroll 3
    for (int j = 0; j < 3; ++j) {
        vec<T> value = load(in + rows.offsets[j]);
        if (MASKED) value = mask.bits ? value : vec<T>{};
#pragma GCC unroll 3
        for (int i = FIRST; i <= LAST; ++i) sum[i * 3 + j] += value * g[i];
    }
}

template <class T, bool MASKED>
void correlate_column(const Rows& rows, Mask<T> mask, const T* from, const T* g, T* sums) {
    constexpr int L = lanes<T>;
    const auto slope = [&](long row) {
        const vec<T> value = load(g + row * rows.to_row);
        return MASKED ? (mask.bits ? value : vec<T>{}) : value;
    };
    vec<T> sum[9], held[3];  // g of the row met by the first row of taps, the second, ...
#pragma GCC unroll 9
    for (int i = 0; i < 9; ++i) sum[i] = load(sums + i * L);
    const T* in = from;
    held[0] = slope(0);
    meet_row<T, 0, 0, MASKED>(in, rows, mask, held, sum);
    in += rows.from_row;
    if (rows.count == 1) {
        held[1] = held[0];
        meet_row<T, 1, 1, MASKED>(in, rows, mask, held, sum);
        held[2] = held[1];
    } else {
        held[1] = held[0];
        held[0] = slope(1);
        meet_row<T, 0, 1, MASKED>(in, rows, mask, held, sum);
        for (long i = 2; i < rows.count; ++i) {
            in += rows.from_row;
            held[2] = held[1];
            held[1] = held[0];
            held[0] = slope(i);
            meet_row<T, 0, 2, MASKED>(in, rows, mask, held, sum);
        }
        in += rows.from_row;
        held[2] = held[1];
        held[1] = held[0];
        meet_row<T, 1, 2, MASKED>(in, rows, mask, held, sum);
        held[2] = held[1];
    }
    meet_row<T, 2, 2, MASKED>(in + rows.from_row, rows, mask, held, sum);
#pragma GCC unroll 9
    for (int i = 0; i < 9; ++i) store<T>(sums + i * L, sum[i]);
}

template <class T>
void correlate_rows(const Rows& rows, const T* from, const T* g, T* sums) {
    constexpr long L = lanes<T>;
    const Mask<T> none{};
    long column = 0;
    for (; column + L <= rows.width; column += L) {
        correlate_column<T, false>(rows, none, from + column, g + column, sums);
    }
    const int over = static_cast<int>(rows.width - column);
    if (over == 0) return;
    const Lanes counted = column > 0 ? Lanes{lanes<T> - over, lanes<T>} : Lanes{0, over};
    const long at = column > 0 ? rows.width - L : 0;
    correlate_column<T, true>(rows, mask_of<T>(counted), from + at, g + at, sums);
}

template <class T>
void correlate_3x3(const Rows& rows, const T* from, const T* g, T* sums) {
    Rows some = rows;
    for (long i = 0; i < rows.count; i += STRIP) {
        some.count = rows.count - i < STRIP ? rows.count - i : STRIP;
        correlate_rows(some, from + i * rows.from_row, g + i * rows.to_row, sums);
    }
}

template <class T>
constexpr DepthwiseOf<T> kernels_of() {
    return {lanes<T>,     pack<T>,        unpack<T>,       combine<T>,
            correlate<T>, combine_rows<T>, correlate_3x3<T>};
}

}  // namespace
}  // namespace LAMPAS_PATH

const DepthwiseKernels LAMPAS_PATH_OF(depthwise_kernels) = {
    LAMPAS_PATH::kernels_of<float>(),
    LAMPAS_PATH::kernels_of<double>(),
};

}  // namespace lampas
