// How operands of an elementwise op lie beside its result, and the runs that follow.
#pragma once

#include "runtime/array.hpp"
#include "runtime/pool.hpp"

namespace lampas {

constexpr int MOST_DIMS = 8;
constexpr int MOST_OPERANDS = 4;
constexpr long LIGHT = 32 * 1024;   // elements of one chunk of cheap work
constexpr long HEAVY = 8 * 1024;    // and of work with polynomials

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

// The same for all elements, split over threads; other Python threads may run meanwhile.
template <class Body>
void for_all_runs(const Layout& layout, long grain, Body&& body) {
    if (layout.count <= grain && layout.single_run()) {
        body(layout.data, 0L, layout.count);
        return;
    }
    const Unlocked unlocked(layout.count > grain);
    parallel_ranges(layout.count, grain,
                    [&](long from, long to) { for_runs(layout, from, to, body); });
}

}  // namespace lampas
