#include "kernels/winograd.hpp"

#include "kernels/interleave.hpp"
#include "kernels/microkernel.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

// B' applied to four values.
template <class V>
LAMPAS_INLINE void spread(V a, V b, V c, V d, V* to) {
    to[0] = a - c;
    to[1] = b + c;
    to[2] = c - b;
    to[3] = b - d;
}

template <class T>
void image(const WinogradImage<T>& w) {
    constexpr int L = lanes<T>;
    const long length = 2 * w.part;
    const int rest = static_cast<int>(L - 1 - (w.line_count * w.tiles - 1) % L);
    for (long c = 0; c < w.channels; ++c) {
        T* to = w.to + c * w.row;
        for (long l = 0; l < w.line_count; ++l, to += w.tiles) {
            const T* line = w.planes + c * w.plane + w.lines[l];
            for (long q = 0; q < w.tiles; q += L) {
                vec<T> rows[4][4];
#pragma GCC unroll 4
                for (int r = 0; r < 4; ++r) {
                    const T* even = line + r * length + q;
                    const T* odd = even + w.part;
                    spread(load(even), load(odd), load(even + 1), load(odd + 1), rows[r]);
                }
#pragma GCC unroll 4
                for (int j = 0; j < 4; ++j) {
                    vec<T> column[4];
                    spread(rows[0][j], rows[1][j], rows[2][j], rows[3][j], column);
#pragma GCC unroll 4
                    for (int i = 0; i < 4; ++i) store(to + (4 * i + j) * w.step + q, column[i]);
                }
            }
        }
        for (int p = 0; p < PLACES && rest > 0; ++p) store_part(to + p * w.step, vec<T>{}, rest);
    }
}

// G applied to three values.
template <class T, class V = vec<T>>
LAMPAS_INLINE void widen(V a, V b, V c, V* to) {
    const V half = (a + c) * T(0.5);
    to[0] = a;
    to[1] = half + b * T(0.5);
    to[2] = half - b * T(0.5);
    to[3] = c;
}

// Of a vector of rows, whose taps lie at packed, to all places.
template <class T>
LAMPAS_INLINE void spread_taps(const T* packed, bool mirrored, vec<T>* places) {
    constexpr int L = lanes<T>;
    vec<T> taps[9];
    for (int t = 0; t < 9; ++t) taps[t] = load(packed + (mirrored ? 8 - t : t) * L);
    vec<T> rows[4][3];
#pragma GCC unroll 3
    for (int j = 0; j < 3; ++j) {
        vec<T> column[4];
        widen<T>(taps[j], taps[3 + j], taps[6 + j], column);
        for (int i = 0; i < 4; ++i) rows[i][j] = column[i];
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) widen<T>(rows[i][0], rows[i][1], rows[i][2], places + 4 * i);
}

// Channels whose taps are packed at once, where they lie side by side.
constexpr long TOGETHER = 16;

template <class T>
void weight(const WinogradWeight<T>& w) {
    constexpr int L = lanes<T>, M = WIDE_MR;
    constexpr bool WHOLE = L % M == 0;  // a vector fills whole panels
    constexpr int ROWS = WHOLE ? L : M, VECTORS = (ROWS + L - 1) / L;
    const long together = w.along == 9 ? TOGETHER : 1;
    T packed[VECTORS][9 * TOGETHER * L];
    for (long i = 0; i < w.rows; i += ROWS) {
        for (long c = 0; c < w.channels; ++c) {
            if (c % together == 0) {
                const long count = w.channels - c < together ? w.channels - c : together;
                for (int v = 0; v < VECTORS; ++v) {
                    const long row = i + v * L, rest = w.there - row;
                    pack_panel<T, L>(w.from + row * w.across + c * w.along, w.across, 1,
                                     static_cast<int>(rest < L ? (rest > 0 ? rest : 0) : L),
                                     9 * count, packed[v]);
                }
            }
            for (int v = 0; v < VECTORS; ++v) {
                vec<T> places[PLACES];
                spread_taps<T>(packed[v] + c % together * 9 * L, w.mirrored, places);
                T* to = w.panels + i * w.channels + c * M + v * L;
#pragma GCC unroll 16
                for (int p = 0; p < PLACES; ++p, to += w.step) {
                    if constexpr (WHOLE) {
                        for (int h = 0; h < L && i + h < w.rows; h += M) {
                            std::memcpy(to + h * w.channels,
                                        reinterpret_cast<const T*>(places + p) + h,
                                        M * sizeof(T));
                        }
                    } else if (c + 1 < w.channels || (v + 1) * L <= M) {
                        // Rows of the next panel that come along are written over by the
                        // next channel.
                        store(to, places[p]);
                    } else {
                        store_part(to, places[p], M - v * L);
                    }
                }
            }
        }
    }
}

