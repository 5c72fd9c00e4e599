// Work on the pool for which every chunk needs memory meanwhile.
#pragma once

#include "runtime/array.hpp"
#include "runtime/pool.hpp"

namespace lampas {

// As parallel_ranges, with so many bytes for each chunk: body(scratch, first, last). False
// where there was no memory for one; the others are done all the same.
template <class Body>
[[nodiscard]] bool parallel_scratch(long count, long grain, std::size_t bytes, Body&& body) {
    bool complete = true;
    parallel_ranges(count, grain, [&](long first, long last) {
        const Scratch scratch(bytes);
        if (scratch.get() != nullptr) body(scratch, first, last);
        else __atomic_store_n(&complete, false, __ATOMIC_RELAXED);
    });
    return complete;
}

}  // namespace lampas
