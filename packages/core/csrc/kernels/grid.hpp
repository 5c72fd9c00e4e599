#pragma once

#include "runtime/paths.hpp"

namespace lampas {

enum class GridMode { nearest, bilinear, bicubic };
enum class GridPadding { zeros, border, reflection };

constexpr int MOST_AXES = 3;
constexpr long GRID_AT_ONCE = 256;  // points

// Points of one image: of `channels` planes of sizes[0] x ... elements, the points' places
// in them from -1 to 1, the last dimension's first.
struct GridHow {
    int dims;
    long sizes[MOST_AXES], plane, channels, points;
    GridMode mode;
    GridPadding padding;
    bool corners;
};

// Of points [first, last) of one image, at most GRID_AT_ONCE; `work` has room() bytes.
template <class T>
struct GridLoops {
    // y[c * points + p]
    void (*sample)(const GridHow& how, const T* x, const T* grid, T* y, void* work, long first,
                   long last);
    // x[c * plane + i] += what comes of g[c * points + p], for `channels` of them.
    void (*spread)(const GridHow& how, const T* g, const T* grid, T* x, void* work,
                   long channels, long first, long last);
    // dgrid[p * dims + d]
    void (*move)(const GridHow& how, const T* g, const T* x, const T* grid, T* dgrid, void* work,
                 long first, long last);
    long room;
};

struct GridKernels {
    GridLoops<float> f32;
    GridLoops<double> f64;
};
LAMPAS_FAMILY(GridKernels, gridder)

}  // namespace lampas
