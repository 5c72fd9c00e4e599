#include "runtime/blocks.hpp"

#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <utility>

namespace lampas {
namespace {

constexpr std::size_t PAGE = 4096;
constexpr std::size_t HUGE_PAGE = std::size_t(2) << 20;
// Less than this is not cut off a piece.
constexpr std::size_t LEAST_PIECE = 16 * PAGE;
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

// Free memory, by address: neighbours are joined when one is given back, wherever they
// were mapped, and the smallest piece that is large enough is cut. A loop whose arrays have
// many sizes then needs little more than what lives at once.
class Cache {
public:
    void* take(std::size_t size, std::size_t* capacity) {
        const std::size_t wanted = rounded(size);
        *capacity = wanted;
        std::lock_guard<std::mutex> lock(mutex);
        void* block = reuse(wanted, capacity);
        if (block == nullptr) block = map(wanted);
        if (block == nullptr && !free_.empty()) {
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
        join(static_cast<char*>(block), capacity);
        // What was live at the peak is enough for the blocks of a loop that live together;
        // pieces that are too small for any need some more.
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
    struct Piece {
        std::size_t size;
        std::uint64_t given;  // when: the count of pieces given back
    };
    using Place = std::map<char*, Piece>::iterator;

    void* reuse(std::size_t wanted, std::size_t* capacity) {
        const auto found = by_size_.lower_bound({wanted, nullptr});
        if (found == by_size_.end()) return nullptr;
        char* block = found->second;
        const Piece piece = remove(free_.find(block));
        const std::size_t rest = piece.size - wanted;
        if (rest < LEAST_PIECE) *capacity = piece.size;
        else add(block + wanted, {rest, piece.given});
        statistics.cached_bytes -= static_cast<std::int64_t>(*capacity);
        ++statistics.reused;
        return block;
    }

    void join(char* block, std::size_t size) {
        const Place after = free_.lower_bound(block);
        if (after != free_.begin()) {
            const Place before = std::prev(after);
            if (before->first + before->second.size == block) {
                block = before->first;
                size += remove(before).size;
            }
        }
        if (after != free_.end() && block + size == after->first) size += remove(after).size;
        add(block, {size, ++given_});
    }

    void add(char* block, Piece piece) {
        free_.emplace(block, piece);
        by_size_.emplace(piece.size, block);
    }

    Piece remove(Place place) {
        const Piece piece = place->second;
        by_size_.erase({piece.size, place->first});
        free_.erase(place);
        return piece;
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

    // Gives back what has waited the longest.
    void trim_to(std::int64_t bytes) {
        while (statistics.cached_bytes > bytes) {
            const Place oldest = std::min_element(
                free_.begin(), free_.end(),
                [](const auto& a, const auto& b) { return a.second.given < b.second.given; });
            char* block = oldest->first;
            const Piece piece = remove(oldest);
            const std::size_t excess =
                static_cast<std::size_t>(statistics.cached_bytes - bytes + PAGE - 1) / PAGE * PAGE;
            const std::size_t size = std::min(piece.size, excess);
            if (size < piece.size) add(block + size, {piece.size - size, piece.given});
            statistics.cached_bytes -= static_cast<std::int64_t>(size);
            munmap(block, size);
        }
    }

    std::map<char*, Piece> free_;
    std::set<std::pair<std::size_t, char*>> by_size_;
    std::uint64_t given_ = 0;
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
