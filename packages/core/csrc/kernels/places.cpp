#include "kernels/places.hpp"

#include "kernels/simd.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

struct Sixteen { std::uint64_t low, high; };

LAMPAS_INLINE bool inside(std::int64_t i, long limit) {
    return static_cast<std::uint64_t>(i) < static_cast<std::uint64_t>(limit);
}

template <class W>
bool pick_rows(const Plane& p, const std::int64_t* index, const W* x, W* value) {
    const std::size_t bytes = static_cast<std::size_t>(p.columns) * sizeof(W);
    const bool whole = p.at_column == 1 && p.value_column == 1;
    for (long r = 0; r < p.rows; ++r) {
        const std::int64_t i = index[r * p.index_row];
        if (!inside(i, p.limit)) return false;
        const W* from = x + i * p.unit + r * p.at_row;
        W* to = value + r * p.value_row;
        if (whole) {
            std::memcpy(to, from, bytes);
        } else {
            for (long c = 0; c < p.columns; ++c) to[c * p.value_column] = from[c * p.at_column];
        }
    }
    return true;
}

// Whether all indices of a row are inside: no branch for each, and in vectors.
LAMPAS_INLINE bool all_inside(const std::int64_t* at, long step, long count, long limit) {
    std::int64_t outside = 0;
    if (step == 1) {
        for (long c = 0; c < count; ++c) outside |= at[c] | (limit - 1 - at[c]);
    } else {
        for (long c = 0; c < count; ++c) outside |= at[c * step] | (limit - 1 - at[c * step]);
    }
    return outside >= 0;
}

template <class W>
bool pick(const Plane& p, const std::int64_t* index, const void* source, void* target) {
    const W* x = static_cast<const W*>(source);
    W* value = static_cast<W*>(target);
    if (p.index_column == 0) return pick_rows(p, index, x, value);
    const bool plain = p.index_column == 1 && p.value_column == 1;
    for (long r = 0; r < p.rows; ++r) {
        const std::int64_t* __restrict at = index + r * p.index_row;
        const W* from = x + r * p.at_row;
        W* __restrict to = value + r * p.value_row;
        if ((r == 0 || p.index_row != 0) &&
            !all_inside(at, p.index_column, p.columns, p.limit)) {
            return false;
        }
        if (plain && p.unit == 1 && p.at_column == 0) {
            long c = 0;
            for (; c + 4 <= p.columns; c += 4) {
                const W first = from[at[c]], second = from[at[c + 1]];
                const W third = from[at[c + 2]], fourth = from[at[c + 3]];
                to[c] = first;
                to[c + 1] = second;
                to[c + 2] = third;
                to[c + 3] = fourth;
            }
            for (; c < p.columns; ++c) to[c] = from[at[c]];
        } else {
            for (long c = 0; c < p.columns; ++c) {
                to[c * p.value_column] =
                    from[at[c * p.index_column] * p.unit + c * p.at_column];
            }
        }
    }
    return true;
}

struct Set { template <class T> static LAMPAS_INLINE T of(T, T b) { return b; } };
struct Sum {
    template <class T> static LAMPAS_INLINE T of(T a, T b) { return a + b; }
    static LAMPAS_INLINE Pair of(Pair a, Pair b) { return a += b; }
    static LAMPAS_INLINE std::int64_t of(std::int64_t a, std::int64_t b) {
        return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) +
                                         static_cast<std::uint64_t>(b));
    }
};
struct Product {
    template <class T> static LAMPAS_INLINE T of(T a, T b) { return a * b; }
    static LAMPAS_INLINE std::int64_t of(std::int64_t a, std::int64_t b) {
        return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) *
                                         static_cast<std::uint64_t>(b));
    }
};
// As NumPy's maximum and minimum: NaN wherever one is.
struct Max {
    template <class T> static LAMPAS_INLINE T of(T a, T b) { return a >= b || a != a ? a : b; }
};
struct Min {
    template <class T> static LAMPAS_INLINE T of(T a, T b) { return a <= b || a != a ? a : b; }
};

