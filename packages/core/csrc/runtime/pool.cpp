#include "runtime/pool.hpp"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "runtime/openmp.hpp"

namespace lampas {
namespace {

inline void pause_briefly() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

// Waking a thread that sleeps takes 30 to 50 us, and between two jobs Python often takes longer
// than that; spinning for a millisecond, threads take the time of others beside a busy core.
constexpr auto SPIN = std::chrono::microseconds(200);
constexpr std::uint64_t OPEN = 1u << 15;
constexpr std::uint64_t ACTIVE = OPEN - 1;
constexpr std::uint64_t NEXT_JOB = 1u << 16;

thread_local bool inside = false;  // a chunk
thread_local int place = -1;       // whose share the thread begins with

// A thread's chunks, of which the others help themselves when theirs are done. It begins
// with the same ones in each job: what it wrote in the last is in its own cache.
struct alignas(64) Share {
    std::atomic<long> next;
    long last;
};
constexpr int MOST_SHARES = 8;  // more threads begin together

// A job is open while workers may join it. `state_` holds its number, the flag and the
// count of workers inside; a worker reads the job's fields only after it has joined, and
// the caller writes them only while the job before is closed and empty.
class Pool {
public:
    explicit Pool(int count) : count_(count) {}

    int count() const { return count_.load(std::memory_order_relaxed); }
    int shares() const { return std::min(count(), MOST_SHARES); }

    void resize(int count) {
        std::lock_guard<std::mutex> lock(owner);
        stop();
        count_.store(count, std::memory_order_relaxed);
    }

    void stop_alone() {
        std::lock_guard<std::mutex> lock(owner);
        stop();
    }

    // The caller holds `owner`.
    void run(long chunks, ChunkFunction function, void* context) {
        function_ = function;
        context_ = context;
        share_out(chunks);
        place = 0;
        if (run_on_openmp(count(), work_for, this)) return;
        start();
        const std::uint64_t job = (state_.load() & ~(NEXT_JOB - 1)) + NEXT_JOB;
        state_.store(job | OPEN);
        wake_.fetch_add(1);
        if (sleepers_.load() > 0) wake_.notify_all();
        work();
        state_.fetch_and(~OPEN);
        for (int tries = 0; (state_.load(std::memory_order_acquire) & ACTIVE) != 0; ++tries) {
            if (tries < 1024) pause_briefly();
            else std::this_thread::yield();
        }
    }

    std::mutex owner;

private:
    void start() {
        const int wanted = count();
        if (!workers_.empty() || wanted == 1) return;
        stopping_.store(false);
        for (int i = 1; i < wanted; ++i) workers_.emplace_back([this, i] { serve(i); });
    }

    void stop() {
        stopping_.store(true);
        wake_.fetch_add(1);
        wake_.notify_all();
        for (std::thread& worker : workers_) worker.join();
        workers_.clear();
    }

    static void work_for(void* pool) {
        inside = true;
        static_cast<Pool*>(pool)->work();
        inside = false;
    }

    void share_out(long chunks) {
        share_count_ = shares();
        for (int i = 0; i < share_count_; ++i) {
            shares_[i].next.store(chunks * i / share_count_, std::memory_order_relaxed);
            shares_[i].last = chunks * (i + 1) / share_count_;
        }
    }

    void work() {
        if (place < 0) place = joined_.fetch_add(1, std::memory_order_relaxed);
        const int count = share_count_;
        for (int i = 0; i < count; ++i) {
            Share& share = shares_[(place + i) % count];
            for (;;) {
                const long chunk = share.next.fetch_add(1, std::memory_order_relaxed);
                if (chunk >= share.last) break;
                function_(context_, chunk);
            }
        }
    }

    bool join() {
        std::uint64_t seen = state_.load();
        while (seen & OPEN) {
            if (state_.compare_exchange_weak(seen, seen + 1)) return true;
        }
        return false;
    }

    void serve(int number);

    // The number of the wake-up that follows `seen`: spins, then sleeps.
    std::uint32_t next_call(std::uint32_t seen) {
        const auto until = std::chrono::steady_clock::now() + SPIN;
        for (int tries = 0;; ++tries) {
            const std::uint32_t now = wake_.load(std::memory_order_acquire);
            if (now != seen) return now;
            pause_briefly();
            if ((tries & 31) == 31 && std::chrono::steady_clock::now() > until) break;
        }
        sleepers_.fetch_add(1);
        wake_.wait(seen);
        sleepers_.fetch_sub(1);
        return wake_.load();
    }

    std::atomic<int> count_;  // asked for without the lock by who may then not get it
    std::vector<std::thread> workers_;
    ChunkFunction function_ = nullptr;
    void* context_ = nullptr;
    int share_count_ = 1;
    Share shares_[MOST_SHARES]{};
    std::atomic<int> joined_{1};  // gives threads of another runtime their places
    alignas(64) std::atomic<std::uint64_t> state_{0};
    alignas(64) std::atomic<std::uint32_t> wake_{0};
    std::atomic<int> sleepers_{0};
    std::atomic<bool> stopping_{false};
};

void Pool::serve(int number) {
    inside = true;
    place = number;
    std::uint32_t seen = wake_.load();
    for (;;) {
        if (stopping_.load()) return;
        if (join()) {
            work();
            state_.fetch_sub(1, std::memory_order_release);
        }
        seen = next_call(seen);
    }
}

// Never destroyed: a thread may still use it while the process ends.
alignas(Pool) unsigned char storage[sizeof(Pool)];
Pool* pool = new (storage) Pool(1);

void before_fork() { pool->owner.lock(); }
void after_fork_parent() { pool->owner.unlock(); }
// The threads are the parent's; what stood in the old object is left alone.
void after_fork_child() {
    pool = new (storage) Pool(pool->count());
    leave_openmp();
}

}  // namespace

int threads() { return pool->count(); }
int workers() { return inside ? 1 : threads(); }
int shares() { return pool->shares(); }
int thread_place() { return place < 0 ? 0 : place; }

void set_threads(int count) {
    if (count != pool->count()) pool->resize(count);
}

void stop_threads() { pool->stop_alone(); }

const char* lending_runtime() {
    std::lock_guard<std::mutex> lock(pool->owner);
    return openmp_runtime();
}

void borrow_no_threads() {
    std::lock_guard<std::mutex> lock(pool->owner);
    leave_openmp();
}

void install_fork_handlers() {
    pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

void run_chunks(long chunks, ChunkFunction function, void* context) {
    if (chunks > 1 && !inside && pool->count() > 1 && pool->owner.try_lock()) {
        inside = true;
        pool->run(chunks, function, context);
        inside = false;
        pool->owner.unlock();
        return;
    }
    for (long chunk = 0; chunk < chunks; ++chunk) function(context, chunk);
}

}  // namespace lampas
