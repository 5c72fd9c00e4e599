// Sums over many points of what comes to few elements: each element is added up in two
// steps, for one after the other each addition would round a larger sum. What rounding takes
// from the second step's sums is kept.
#pragma once

#include <algorithm>
#include <cstring>

namespace lampas {

// The points whose terms are added up apart from the others', where so many meet in one of
// `size` elements; all of them where few do. Of elements that are met more often than others
// there are some even then, so fewer come together.
inline long points_apart(long points, long terms, long size) {
    constexpr double FEW = 32.0, TOGETHER = 8.0;
    const double each = static_cast<double>(terms) / static_cast<double>(size);
    if (each < FEW) return points;
    return static_cast<long>(static_cast<double>(points) * TOGETHER / each) + 1;
}

// Elements that add_up_points needs room for beside its `size` sums.
inline long room_apart(long size, long points, long at_once) {
    return at_once < points ? 2 * size : 0;
}

// to[i] = the sum of what add(sums, first, last) adds to sums[i] for all points.
template <class T, class Add>
void add_up_points(T* to, long size, long points, long at_once, T* room, Add&& add) {
    const std::size_t bytes = static_cast<std::size_t>(size) * sizeof(T);
    std::memset(to, 0, bytes);
    if (at_once >= points) {
        add(to, 0L, points);
        return;
    }
    T *sums = room, *lost = room + size;
    std::memset(lost, 0, bytes);
    for (long first = 0; first < points; first += at_once) {
        std::memset(sums, 0, bytes);
        add(sums, first, std::min(first + at_once, points));
        for (long i = 0; i < size; ++i) {
            const T before = to[i], sum = before + sums[i], part = sum - before;
            lost[i] += (before - (sum - part)) + (sums[i] - part);
            to[i] = sum;
        }
    }
    // Of infinities and NaN nothing is lost that could be put back.
    for (long i = 0; i < size; ++i) to[i] += lost[i] - lost[i] == T(0) ? lost[i] : T(0);
}

}  // namespace lampas
