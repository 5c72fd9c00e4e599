// Columns are folded in numbers hardly wider than the elements, for as many rows as these
// hold; a run is such columns, and then their fold.
#include "kernels/tally.hpp"

#include "kernels/simd.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

using u8 = std::uint8_t;
using i32 = std::int32_t;
using u32 = std::uint32_t;
using i64 = std::int64_t;
using u64 = std::uint64_t;

constexpr long CUT = 128;    // bytes of the parts of a run: registers hold them
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

// What a fold is in: how an element joins a part, and a part the whole. A part holds ROWS.
struct Added {
    static i64 with(i64 whole, i64 part) {
        return static_cast<i64>(static_cast<u64>(whole) + static_cast<u64>(part));
    }
};
template <class T> struct Sum : Added {
    using Part = typename next<T>::type;
    static constexpr long ROWS = 255;
    static constexpr bool FIRST = false;
    static constexpr Part START = 0;
    static Part join(Part p, T v) { return static_cast<Part>(p + static_cast<Part>(v)); }
};
template <class T> struct Product {
    using Part = u64;
    static constexpr long ROWS = 255;
    static constexpr bool FIRST = false;
    static constexpr Part START = 1;
    static Part join(Part p, T v) { return p * static_cast<u64>(v); }
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
    static Part join(Part p, T v) { return v > p ? v : p; }
    static i64 with(i64 whole, i64 part) { return part > whole ? part : whole; }
};
template <class T> struct Least {
    using Part = T;
    static constexpr long ROWS = 255;
    static constexpr bool FIRST = false;
    static constexpr Part START = static_cast<T>(~LOWEST<T>);
    static Part join(Part p, T v) { return v < p ? v : p; }
    static i64 with(i64 whole, i64 part) { return part < whole ? part : whole; }
};
template <class T, bool ZERO, bool ONE> struct Count : Added {
    using Part = typename counter<T>::type;
    static constexpr long ROWS = ONE ? 16 : 255;
    static constexpr bool FIRST = ONE;  // whether the first one found ends the search
    static constexpr Part START = 0;
    static Part join(Part p, T v) {
        return static_cast<Part>(p + static_cast<Part>(ZERO ? v == T(0) : v != T(0)));
    }
};

template <class T, class Op>
LAMPAS_INLINE void join_row(const T* x, long columns, typename Op::Part* __restrict parts) {
    for (long c = 0; c < columns; ++c) parts[c] = Op::join(parts[c], x[c]);
}

template <class Op>
LAMPAS_INLINE i64 whole_of(i64 whole, const typename Op::Part* parts, long columns) {
    for (long c = 0; c < columns; ++c) whole = Op::with(whole, static_cast<i64>(parts[c]));
    return whole;
}

template <class T, class Op>
i64 run(const void* source, long count, double) {
    constexpr long ACROSS = CUT / static_cast<long>(sizeof(typename Op::Part));
    const T* x = static_cast<const T*>(source);
    i64 whole = static_cast<i64>(Op::START);
    typename Op::Part parts[ACROSS];
    while (count > 0) {
        for (long c = 0; c < ACROSS; ++c) parts[c] = Op::START;
        const long left = count / ACROSS, rows = left < Op::ROWS ? left : Op::ROWS - 1;
        for (long r = 0; r < rows; ++r) join_row<T, Op>(x + r * ACROSS, ACROSS, parts);
        x += rows * ACROSS;
        count -= rows * ACROSS;
        if (count < ACROSS) {
            join_row<T, Op>(x, count, parts);
            count = 0;
        }
        whole = whole_of<Op>(whole, parts, ACROSS);
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
