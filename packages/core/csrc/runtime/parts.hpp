// One block of memory for the threads that work on a job.
#pragma once

#include <algorithm>
#include <atomic>

#include "runtime/blocks.hpp"
#include "runtime/pool.hpp"

namespace lampas {

// Equal parts of a block, of whole pages, each for one thread at a time: as many as threads
// can be at work on so many chunks. A thread begins to look for one at its own place: what
// it wrote in the last job is in its own cache, and fetching that from another's takes
// longer than much work does.
class Parts {
public:
    Parts(long chunks, std::size_t bytes)
        : count_(std::clamp(chunks, 1L, std::min<long>(workers(), MOST))),
          bytes_(bytes == 0 ? 0 : (bytes / PAGE + 1) * PAGE) {
        if (bytes == 0) return;
        block_ = static_cast<char*>(take_block(bytes_ * static_cast<std::size_t>(count_), &taken_));
    }
    ~Parts() {
        if (block_ != nullptr) give_block(block_, taken_);
    }
    Parts(const Parts&) = delete;
    Parts& operator=(const Parts&) = delete;
    bool complete() const { return block_ != nullptr || bytes_ == 0; }  // or no memory is left

    template <class Body>
    void lend(Body&& body) {
        long part = thread_place() % count_;
        while (lent_[part].exchange(true, std::memory_order_acquire)) part = (part + 1) % count_;
        body(block_ + static_cast<std::size_t>(part) * bytes_);
        lent_[part].store(false, std::memory_order_release);
    }

private:
    static constexpr long MOST = 256;
    static constexpr std::size_t PAGE = 4096;
    long count_;
    std::size_t bytes_, taken_ = 0;
    char* block_ = nullptr;
    std::atomic<bool> lent_[MOST] = {};
};

}  // namespace lampas
