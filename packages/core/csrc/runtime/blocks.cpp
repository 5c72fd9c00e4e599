#include "runtime/blocks.hpp"

#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <list>
#include <map>
#include <mutex>
#include <new>
#include <vector>

namespace lampas {
namespace {

constexpr std::size_t PAGE = 4096;
constexpr std::size_t HUGE_PAGE = std::size_t(2) << 20;
constexpr std::int64_t SPARE = std::int64_t(16) << 20;

// Sizes are rounded to an eighth of their power of two: at most 12 % is never touched.
// Nothing is a page too, as there are no mappings of no bytes.
std::size_t rounded(std::size_t size) {
    size = std::max<std::size_t>(size, 1);
    std::size_t power = PAGE;
    while (power * 2 <= size) power *= 2;
    const std::size_t step = std::max(PAGE, power / 8);
    return (size + step - 1) / step * step;
}

struct Cached {
    void* block;
    std::size_t capacity;
};

class Cache {
public:
    void* take(std::size_t size, std::size_t* capacity) {
        const std::size_t wanted = rounded(size);
        *capacity = wanted;
        std::lock_guard<std::mutex> lock(mutex);
        void* block = reuse(wanted, capacity);
        if (block == nullptr) block = map(wanted);
        if (block == nullptr && !order_.empty()) {
            trim_to(0);
            block = map(wanted);
        }
        if (block == nullptr) return nullptr;
        ++statistics.taken;
        statistics.live_bytes += static_cast<std::int64_t>(*capacity);
        statistics.peak_bytes = std::max(statistics.peak_bytes, statistics.live_bytes);
        return block;
    }

    void give(void* block, std::size_t capacity) {
        std::lock_guard<std::mutex> lock(mutex);
        statistics.live_bytes -= static_cast<std::int64_t>(capacity);
        statistics.cached_bytes += static_cast<std::int64_t>(capacity);
        order_.push_back({block, capacity});
        by_size_[capacity].push_back(std::prev(order_.end()));
        // What was live at the peak is enough for the blocks of a loop that live together;
        // those that don't, such as packed operands of several sizes, need some more.
        const std::int64_t more = std::max(SPARE, statistics.peak_bytes / 4);
        trim_to(more + std::max<std::int64_t>(0, statistics.peak_bytes - statistics.live_bytes));
    }

    std::int64_t trim() {
        std::lock_guard<std::mutex> lock(mutex);
        const std::int64_t bytes = statistics.cached_bytes;
        trim_to(0);
        return bytes;
    }

    std::mutex mutex;
    BlockStatistics statistics{};

private:
    using Place = std::list<Cached>::iterator;

    // The smallest that is large enough, if not by more than a quarter.
    void* reuse(std::size_t wanted, std::size_t* capacity) {
        auto found = by_size_.lower_bound(wanted);
        while (found != by_size_.end() && found->second.empty()) found = by_size_.erase(found);
        if (found == by_size_.end() || found->first > wanted + wanted / 4) return nullptr;
        *capacity = found->first;
        const Place place = found->second.back();
        found->second.pop_back();
        void* block = place->block;
        order_.erase(place);
        statistics.cached_bytes -= static_cast<std::int64_t>(*capacity);
        ++statistics.reused;
        return block;
    }

    static void* map(std::size_t size) {
        void* block =
            mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (block == MAP_FAILED) return nullptr;
#ifdef MADV_HUGEPAGE
        if (size >= 2 * HUGE_PAGE) madvise(block, size, MADV_HUGEPAGE);
#endif
        return block;
    }

    void trim_to(std::int64_t bytes) {
        while (statistics.cached_bytes > bytes) {
            const Cached oldest = order_.front();
            std::vector<Place>& places = by_size_[oldest.capacity];
            places.erase(std::find(places.begin(), places.end(), order_.begin()));
            order_.pop_front();
            statistics.cached_bytes -= static_cast<std::int64_t>(oldest.capacity);
            munmap(oldest.block, oldest.capacity);
        }
    }

    std::list<Cached> order_;  // oldest first
    std::map<std::size_t, std::vector<Place>> by_size_;
};

// Never destroyed: arrays may outlive the interpreter's end.
Cache& cache() {
    static Cache* only = new Cache;
    return *only;
}

}  // namespace

void* take_block(std::size_t size, std::size_t* capacity) {
    return cache().take(size, capacity);
}
void give_block(void* block, std::size_t capacity) { cache().give(block, capacity); }
std::int64_t trim_blocks() { return cache().trim(); }

BlockStatistics block_statistics() {
    std::lock_guard<std::mutex> lock(cache().mutex);
    return cache().statistics;
}

void reset_peak_bytes() {
    std::lock_guard<std::mutex> lock(cache().mutex);
    cache().statistics.peak_bytes = cache().statistics.live_bytes;
}

void install_block_fork_handlers() {
    pthread_atfork([] { cache().mutex.lock(); }, [] { cache().mutex.unlock(); },
                   [] { cache().mutex.unlock(); });
}

}  // namespace lampas