template <class T, class Op, class V>
bool put_rows(const Plane& p, const std::int64_t* index, T* x, const V* value, long from,
              long to) {
    for (long r = 0; r < p.rows; ++r) {
        const std::int64_t i = index[r * p.index_row];
        if (!inside(i, p.limit)) return false;
        if (i < from || i >= to) continue;
        T* __restrict target = x + i * p.unit + r * p.at_row;
        const V* __restrict source = value + r * p.value_row;
        if (p.at_column == 1 && p.value_column == 1) {
            for (long c = 0; c < p.columns; ++c) target[c] = Op::of(target[c], T(source[c]));
        } else {
            for (long c = 0; c < p.columns; ++c) {
                T* one = target + c * p.at_column;
                *one = Op::of(*one, T(source[c * p.value_column]));
            }
        }
    }
    return true;
}

constexpr long FEW = 256;         // places that have four sums of their own at hand
constexpr long AT_ONCE = 64;      // indices that are looked at first

// Whether all indices are inside; each(first, last) for a few of them at a time, until one
// is not. So few that they are used while the next ones are on their way from memory.
template <class Each>
LAMPAS_INLINE bool while_inside(const std::int64_t* at, long count, long limit, Each each) {
    long first = 0;
    for (; first + AT_ONCE <= count; first += AT_ONCE) {
        if (!all_inside(at + first, 1, AT_ONCE, limit)) return false;
        each(first, first + AT_ONCE);
    }
    if (!all_inside(at + first, 1, count - first, limit)) return false;
    each(first, count);
    return true;
}

// each(c) for those of some columns whose index is in [from, to), in their order. They are
// listed first: which they are no branch foretells.
template <class Each>
LAMPAS_INLINE void for_those_between(const std::int64_t* at, long first, long last, long from,
                                     long to, Each each) {
    const std::uint64_t range = static_cast<std::uint64_t>(to - from);
    long listed[AT_ONCE], count = 0;
    for (long c = first; c < last; ++c) {
        listed[count] = c;
        count += static_cast<std::uint64_t>(at[c] - from) < range;
    }
    for (long k = 0; k < count; ++k) each(listed[k]);
}

// Many numbers added to few places: four sums of each, so that none waits for the last.
// Which of them a number comes to is told by its column alone.
template <class V>
bool add_to_few(const Plane& p, const std::int64_t* at, double* x, const V* value, long from,
                long to) {
    double sums[4][FEW];
    for (auto& row : sums) {
        for (long i = 0; i < p.limit; ++i) row[i] = -0.0;  // to which all adds up as it is
    }
    const auto add = [&](long c) { sums[c & 3][at[c]] += static_cast<double>(value[c]); };
    const bool every = from == 0 && to == p.limit;
    const bool good = while_inside(at, p.columns, p.limit, [&](long first, long last) {
        if (!every) {
            for_those_between(at, first, last, from, to, add);
            return;
        }
        long c = first;
        for (; c + 4 <= last; c += 4) {
            for (long k = 0; k < 4; ++k) sums[k][at[c + k]] += static_cast<double>(value[c + k]);
        }
        for (; c < last; ++c) add(c);
    });
    if (!good) return false;
    for (long i = from; i < to; ++i) x[i] += (sums[0][i] + sums[1][i]) + (sums[2][i] + sums[3][i]);
    return true;
}

template <class T, class Op, class V = T>
bool put(const Plane& p, const std::int64_t* index, void* target, const void* source, long from,
         long to) {
    T* x = static_cast<T*>(target);
    const V* value = static_cast<const V*>(source);
    if (p.index_column == 0) return put_rows<T, Op, V>(p, index, x, value, from, to);
    const bool every = from == 0 && to == p.limit;
    const bool plain = p.index_column == 1 && p.value_column == 1 && p.unit == 1;
    for (long r = 0; r < p.rows; ++r) {
        const std::int64_t* __restrict at = index + r * p.index_row;
        T* __restrict into = x + r * p.at_row;
        const V* __restrict of_row = value + r * p.value_row;
        if constexpr (sizeof(V) < sizeof(T) && sizeof(T) == sizeof(double)) {
            if (plain && p.at_column == 0 && p.limit <= FEW && p.columns >= 4 * p.limit) {
                if (!add_to_few(p, at, into, of_row, from, to)) return false;
                continue;
            }
        }
        if (plain && p.at_column == 0) {
            const auto one = [&](long c) { into[at[c]] = Op::of(into[at[c]], T(of_row[c])); };
            const bool good = while_inside(at, p.columns, p.limit, [&](long first, long last) {
                if (every) {
                    for (long c = first; c < last; ++c) one(c);
                } else {
                    for_those_between(at, first, last, from, to, one);
                }
            });
            if (!good) return false;
            continue;
        }
        if (!all_inside(at, p.index_column, p.columns, p.limit)) return false;
        const std::uint64_t range = static_cast<std::uint64_t>(to - from);
        for (long c = 0; c < p.columns; ++c) {
            const std::int64_t i = at[c * p.index_column];
            if (!every && static_cast<std::uint64_t>(i - from) >= range) continue;
            T* place = into + i * p.unit + c * p.at_column;
            *place = Op::of(*place, T(of_row[c * p.value_column]));
        }
    }
    return true;
}

