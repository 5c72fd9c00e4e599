// The pool and the cache of blocks under many threads, for ThreadSanitizer: it has no
// Python in it. `nox -s sanitize` builds and runs it.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "runtime/blocks.hpp"
#include "runtime/parts.hpp"
#include "runtime/pool.hpp"
#include "runtime/rests.hpp"

namespace {

using namespace lampas;

void expect(bool truth, const char* what) {
    if (truth) return;
    std::fprintf(stderr, "threads: %s\n", what);
    std::abort();
}

// Each element is written once, whoever else has the pool, and read by the caller.
void fill_in_chunks(long size) {
    std::vector<long> values(static_cast<std::size_t>(size));
    parallel_ranges(size, 100, [&](long first, long last) {
        for (long i = first; i < last; ++i) values[static_cast<std::size_t>(i)] = i;
    });
    long sum = 0;
    for (const long value : values) sum += value;
    expect(sum == size * (size - 1) / 2, "a chunk was lost");
}

void nest() {
    std::atomic<long> calls{0};
    parallel_chunks(8, [&](long) { parallel_chunks(4, [&](long) { ++calls; }); });
    expect(calls == 32, "a chunk inside of a chunk was lost");
}

// Inside of a chunk a job is one thread's alone, and so is the memory for it.
void count_workers() {
    expect(workers() == threads(), "not all threads take part");
    parallel_chunks(8, [](long) { expect(workers() == 1, "a chunk has no threads to give"); });
    expect(workers() == threads(), "a job keeps its threads");
}

void run_both(long firsts, long seconds) {
    std::vector<std::atomic<int>> first(static_cast<std::size_t>(firsts));
    std::vector<std::atomic<int>> second(static_cast<std::size_t>(seconds));
    parallel_both(
        firsts, [&](long i) { ++first[static_cast<std::size_t>(i)]; }, seconds,
        [&](long i) { ++second[static_cast<std::size_t>(i)]; });
    for (const auto& count : first) expect(count == 1, "a first chunk ran not once");
    for (const auto& count : second) expect(count == 1, "a second chunk ran not once");
}

// No two threads have one part at a time, whatever part of a job they are in.
void share_a_block(int seed) {
    for (const long count : {1L, 2L, 4L}) {
        Parts parts(count, 5000);
        expect(parts.complete(), "no block for parts");
        std::atomic<long> calls{0};
        parallel_chunks(40, [&](long chunk) {
            const int value = static_cast<int>((chunk + seed) % 128);
            parts.lend([&](char* part) {
                std::memset(part, value, 5000);
                bool whole = true;
                for (int i = 0; i < 5000; ++i) whole &= part[i] == value;
                expect(whole, "two threads share a part");
            });
            ++calls;
        });
        expect(calls == 40, "a chunk with a part was lost");
    }
}

// Threads that came late are left alone for longer each time, until jobs of 200 ms have
// shown that they come in time; hours without a job show nothing.
void rest_from_late_threads() {
    using std::chrono::milliseconds;
    Rests rests;
    Rests::Time now{std::chrono::hours(5)};
    const auto work = [&](int jobs, milliseconds each) {
        for (int i = 0; i < jobs; ++i, now += each) {
            expect(!rests.resting(now), "a rest is too long");
            rests.begin(now);
        }
    };
    const auto rest = [&](milliseconds length) {
        rests.late(now);
        expect(rests.resting(now + length - milliseconds(1)), "a rest is too short");
        now += length;
        expect(!rests.resting(now), "a rest does not end");
    };
    work(3, milliseconds(4));
    rest(milliseconds(50));
    for (const int length : {100, 200, 400, 800, 1000, 1000}) {
        work(1, milliseconds(4));
        rest(milliseconds(length));
        now += std::chrono::hours(1);
    }
    work(40, milliseconds(4));
    rest(milliseconds(1000));
    work(70, milliseconds(4));
    rest(milliseconds(50));
}

struct Held {
    unsigned char* block;
    std::size_t size, capacity;
    int value;

    // What was written last stands at both ends: no other block lies there.
    bool whole() const { return block[0] == value && block[size - 1] == value; }
};

Held hold(std::size_t size, int value) {
    Held held{nullptr, size, 0, value};
    held.block = static_cast<unsigned char*>(take_block(size, &held.capacity));
    expect(held.block != nullptr && held.capacity >= size, "no block");
    std::memset(held.block, value, size);
    return held;
}

void use_blocks(unsigned seed) {
    constexpr int COUNT = 7;
    Held held[COUNT] = {};
    for (int i = 0; i < 200; ++i) {
        seed = seed * 1664525u + 1013904223u;
        Held& place = held[seed / 7 % COUNT];
        if (place.block != nullptr) {
            expect(place.whole(), "two blocks share memory");
            give_block(place.block, place.capacity);
        }
        place = hold(1000 + seed % 500000, i);
        if (i % 50 == 0) trim_blocks();
        if (i % 30 == 0) reset_peak_bytes();
        expect(block_statistics().live_bytes >= 0, "more was given than taken");
    }
    for (const Held& place : held) {
        if (place.block != nullptr) give_block(place.block, place.capacity);
    }
}

void at_once(int count, void (*work)(int)) {
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) threads.emplace_back(work, i);
    for (std::thread& thread : threads) thread.join();
}

void run_all(int seed) {
    for (int i = 0; i < 100; ++i) fill_in_chunks(10000 + seed);
    nest();
    for (long i = 0; i < 20; ++i) run_both(i, 3 * i % 17);
    use_blocks(static_cast<unsigned>(seed));
    share_a_block(seed);
}

void change_the_pool(int seed) {
    if (seed != 0) return run_all(seed);
    for (int i = 0; i < 40; ++i) {
        set_threads(1 + i % 4);
        if (i % 7 == 0) stop_threads();
        fill_in_chunks(5000);
    }
    set_threads(4);
}

void fork_child() {
    fill_in_chunks(10000);
    const pid_t child = fork();
    if (child == 0) {
        fill_in_chunks(10000);
        use_blocks(1);
        _exit(0);
    }
    int status = 1;
    waitpid(child, &status, 0);
    expect(status == 0, "a forked child failed");
    fill_in_chunks(10000);
}

}  // namespace

int main() {
    install_fork_handlers();
    install_block_fork_handlers();
    set_threads(4);
    count_workers();
    rest_from_late_threads();
    run_all(0);
    at_once(4, run_all);
    at_once(4, change_the_pool);
    // ThreadSanitizer starts no threads in the child of a process that has some.
    stop_threads();
#if !defined(__SANITIZE_THREAD__)
    fork_child();
#else
    (void)fork_child;
#endif
    stop_threads();
    std::puts("threads: all of it came out right");
}
