// One pool of threads for everything: kernels split their work into chunks by its shape
// alone, the pool hands the chunks out, and the caller works along.
#pragma once

#include <cstddef>
#include <type_traits>

namespace lampas {

using ChunkFunction = void (*)(void* context, long chunk);

// Run function(context, c) for every c in [0, chunks), on as many threads as are free.
// Called from inside a chunk, or while another thread has the pool, it runs alone.
void run_chunks(long chunks, ChunkFunction function, void* context);

// Threads that take part, the caller included. set_threads(1) ends the others.
int threads();
// Into how many equal shares chunks are divided; each thread begins with one and goes on
// with the others'.
int shares();
void set_threads(int count);
// Threads that take part at most in a job that the calling one gives out.
int workers();

// Of the calling thread: 0 where it is none of the pool's or gives out a job, and different
// numbers in those that take part in one.
int thread_place();

// End the other threads; the pool starts them again when it is needed.
void stop_threads();

// The file of the OpenMP runtime whose threads take part instead of the pool's own, or null.
const char* lending_runtime();
void borrow_no_threads();

// Survive fork: the child has no threads of its own yet. Called once.
void install_fork_handlers();

template <class Body>
inline void parallel_chunks(long chunks, Body&& body) {
    using Function = std::remove_reference_t<Body>;
    run_chunks(
        chunks,
        [](void* context, long chunk) { (*static_cast<Function*>(context))(chunk); },
        const_cast<void*>(static_cast<const void*>(&body)));
}

// Run first(i) for every i in [0, firsts) and second(j) for every j in [0, seconds); each
// share has its part of both, those of `first` before the others.
template <class First, class Second>
inline void parallel_both(long firsts, First&& first, long seconds, Second&& second) {
    const long parts = shares();
    const long a = (firsts + parts - 1) / parts, b = (seconds + parts - 1) / parts;
    parallel_chunks(parts * (a + b), [&](long chunk) {
        const long part = chunk / (a + b), at = chunk % (a + b);
        if (at < a) {
            if (part * a + at < firsts) first(part * a + at);
        } else if (part * b + at - a < seconds) {
            second(part * b + at - a);
        }
    });
}

// Split [0, count) into ranges of about `grain`; the borders depend on both alone.
template <class Body>
inline void parallel_ranges(long count, long grain, Body&& body) {
    if (count <= 0) return;
    if (grain < 1) grain = 1;
    const long chunks = (count + grain - 1) / grain;
    if (chunks == 1) {
        body(0L, count);
        return;
    }
    parallel_chunks(chunks, [&](long chunk) {
        const long first = chunk * grain;
        const long last = first + grain < count ? first + grain : count;
        body(first, last);
    });
}

}  // namespace lampas