// Two vectors of which every other pixel comes from one.
template <class T>
LAMPAS_INLINE void weave(vec<T> a, vec<T> b, long count, T* to) {
    constexpr int L = lanes<T>;
    const vec<T> low = pairs_of<L>::low(a, b), high = pairs_of<L>::high(a, b);
    if (count >= 2 * L) {
        store(to, low);
        store(to + L, high);
        return;
    }
    if constexpr (PARTS_ARE_CHEAP) {
        store_part(to, low, static_cast<int>(count < L ? count : L));
        if (count > L) store_part(to + L, high, static_cast<int>(count - L));
        return;
    }
    T both[2 * L];
    store(both, low);
    store(both + L, high);
    for (long i = 0; i < count; ++i) to[i] = both[i];
}

// Which lanes have a tile in the last vector of a line, where others are left over.
template <class T>
LAMPAS_INLINE auto first_lanes(int count) {
    T ones[lanes<T>] = {};
    for (int i = 0; i < count; ++i) ones[i] = 1;
    return load(ones) != T(0);
}

template <class T>
bool result(const WinogradResult<T>& w) {
    constexpr int L = lanes<T>;
    const auto in_last = first_lanes<T>(static_cast<int>(w.tiles % L));
    vec<T> seen = {};  // zero as long as all is finite
    for (long r = 0; r < w.rows; ++r) {
        const vec<T> bias = all(w.bias == nullptr ? T(0) : w.bias[r]);
        const T* from = w.from + r * w.length;
        for (long y = 0; y < w.height; y += 2, from += w.tiles) {
            T* to = w.to + r * w.to_row + y * w.width;
            for (long q = 0; q < w.tiles; q += L) {
                vec<T> rows[2][4];
#pragma GCC unroll 4
                for (int j = 0; j < 4; ++j) {
                    const T* at = from + j * w.step + q;
                    const vec<T> a = load(at), b = load(at + 4 * w.step);
                    const vec<T> c = load(at + 8 * w.step), d = load(at + 12 * w.step);
                    rows[0][j] = a + b + c;
                    rows[1][j] = b - c - d;
                }
                const long count = w.width - 2 * q < 2 * L ? w.width - 2 * q : 2 * L;
#pragma GCC unroll 2
                for (int i = 0; i < 2; ++i) {
                    if (i == 1 && y + 1 == w.height) break;
                    const vec<T> a = rows[i][0] + rows[i][1] + rows[i][2] + bias;
                    const vec<T> b = rows[i][1] - rows[i][2] - rows[i][3] + bias;
                    const vec<T> nothing = {};
                    if (q + L <= w.tiles) seen += a * T(0) + b * T(0);
                    else seen += (in_last ? a : nothing) * T(0) + (in_last ? b : nothing) * T(0);
                    weave(a, b, count, to + i * w.width + 2 * q);
                }
            }
        }
    }
    return sum_of<T>(seen) == T(0);
}

}  // namespace
}  // namespace LAMPAS_PATH

const WinogradKernels LAMPAS_PATH_OF(winograd) = {
    {LAMPAS_PATH::image<float>, LAMPAS_PATH::weight<float>, LAMPAS_PATH::result<float>},
    {LAMPAS_PATH::image<double>, LAMPAS_PATH::weight<double>, LAMPAS_PATH::result<double>},
};

}  // namespace lampas
