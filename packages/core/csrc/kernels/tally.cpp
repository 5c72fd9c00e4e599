// Columns are folded in numbers hardly wider than the elements, for as many rows as these
// hold; a run is such columns, and then their fold. What of a run fills no vector is looked
// at in one that ends with it.
#include "kernels/tally.hpp"

#include <type_traits>
#include <utility>

#include "kernels/simd.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

using u8 = std::uint8_t;
using i32 = std::int32_t;
using u32 = std::uint32_t;
using i64 = std::int64_t;
using u64 = std::uint64_t;

constexpr long AT_ONCE = 4;  // vectors of parts of a run: registers hold them
constexpr long TILE = 1024;  // columns whose parts stay in the nearest cache

template <class T> struct next;
template <> struct next<u8> { using type = std::uint16_t; };
template <> struct next<i32> { using type = i64; };
template <> struct next<i64> { using type = u64; };  // which wraps around

template <class T> struct counter;
template <> struct counter<u8> { using type = u8; };
template <> struct counter<u32> { using type = u32; };
template <> struct counter<float> { using type = u32; };
template <> struct counter<u64> { using type = u64; };
template <> struct counter<double> { using type = u64; };

// COUNT numbers of a type in a vector.
template <class T, long COUNT> struct several {
    typedef T type __attribute__((vector_size(COUNT * static_cast<long>(sizeof(T)))));
};

// A number as another type, or each of a vector.
template <class To, class From> LAMPAS_INLINE To as(From v) {
    if constexpr (std::is_arithmetic_v<To>) {
        return static_cast<To>(v);
    } else {
        return __builtin_convertvector(v, To);
    }
}

// What a fold is in: how an element joins a part, or a vector of them one of parts, and how
// a part the whole. A part holds ROWS; NOTHING is an element that leaves it as it is.
struct Added {
    template <class V> static LAMPAS_INLINE V merge(V a, V b) { return a + b; }
    static i64 with(i64 whole, i64 part) {
        return static_cast<i64>(static_cast<u64>(whole) + static_cast<u64>(part));
    }
};
template <class T> struct Sum : Added {
    using Part = typename next<T>::type;
    static constexpr long ROWS = 255;
    static constexpr bool FIRST = false;
    static constexpr Part START = 0;
    static constexpr T NOTHING = 0;
    template <class P, class V> static LAMPAS_INLINE P join(P p, V v) {
        return as<P>(p + as<P>(v));
    }
};
template <class T> struct Product {
    using Part = u64;
    static constexpr long ROWS = 255;
    static constexpr bool FIRST = false;
    static constexpr Part START = 1;
    static constexpr T NOTHING = 1;
    template <class V> static LAMPAS_INLINE V merge(V a, V b) { return a * b; }
    template <class P, class V> static LAMPAS_INLINE P join(P p, V v) { return p * as<P>(v); }
    static i64 with(i64 whole, Part part) {
        return static_cast<i64>(static_cast<u64>(whole) * part);
    }
};
template <class T> constexpr T LOWEST = static_cast<T>(T(-1) < 0 ? T(1) << (8 * sizeof(T) - 1) : 0);
template <class T> struct Most {
    using Part = T;
    static constexpr long ROWS = 255;
    static constexpr bool FIRST = false;
    static constexpr Part START = LOWEST<T>;
    static constexpr T NOTHING = START;
    template <class P> static LAMPAS_INLINE P join(P p, P v) { return v > p ? v : p; }
    template <class V> static LAMPAS_INLINE V merge(V a, V b) { return join(a, b); }
    static i64 with(i64 whole, i64 part) { return part > whole ? part : whole; }
};
template <class T> struct Least {
    using Part = T;
    static constexpr long ROWS = 255;
    static constexpr bool FIRST = false;
    static constexpr Part START = static_cast<T>(~LOWEST<T>);
    static constexpr T NOTHING = START;
    template <class P> static LAMPAS_INLINE P join(P p, P v) { return v < p ? v : p; }
    template <class V> static LAMPAS_INLINE V merge(V a, V b) { return join(a, b); }
    static i64 with(i64 whole, i64 part) { return part < whole ? part : whole; }
};
template <class T, bool ZERO, bool ONE> struct Count : Added {
    using Part = typename counter<T>::type;
    static constexpr long ROWS = ONE ? 16 : 255;
    static constexpr bool FIRST = ONE;  // whether the first one found ends the search
    static constexpr Part START = 0;
    static constexpr T NOTHING = ZERO ? 1 : 0;
    template <class P, class V> static LAMPAS_INLINE P join(P p, V v) {
        const auto found = ZERO ? v == T(0) : v != T(0);
        if constexpr (std::is_arithmetic_v<P>) {
            return static_cast<P>(p + static_cast<P>(found));
        } else {
            return p - as<P>(found);  // of which all bits are set
        }
    }
};

template <class T, class Op>
LAMPAS_INLINE void join_row(const T* x, long columns, typename Op::Part* __restrict parts) {
    for (long c = 0; c < columns; ++c) parts[c] = Op::join(parts[c], x[c]);
}

template <long FIRST, class V, std::size_t... I>
LAMPAS_INLINE auto part_of(V v, std::index_sequence<I...>) {
    return __builtin_shufflevector(v, v, (FIRST + static_cast<long>(I))...);
}

