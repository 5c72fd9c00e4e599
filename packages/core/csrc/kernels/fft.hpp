// Discrete Fourier transforms of lines: as many at a time as a vector has lanes, each in a
// lane of its own, so that every step of the transform is one of whole vectors.
#pragma once

#include "runtime/paths.hpp"

namespace lampas {

constexpr int MOST_STAGES = 40;
constexpr int LARGEST_RADIX = 13;

enum class Transform { complex, to_half, from_half };

// How lines of one length are transformed. Real lines of even length are complex ones of
// half of it, their even elements the real and their odd the imaginary parts.
template <class T>
struct FftPlan {
    long n;        // elements of the line, real ones where one end is real
    long length;   // of the complex transform that does the work: n or n / 2
    int stages;
    int radix[MOST_STAGES];  // 4, 2, or odd; their product is `length`
    const T* roots;          // exp(-2 pi i k / length), real and imaginary parts in turn
    const T* turns;          // exp(-2 pi i k / n) for k <= length, where that is n / 2
};

// One group of lines: where they begin and how far apart their elements are, in bytes.
struct FftLines {
    const char* from;
    char* to;
    const long* from_at;
    const long* to_at;
    long from_step, to_step;
    int count;  // at most the width
    Transform kind;
    bool inverse;   // of complex lines; the others have their direction
    double factor;  // of all results
};

template <class T>
struct FftLoops {
    int width;
    // `work` has room for 4 * width * (plan.length + 1) elements.
    void (*run)(const FftPlan<T>& plan, const FftLines& lines, T* work);
};

struct FftKernels {
    FftLoops<float> f32;
    FftLoops<double> f64;
};
LAMPAS_FAMILY(FftKernels, fft)

}  // namespace lampas
