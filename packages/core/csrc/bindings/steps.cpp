#include "bindings/steps.hpp"

#include <cstring>

#include "kernels/copy.hpp"

namespace lampas {

constexpr long PIECE = 128 * 1024;  // bytes of one chunk

void Steps::fill(char* to) const {
    int outer = ndim;
    long count = 1, by = item, times = 1;  // a run: so many elements, each so many times
    if (outer > 0 && step[outer - 1] == 0) times = shape[--outer];
    if (outer > 0 && (times == 1 || shape[outer - 1] > 1)) {
        count = shape[--outer];
        by = step[outer];
    }
    long runs = 1;
    for (int d = 0; d < outer; ++d) runs *= shape[d];
    const auto spread = copier().spread[item == 1 ? 0 : item == 2 ? 1 : item == 4 ? 2 : 3];
    const long each = times * item, all = runs * count;
    const Unlocked unlocked(all * each > PIECE);
    parallel_ranges(all, PIECE / each, [&](long first, long last) {
        long index[MOST], number = first / count, inside = first % count;
        const char* from = start;
        for (int d = outer - 1; d >= 0; --d) {
            index[d] = number % shape[d];
            number /= shape[d];
            from += index[d] * step[d];
        }
        char* at = to + first * each;
        while (first < last) {
            const long length = std::min(count - inside, last - first);
            const char* run = from + inside * by;
            if (times == 1 && by == item) {
                std::memcpy(at, run, static_cast<std::size_t>(length * item));
            } else {
                spread(run, by, at, length, times);
            }
            at += length * each;
            first += length;
            inside = 0;
            for (int d = outer - 1; d >= 0; --d) {
                from += step[d];
                if (++index[d] < shape[d]) break;
                from -= step[d] * shape[d];
                index[d] = 0;
            }
        }
    });
}

}  // namespace lampas