template <class Op, class T, long COUNT>
LAMPAS_INLINE T merged(typename several<T, COUNT>::type v) {
    if constexpr (COUNT == 1) {
        return v[0];
    } else {
        constexpr long HALF = COUNT / 2;
        constexpr std::make_index_sequence<static_cast<std::size_t>(HALF)> lanes_of_half;
        typename several<T, HALF>::type low = part_of<0>(v, lanes_of_half);
        return merged<Op, T, HALF>(Op::merge(low, part_of<HALF>(v, lanes_of_half)));
    }
}

// All parts together; sums of small ones need wider numbers.
template <class Op, class Part, long COUNT>
LAMPAS_INLINE i64 folded(const typename several<Part, COUNT>::type* parts) {
    if constexpr (std::is_base_of_v<Added, Op> && sizeof(Part) < 4) {
        Part lane[AT_ONCE * COUNT];
        std::memcpy(lane, parts, sizeof lane);
        u32 sum = 0;
        for (const Part p : lane) sum += p;
        return sum;
    } else {
        return static_cast<i64>(merged<Op, Part, COUNT>(
            Op::merge(Op::merge(parts[0], parts[1]), Op::merge(parts[2], parts[3]))));
    }
}

// None of so many lanes, and then all of them: those from lane n on begin at n.
template <class T, long COUNT> struct Window {
    std::conditional_t<sizeof(T) == 1, std::int8_t,
                       std::conditional_t<sizeof(T) == 4, i32, i64>> lane[2 * COUNT];
    constexpr Window() : lane() {
        for (long i = 0; i < COUNT; ++i) lane[COUNT + i] = -1;
    }
};
template <class T, long COUNT> constexpr Window<T, COUNT> FRESH;

template <class T, class Op>
i64 run(const void* source, long count, double) {
    using Part = typename Op::Part;
    constexpr long W = BYTES / static_cast<long>(sizeof(Part)), ACROSS = AT_ONCE * W;
    using Parts = typename several<Part, W>::type;
    using Elements = typename several<T, W>::type;
    const auto loaded = [](const T* from) {
        Elements v;
        std::memcpy(&v, from, sizeof v);
        return v;
    };
    const T* x = static_cast<const T*>(source);
    i64 whole = static_cast<i64>(Op::START);
    if (count < W) {
        for (long c = 0; c < count; ++c) {
            whole = Op::with(whole, as<i64>(Op::join(Op::START, x[c])));
        }
        return whole;
    }
    while (count > 0) {
        Parts parts[AT_ONCE];
        for (Parts& p : parts) p = Parts{} + Op::START;
        const long left = count / ACROSS, rows = left < Op::ROWS ? left : Op::ROWS - 1;
        if (rows > 0) {
            Part lane[ACROSS];
            std::memcpy(lane, parts, sizeof lane);
            for (long r = 0; r < rows; ++r, x += ACROSS) join_row<T, Op>(x, ACROSS, lane);
            std::memcpy(parts, lane, sizeof parts);
        }
        count -= rows * ACROSS;
        if (count < ACROSS) {
            for (long j = 0; j + 1 < AT_ONCE; ++j, x += W, count -= W) {
                if (count < W) break;
                parts[j] = Op::join(parts[j], loaded(x));
            }
            if (count > 0) {
                Elements v = loaded(x + count - W);
                decltype(v == v) wanted;
                std::memcpy(&wanted, FRESH<T, W>.lane + count, sizeof wanted);
                v = wanted ? v : Elements{} + Op::NOTHING;
                parts[AT_ONCE - 1] = Op::join(parts[AT_ONCE - 1], v);
            }
            count = 0;
        }
        whole = Op::with(whole, folded<Op, Part, W>(parts));
        if (Op::FIRST && whole != 0) return whole;
    }
    return whole;
}

template <class T, class Op>
void down(const void* source, long rows, long columns, long pitch, const void*, i64* result) {
    const T* x = static_cast<const T*>(source);
    typename Op::Part parts[TILE];
    for (long tile = 0; tile < columns; tile += TILE) {
        const long width = columns - tile < TILE ? columns - tile : TILE;
        for (long row = 0; row < rows; row += Op::ROWS) {
            const long height = rows - row < Op::ROWS ? rows - row : Op::ROWS;
            for (long c = 0; c < width; ++c) parts[c] = Op::START;
            for (long r = row; r < row + height; ++r) {
                join_row<T, Op>(x + r * pitch + tile, width, parts);
            }
            for (long c = 0; c < width; ++c) {
                result[tile + c] = Op::with(result[tile + c], static_cast<i64>(parts[c]));
            }
        }
    }
}

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

#define BY(T, Op) {run<T, Op<T>>, down<T, Op<T>>}
#define COUNTS(T) \
    {run<T, Count<T, false, false>>, down<T, Count<T, false, false>>}, \
    {run<T, Count<T, false, true>>, down<T, Count<T, false, false>>}, \
    {run<T, Count<T, true, true>>, down<T, Count<T, true, false>>}
#define INTEGERS(T, U) {{BY(T, Sum), {}, BY(T, Most), BY(T, Least), COUNTS(U)}}
#define FLOATS(T) {{{}, {}, {}, {}, COUNTS(T)}}

const TallyKernels LAMPAS_PATH_OF(tallies) = {
    {{BY(i64, Sum), BY(i64, Product), BY(i64, Most), BY(i64, Least), COUNTS(u64)}},
    INTEGERS(i32, u32),
    INTEGERS(u8, u8),
    FLOATS(float),
    FLOATS(double),
};

}  // namespace lampas
