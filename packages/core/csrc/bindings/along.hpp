// A contiguous array as columns along one of its dimensions.
#pragma once

#include "bindings/layout.hpp"

namespace lampas {

// (before, size, after): the dimension has `size` rows, and `after` columns lie side by side.
struct Along {
    PyArrayObject* x = nullptr;
    long before = 1, size = 0, after = 1;

    bool read(PyArrayObject* array, long dim) {
        if (array == nullptr || !is_contiguous(array) || PyArray_SIZE(array) == 0) return false;
        const int ndim = PyArray_NDIM(array);
        if (dim < 0 || dim >= ndim) return false;
        x = array;
        for (int d = 0; d < dim; ++d) before *= PyArray_DIM(array, d);
        for (int d = static_cast<int>(dim) + 1; d < ndim; ++d) after *= PyArray_DIM(array, d);
        size = PyArray_DIM(array, static_cast<int>(dim));
        return true;
    }

    // Call body(the first element's number, columns, which column of all) for tiles of at
    // most `widest` columns.
    template <class Body>
    void run(long widest, Body&& body) const {
        const long width = after < widest ? after : widest;
        const long tiles = (after + width - 1) / width, work = size * width;
        const Unlocked unlocked(before * size * after > HEAVY);
        parallel_ranges(before * tiles, work < HEAVY ? HEAVY / work : 1,
                        [&](long first, long last) {
            for (long i = first; i < last; ++i) {
                const long column = i % tiles * width, which = i / tiles;
                const long columns = after - column < width ? after - column : width;
                body(which * size * after + column, columns, which * after + column);
            }
        });
    }
};

}  // namespace lampas
