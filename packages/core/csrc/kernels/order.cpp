// Sorting by digits of keys: unsigned integers in the order of the elements.
#include "kernels/order.hpp"

#include "kernels/simd.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

constexpr long SHORT = 40;     // so many are sorted by insertion
constexpr long MEDIUM = 2000;  // and so many by digits of 8 bits, the others of 11
constexpr long WHOLE = 256;    // so many are sorted whole where some ranks are wanted

// A key and the place it is from; the bits of the key that count are the lowest.
struct Small {  // for keys of 32 bits
    std::uint64_t both;
    static LAMPAS_INLINE Small of(std::uint64_t key, long place) {
        return {key << 32 | static_cast<std::uint64_t>(place)};
    }
    LAMPAS_INLINE std::uint64_t key() const { return both >> 32; }
    LAMPAS_INLINE long place() const { return static_cast<long>(both & 0xffffffffu); }
};
struct Large {
    std::uint64_t word, at;
    static LAMPAS_INLINE Large of(std::uint64_t key, long place) {
        return {key, static_cast<std::uint64_t>(place)};
    }
    LAMPAS_INLINE std::uint64_t key() const { return word; }
    LAMPAS_INLINE long place() const { return static_cast<long>(at); }
};

// Zeros of both signs have one key, and so have all NaN, the last.
struct Float32 {
    using Item = Small;
    bool down;
    int bits = 32;
    explicit Float32(const Line& line) : down(line.descending) {}
    LAMPAS_INLINE std::uint64_t key(float x) const {
        std::uint32_t word = __builtin_bit_cast(std::uint32_t, x + 0.0f);
        word ^= static_cast<std::uint32_t>(static_cast<std::int32_t>(word) >> 31) | 0x80000000u;
        word = x != x ? 0xffffffffu : word;
        return down ? ~word : word;
    }
};
struct Float64 {
    using Item = Large;
    bool down;
    int bits = 64;
    explicit Float64(const Line& line) : down(line.descending) {}
    LAMPAS_INLINE std::uint64_t key(double x) const {
        std::uint64_t word = __builtin_bit_cast(std::uint64_t, x + 0.0);
        word ^= static_cast<std::uint64_t>(static_cast<std::int64_t>(word) >> 63) |
                0x8000000000000000u;
        word = x != x ? ~std::uint64_t{0} : word;
        return down ? ~word : word;
    }
};
// Counted from the smallest, or down from the largest: few digits where few values occur.
struct Int64 {
    using Item = Large;
    bool down;
    int bits = 1;
    std::uint64_t base;
    explicit Int64(const Line& line) : down(line.descending) {
        const auto* x = static_cast<const std::int64_t*>(line.x);
        std::int64_t low = x[0], high = x[0];
        for (long i = 1; i < line.count; ++i) {
            const std::int64_t v = x[i * line.step];
            low = v < low ? v : low;
            high = v > high ? v : high;
        }
        base = static_cast<std::uint64_t>(down ? high : low);
        const std::uint64_t range =
            static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
        while (bits < 64 && (range >> bits) != 0) ++bits;
    }
    LAMPAS_INLINE std::uint64_t key(std::int64_t x) const {
        const auto word = static_cast<std::uint64_t>(x);
        return down ? base - word : word - base;
    }
};

template <class Item>
void insert_all(Item* items, long count) {
    for (long i = 1; i < count; ++i) {
        const Item item = items[i];
        long at = i;
        for (; at > 0 && items[at - 1].key() > item.key(); --at) items[at] = items[at - 1];
        items[at] = item;
    }
}

// Stable passes from the lowest digit up; returns where the result lies.
template <int BITS, class Item>
Item* by_digits(Item* items, Item* spare, long count, int bits) {
    constexpr int SIZE = 1 << BITS, PASSES = (64 + BITS - 1) / BITS;
    std::uint32_t counts[PASSES][SIZE];
    const int passes = (bits + BITS - 1) / BITS;
    std::memset(counts, 0, sizeof counts[0] * static_cast<std::size_t>(passes));
    for (long i = 0; i < count; ++i) {
        std::uint64_t key = items[i].key();
        for (int pass = 0; pass < passes; ++pass, key >>= BITS) ++counts[pass][key & (SIZE - 1)];
    }
    for (int pass = 0; pass < passes; ++pass) {
        std::uint32_t* start = counts[pass];
        const int shift = pass * BITS;
        if (start[(items[0].key() >> shift) & (SIZE - 1)] == static_cast<std::uint32_t>(count)) {
            continue;  // all have this digit in common
        }
        std::uint32_t total = 0;
        for (int digit = 0; digit < SIZE; ++digit) {
            const std::uint32_t own = start[digit];
            start[digit] = total;
            total += own;
        }
        for (long i = 0; i < count; ++i) {
            spare[start[(items[i].key() >> shift) & (SIZE - 1)]++] = items[i];
        }
        Item* const sorted = spare;
        spare = items;
        items = sorted;
    }
    return items;
}

template <class Item>
const Item* sorted(Item* items, Item* spare, long count, int bits) {
    if (count > MEDIUM) return by_digits<11>(items, spare, count, bits);
    if (count > SHORT) return by_digits<8>(items, spare, count, bits);
    insert_all(items, count);
    return items;
}

// The elements with the leading digits of the wanted ranks; returns how many, and how many
// elements come before them.
template <class T, class Keys, class Item>
long collect(const Line& line, const Keys& keys, Item* items, long* before) {
    const T* x = static_cast<const T*>(line.x);
    constexpr int BITS = 11, SIZE = 1 << BITS;
    const int shift = keys.bits > BITS ? keys.bits - BITS : 0;
    std::uint32_t counts[SIZE] = {};
    for (long i = 0; i < line.count; ++i) ++counts[keys.key(x[i * line.step]) >> shift];
    long low = 0, total = 0;
    while (total + counts[low] <= line.first) total += counts[low++];
    *before = total;
    long high = low;
    while (total + counts[high] < line.last) total += counts[high++];
    const auto least = static_cast<std::uint64_t>(low), most = static_cast<std::uint64_t>(high);
    long count = 0;
    for (long i = 0; i < line.count; ++i) {
        const std::uint64_t key = keys.key(x[i * line.step]);
        if ((key >> shift) >= least && (key >> shift) <= most) items[count++] = Item::of(key, i);
    }
    return count;
}

template <class T, class Keys>
void order(const Line& line, void* values, std::int64_t* places, long step, void* scratch) {
    using Item = typename Keys::Item;
    const T* x = static_cast<const T*>(line.x);
    T* to = static_cast<T*>(values);
    Item* items = static_cast<Item*>(scratch);
    const Keys keys(line);
    long count = line.count, before = 0;
    if (count <= WHOLE || line.last - line.first == count) {
        for (long i = 0; i < count; ++i) items[i] = Item::of(keys.key(x[i * line.step]), i);
    } else {
        count = collect<T>(line, keys, items, &before);
    }
    const Item* found = sorted(items, items + line.count, count, keys.bits);
    for (long rank = line.first; rank < line.last; ++rank) {
        const long place = found[rank - before].place();
        const long at = (rank - line.first) * step;
        to[at] = x[place * line.step];
        places[at] = place;
    }
}

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

const OrderKernels LAMPAS_PATH_OF(orderer) = {
    order<float, Float32>,
    order<double, Float64>,
    order<std::int64_t, Int64>,
};

}  // namespace lampas
