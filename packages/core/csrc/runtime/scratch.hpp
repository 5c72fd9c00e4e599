// Work on the pool for which every chunk needs memory meanwhile.
#pragma once

#include <algorithm>

#include "runtime/array.hpp"
#include "runtime/parts.hpp"

namespace lampas {

// As parallel_ranges, with so many bytes for each chunk: body(scratch, first, last). False,
// and nothing is done, where there is no memory.
template <class Body>
[[nodiscard]] bool parallel_scratch(long count, long grain, std::size_t bytes, Body&& body) {
    if (count <= 0) return true;
    const long chunks = (count - 1) / std::max(1L, grain) + 1;
    Parts parts(chunks, bytes);
    if (!parts.complete()) return false;
    parallel_ranges(count, grain, [&](long first, long last) {
        parts.lend([&](char* part) { body(Scratch(part), first, last); });
    });
    return true;
}

}  // namespace lampas
