// Searches without branches: what is compared decides by how much to go on, and several
// elements are searched for at once, so that no one waits for memory.
#include "kernels/bins.hpp"

#include "kernels/simd.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

using i32 = std::int32_t;
using i64 = std::int64_t;

constexpr int AT_ONCE = 16;

// For each of AT_ONCE elements how many of `count` numbers go before.
template <bool RIGHT, class T>
LAMPAS_INLINE void search(const T* numbers, long count, const T* x, i64* place) {
    const T* base[AT_ONCE];
    for (int j = 0; j < AT_ONCE; ++j) base[j] = numbers;
    const auto before = [](T a, T b) { return RIGHT ? a <= b : a < b; };
    for (long left = count; left > 1;) {
        const long half = left / 2;
        for (int j = 0; j < AT_ONCE; ++j) {
            base[j] += half & -static_cast<long>(before(base[j][half - 1], x[j]));
        }
        left -= half;
    }
    for (int j = 0; j < AT_ONCE; ++j) {
        place[j] = base[j] - numbers + (count > 0 && before(*base[j], x[j]));
    }
}

template <bool RIGHT, class T>
void find_all(const Sequence& sequence, const T* x, long count, i64* place) {
    const T* numbers = static_cast<const T*>(sequence.numbers);
    const i64 lost = RIGHT ? sequence.count : sequence.known;  // where NaN goes
    for (long i = 0; i < count; i += AT_ONCE) {
        const long some = count - i < AT_ONCE ? count - i : AT_ONCE;
        T wanted[AT_ONCE] = {};
        i64 found[AT_ONCE];
        std::memcpy(wanted, x + i, static_cast<std::size_t>(some) * sizeof(T));
        search<RIGHT>(numbers, sequence.known, wanted, found);
        for (int j = 0; j < AT_ONCE; ++j) found[j] = wanted[j] == wanted[j] ? found[j] : lost;
        std::memcpy(place + i, found, static_cast<std::size_t>(some) * sizeof(i64));
    }
}

template <class T>
void find(const Sequence& sequence, const void* from, long count, i64* place) {
    const T* x = static_cast<const T*>(from);
    if (sequence.right) find_all<true>(sequence, x, count, place);
    else find_all<false>(sequence, x, count, place);
}

template <class T>
void even(const EvenBins& how, const T* x, long count, i32* place) {
    const T first = static_cast<T>(how.first), last = static_cast<T>(how.last);
    const T bins = static_cast<T>(how.bins), width = last - first;
    const i32 most = static_cast<i32>(how.bins);
    for (long i = 0; i < count; ++i) {
        const bool inside = x[i] >= first && x[i] <= last;
        // Each step is rounded, and so borders lie where they do in PyTorch.
        const T scaled = (inside ? x[i] - first : T(0)) * bins / width;
        const i32 at = static_cast<i32>(scaled);
        place[i] = inside ? (at < most - 1 ? at : most - 1) : most;
    }
}

template <class T>
void edged(const EdgedBins& how, const T* x, long count, i32* place) {
    const T* edges = static_cast<const T*>(how.edges);
    const long bins = how.bins;
    const T first = edges[0], last = edges[bins];
    if (how.even) {
        const double scale = static_cast<double>(bins) /
                             (static_cast<double>(last) - static_cast<double>(first));
        for (long i = 0; i < count; ++i) {
            const bool inside = x[i] >= first && x[i] <= last;
            const T v = inside ? x[i] : first;
            long at = static_cast<long>(
                (static_cast<double>(v) - static_cast<double>(first)) * scale);
            at = at < bins - 1 ? at : bins - 1;
            while (v < edges[at]) --at;
            while (at < bins - 1 && v >= edges[at + 1]) ++at;
            place[i] = static_cast<i32>(inside ? at : bins);
        }
        return;
    }
    const Sequence sequence{edges, bins + 1, bins + 1, true};
    for (long i = 0; i < count; i += AT_ONCE) {
        const long some = count - i < AT_ONCE ? count - i : AT_ONCE;
        i64 found[AT_ONCE];
        find_all<true>(sequence, x + i, some, found);
        for (long j = 0; j < some; ++j) {
            const bool inside = x[i + j] >= first && x[i + j] <= last;
            const i64 at = found[j] - 1 - (x[i + j] == last);
            place[i + j] = static_cast<i32>(inside ? at : bins);
        }
    }
}

template <class T>
void weigh(const i32* place, const T* weight, long count, double* sums) {
    for (long i = 0; i < count; ++i) sums[place[i]] += static_cast<double>(weight[i]);
}

// Equal places after one another would wait for each other in one table.
template <class T>
void count(const T* place, long number, i64* tables, long apart) {
    i64 *a = tables, *b = a + apart, *c = b + apart, *d = c + apart;
    long i = 0;
    for (; i + 4 <= number; i += 4) {
        ++a[place[i]];
        ++b[place[i + 1]];
        ++c[place[i + 2]];
        ++d[place[i + 3]];
    }
    for (; i < number; ++i) ++a[place[i]];
}

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

const BinKernels LAMPAS_PATH_OF(binner) = {
    {even<float>, edged<float>, weigh<float>},
    {even<double>, edged<double>, weigh<double>},
    find<float>,
    find<double>,
    find<i64>,
    find<i32>,
    count<i32>,
    count<i64>,
    count<std::uint8_t>,
};

}  // namespace lampas
