// How operands of an elementwise op lie beside its result, and the runs that follow.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/copy.hpp"
#include "runtime/array.hpp"
#include "runtime/pool.hpp"

namespace lampas {

constexpr int MOST_DIMS = 8;
constexpr int MOST_OPERANDS = 4;
constexpr long LIGHT = 32 * 1024;   // elements of one chunk of cheap work
constexpr long HEAVY = 8 * 1024;    // and of work with polynomials
constexpr long SHORT = 1024;        // bytes of runs that are too short to be streamed

// Operands that broadcast to one result, which is C-contiguous or laid out as all of them
// are. Each is read in runs, in which its elements are adjacent or one stands for all.
struct Layout {
    int operands = 0;
    const char* data[MOST_OPERANDS];
    int item[MOST_OPERANDS];                     // bytes of one element
    bool one[MOST_OPERANDS];                     // whether one element serves the run
    PyArrayObject* like = nullptr;               // the result's strides are this one's
    int ndim = 0;
    npy_intp shape[MOST_DIMS];                   // of the result
    long count = 0;                              // elements of the result
    long run = 0;                                // and of one run
    int outer = 0;                               // dimensions that runs are numbered by
    long extent[MOST_DIMS];
    long stride[MOST_OPERANDS][MOST_DIMS];       // in bytes

    bool single_run() const { return run == count; }
};

// Whether arrays have one shape and lie in memory without gaps, all in one order of their
// dimensions: their elements then correspond one by one as they lie there.
bool lie_alike(PyArrayObject* const* arrays, int count);

// Whether the strides of an array fall from its first dimension to its last, as those of a
// row-major one do; dimensions that repeat what there is do not count.
bool row_major(PyArrayObject* array);

// Lay out arrays and numbers (nullptr with `numbers` pointing to a value of the result's
// type). False where the shapes do not fit, are empty, or a run would not be regular.
bool lay_out(Layout& layout, PyArrayObject* const* arrays, const void* const* numbers, int count);

// A new array for the result.
PyArrayObject* new_result(const Layout& layout, Type type);

// Call body(pointers, first, length) for all runs of elements [from, to).
template <class Body>
void for_runs(const Layout& layout, long from, long to, Body&& body) {
    const char* at[MOST_OPERANDS];
    if (layout.single_run()) {
        for (int o = 0; o < layout.operands; ++o) {
            at[o] = layout.data[o] + (layout.one[o] ? 0 : from * layout.item[o]);
        }
        body(at, from, to - from);
        return;
    }
    long index[MOST_DIMS];
    long number = from / layout.run, inside = from % layout.run;
    for (int d = layout.outer - 1; d >= 0; --d) {
        index[d] = number % layout.extent[d];
        number /= layout.extent[d];
    }
    const char* start[MOST_OPERANDS];
    for (int o = 0; o < layout.operands; ++o) {
        start[o] = layout.data[o];
        for (int d = 0; d < layout.outer; ++d) start[o] += index[d] * layout.stride[o][d];
    }
    while (from < to) {
        const long left = layout.run - inside;
        const long length = left < to - from ? left : to - from;
        for (int o = 0; o < layout.operands; ++o) {
            at[o] = start[o] + (layout.one[o] ? 0 : inside * layout.item[o]);
        }
        body(at, from, length);
        from += length;
        inside = 0;
        for (int d = layout.outer - 1; d >= 0; --d) {
            for (int o = 0; o < layout.operands; ++o) start[o] += layout.stride[o][d];
            if (++index[d] < layout.extent[d]) break;
            for (int o = 0; o < layout.operands; ++o) {
                start[o] -= layout.stride[o][d] * layout.extent[d];
            }
            index[d] = 0;
        }
    }
}

// Whether a result of so many bytes is written past the caches, which would not hold it
// until it is read.
bool is_streamed(long bytes);
void settle_streams();  // what this thread has written so is then seen by others

// What fill_result is given where a body has no form of its own that writes past the caches.
struct NoneSo {
    template <class... All>
    bool operator()(const All&...) const { return false; }
};

// past(pointers, to, length) for all that fill_past (kernels/past.hpp) takes, unless it says
// that there is no such form; the rest by body(pointers, to, length), in pieces so short that
// computing them and writing them overlap.
template <class Body, class Past>
void stream_run(const Layout& layout, const char* const* from, char* to, long length, long size,
                Body&& body, Past&& past) {
    constexpr long PIECE = 512, AHEAD = 4096, PAGES = TURNS * PAGE_BYTES;
    alignas(LINE_BYTES) char piece[PIECE];
    const char* at[MOST_OPERANDS];
    std::copy_n(from, layout.operands, at);
    while (length > 0) {
        const long before = static_cast<long>(reinterpret_cast<std::uintptr_t>(to) % LINE_BYTES);
        long count = before > 0 ? 0 : length * size / PAGES * PAGES / size;
        if (count == 0 || !past(at, to, count)) {
            count = std::min(length, (PIECE - before) / size);
            for (int o = 0; o < layout.operands; ++o) {
                const long bytes = layout.one[o] ? 0 : count * layout.item[o];
                for (long b = 0; b < bytes; b += LINE_BYTES) __builtin_prefetch(at[o] + AHEAD + b);
            }
            body(at, piece, count);
            copier().stream(piece, to, count * size);
        }
        for (int o = 0; o < layout.operands; ++o) {
            if (!layout.one[o]) at[o] += count * layout.item[o];
        }
        to += count * size;
        length -= count;
    }
    settle_streams();
}

// Fill a new result by body(pointers, to, length), for all its runs, which are split over
// threads; other Python threads may run meanwhile. nullptr with an error set.
template <class Body, class Past = NoneSo>
PyObject* fill_result(const Layout& layout, Type type, long grain, Body&& body,
                      Past&& past = Past()) {
    PyArrayObject* y = new_result(layout, type);
    if (y == nullptr) return nullptr;
    char* to = data_of<char>(y);
    const long size = item_size(type);
    if (layout.count <= grain && layout.single_run()) {
        body(layout.data, to, layout.count);
        return reinterpret_cast<PyObject*>(y);
    }
    const Unlocked unlocked(layout.count > grain);
    const bool streamed = is_streamed(layout.count * size) && layout.run * size >= SHORT;
    const auto run = [&](const char* const* at, long first, long length) {
        if (streamed) stream_run(layout, at, to + first * size, length, size, body, past);
        else body(at, to + first * size, length);
    };
    parallel_ranges(layout.count, streamed ? 8 * grain : grain,
                    [&](long from, long end) { for_runs(layout, from, end, run); });
    return reinterpret_cast<PyObject*>(y);
}

}  // namespace lampas