void bounds(const std::int64_t* x, long count, std::int64_t* low, std::int64_t* high) {
    constexpr int W = lanes<std::int64_t>;
    i64v least = x[0] - i64v{}, most = least, least2 = least, most2 = least;
    long i = 0;
    for (; i + 2 * W <= count; i += 2 * W) {
        const i64v a = load(x + i), b = load(x + i + W);
        least = a < least ? a : least;
        most = a > most ? a : most;
        least2 = b < least2 ? b : least2;
        most2 = b > most2 ? b : most2;
    }
    least = least2 < least ? least2 : least;
    most = most2 > most ? most2 : most;
    *low = least[0];
    *high = most[0];
    for (int lane = 1; lane < W; ++lane) {
        if (least[lane] < *low) *low = least[lane];
        if (most[lane] > *high) *high = most[lane];
    }
    for (; i < count; ++i) {
        if (x[i] < *low) *low = x[i];
        if (x[i] > *high) *high = x[i];
    }
}

long count_set(const unsigned char* mask, long count) {
    long total = 0, i = 0;
    while (i < count) {  // 255 blocks fit into bytes
        constexpr long W = 32;
        unsigned char sums[W] = {};
        const long end = i + 255 * W < count ? i + 255 * W : count;
        for (; i + W <= end; i += W) {
            for (long l = 0; l < W; ++l) sums[l] = static_cast<unsigned char>(sums[l] + mask[i + l]);
        }
        if (end == count) {
            for (; i < count; ++i) total += mask[i];
        }
        for (long l = 0; l < W; ++l) total += sums[l];
    }
    return total;
}

void list_set(const unsigned char* mask, long count, long first, std::int64_t* to) {
    long i = 0;
    for (; i + 8 <= count; i += 8) {
        std::uint64_t eight;
        std::memcpy(&eight, mask + i, 8);
        if (eight == 0) continue;
        if (eight == 0x0101010101010101u) {
            for (long l = 0; l < 8; ++l) to[l] = first + i + l;
            to += 8;
            continue;
        }
        // The place moves on where one is set; what is written behind the last is not kept.
        std::int64_t found[8];
        long n = 0;
        for (long l = 0; l < 8; ++l) {
            found[n] = first + i + l;
            n += mask[i + l];
        }
        std::memcpy(to, found, static_cast<std::size_t>(n) * sizeof(std::int64_t));
        to += n;
    }
    for (; i < count; ++i) {
        if (mask[i] != 0) *to++ = first + i;
    }
}

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

#define JOINED(T) {nullptr, put<T, Sum>, put<T, Product>, put<T, Max>, put<T, Min>}

const PlaceKernels LAMPAS_PATH_OF(placer) = {
    {pick<std::uint8_t>, pick<std::uint16_t>, pick<std::uint32_t>, pick<std::uint64_t>,
     pick<Sixteen>},
    {put<std::uint8_t, Set>, put<std::uint16_t, Set>, put<std::uint32_t, Set>,
     put<std::uint64_t, Set>, put<Sixteen, Set>},
    JOINED(float),
    JOINED(double),
    JOINED(std::int64_t),
    put<double, Sum, float>,
    put<Pair, Sum, double>,
    bounds,
    count_set,
    list_set,
};

}  // namespace lampas
