// Adafactor: squares of gradients are kept as the means of rows and of columns.
//
// A matrix of gradients g has the update u = g / sqrt(max(r c / mean(r), floor)), where r
// and c are the means of its rows and columns. It is computed as g min(a b, most) with
// a = sqrt(1 / r), b = sqrt(mean(r) / c) and most = 1 / sqrt(floor), which is infinite, or
// no number, where the quotient is: where squares are zero or infinite.
#pragma once

#include "runtime/paths.hpp"

namespace lampas {

// p = p * shrink + u * scale
template <class T>
struct Move {
    T scale, shrink;
};

// Part of a matrix of gradients; its rows lie `pitch` apart.
template <class T>
struct Gradients {
    const T* data;
    long rows, columns, pitch;
};

// Small matrices that lie one after the other, with the means of their squares.
template <class T>
struct Smalls {
    const T* g;
    T *of_rows, *of_columns;
    long count;
    int rows, columns;
    T least;  // of the mean of a matrix, which is divided by
};

// Rows and columns of a matrix that counts as small, at most.
constexpr int SMALL = 16;

template <class T>
struct AdafactorLoops {
    // The sums of the squares of each row and of each column.
    void (*squares)(const Gradients<T>& g, double* of_rows, double* of_columns);
    // mean += (sums / terms - mean) * weight
    void (*mix)(T* mean, const double* sums, long count, double terms, T weight);
    double (*sum)(const T* x, long count);
    void (*roots)(const T* x, long count, T value, T* to);  // sqrt(value / x)
    // The sum of the squares of the updates.
    double (*size)(const Gradients<T>& g, const T* a, const T* b, T most);
    void (*move)(T* p, const Gradients<T>& g, const T* a, const T* b, T most, Move<T> by);

    // Vectors, which keep every mean square; `mix_size` moves it towards the new square.
    double (*mix_size)(T* mean, const T* g, long count, T weight, T floor);
    void (*move_vector)(T* p, const T* g, const T* mean, long count, T floor, Move<T> by);

    // Small matrices, so many at once as a vector has lanes.
    double (*mix_size_smalls)(const Smalls<T>& m, T weight, T most);
    void (*move_smalls)(T* p, const Smalls<T>& m, T most, Move<T> by);
};

struct AdafactorKernels {
    AdafactorLoops<float> f32;
    AdafactorLoops<double> f64;
};
LAMPAS_FAMILY(AdafactorKernels, adafactor)

template <class T> inline const AdafactorLoops<T>& adafactor_of();
template <> inline const AdafactorLoops<float>& adafactor_of() { return adafactor().f32; }
template <> inline const AdafactorLoops<double>& adafactor_of() { return adafactor().f64; }

}  // namespace lampas
