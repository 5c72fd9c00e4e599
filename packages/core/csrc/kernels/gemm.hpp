// Products of matrices, in pieces: packing panels, and one thread's tile of the result.
#pragma once

#include "runtime/paths.hpp"

namespace lampas {

// An operand cut into panels of a tile's width, the rows of A or columns of B that meet in it:
// entry p of line i of panel q lies at data[q * panel + i * across + p * along]. Packed
// panels have across = 1 and along = the width; others are read where they lie.
template <class T>
struct Panels {
    const T* data;
    long panel, across, along;
};

// A right operand whose rows lie as they are, `along` apart, and where its panels are put.
template <class T>
struct Unpacked {
    const T* from = nullptr;
    long along = 0;
    T* to = nullptr;
};

// C[i, j] = (C[i, j] +) sum_p A[i, p] * B[p, j] (+ bias[j]). Panels of B that are read in
// place have across = 1, and `columns` must then be whole vectors.
template <class T>
struct Tile {
    long rows, columns, k;
    Panels<T> a, b;
    T* c;
    long ldc;
    const T* bias;  // or nullptr
    bool add;
    // Whether narrow tiles add up pieces of k. That is told of whole products, so that it does
    // not depend on how they are cut for threads.
    bool pieces = false;
    // Where given, b's panels are packed from it when the first rows meet them.
    Unpacked<T> unpacked = {};
};

// Into how many blocks k is cut, none of which is longer than `depth` by more than an eighth.
// Static: compiled for several processors, one of which would stand for all.
static inline long blocks_of(long k, long depth) {
    return k > depth ? (k - depth / 8 + depth - 1) / depth : 1;
}

template <class T>
struct GemmOf {
    int rows, columns;  // widths of the panels of A and of B
    int lanes;
    int pieced;  // columns of the widest products that are added up in pieces
    int depth;  // so much of k at once lets a panel of B stay in the first-level cache
    // Pack `count` lines (entry p of line i: from[i * across + p * along]) into panels,
    // which lie k * width apart; the last one is padded with zeros.
    void (*pack_a)(const T* from, long across, long along, long count, long k, T* to);
    void (*pack_b)(const T* from, long across, long along, long count, long k, T* to);
    void (*tile)(const Tile<T>& tile);
};

struct GemmKernels {
    GemmOf<float> f32;
    GemmOf<double> f64;
    GemmOf<float> wide_f32;  // by wider tiles of fewer rows, for large products
    GemmOf<double> wide_f64;
};
LAMPAS_FAMILY(GemmKernels, gemm)

template <class T> inline const GemmOf<T>& gemm_of();
template <> inline const GemmOf<float>& gemm_of<float>() { return gemm().f32; }
template <> inline const GemmOf<double>& gemm_of<double>() { return gemm().f64; }
template <class T> inline const GemmOf<T>& wide_gemm_of();
template <> inline const GemmOf<float>& wide_gemm_of<float>() { return gemm().wide_f32; }
template <> inline const GemmOf<double>& wide_gemm_of<double>() { return gemm().wide_f64; }

}  // namespace lampas
