// Memory for results of some size: blocks of whole pages, kept for the next result.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lampas {

struct BlockStatistics {
    std::int64_t live_bytes;      // in blocks that are in use
    std::int64_t peak_bytes;      // the most that were
    std::int64_t cached_bytes;    // in blocks that wait to be used again
    std::int64_t taken;           // blocks handed out
    std::int64_t reused;          // of these, from the cache
};

// A block of at least `size` bytes, or nullptr. `capacity` gets its true size.
void* take_block(std::size_t size, std::size_t* capacity);
void give_block(void* block, std::size_t capacity);

// Give the cached blocks back to the system; returns their bytes.
std::int64_t trim_blocks();
BlockStatistics block_statistics();
void reset_peak_bytes();
void install_block_fork_handlers();

}  // namespace lampas
