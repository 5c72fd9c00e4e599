// Discrete Fourier transforms of lines: as many at a time as a vector has lanes, each in a
// lane of its own, so that every step of the transform is one of whole vectors. All is
// computed in double: the error of float lines is that of rounding them.
#pragma once

#include "runtime/paths.hpp"

namespace lampas {

constexpr int MOST_STAGES = 40;
constexpr int LARGEST_RADIX = 13;

enum class Transform { complex, to_half, from_half };

// How lines of one length are transformed. Real lines of even length are complex ones of
// half of it, their even elements the real and their odd the imaginary parts.
struct FftPlan {
    long n;        // elements of the line, real ones where one end is real
    long length;   // of the complex transform that does the work: n or n / 2
    int stages;
    int radix[MOST_STAGES];  // odd, 8, 4 or 2; their product is `length`
    // Of each stage: exp(-2 pi i k / radix) for k < radix, real and imaginary parts in turn,
    // and exp(-2 pi i p k / its length) for p < part and, in turn, 0 < k < radix.
    const double* tables[MOST_STAGES];
    const long* order;    // where each frequency is in the end
    const double* turns;  // exp(-2 pi i k / n) for k <= length, where that is n / 2
    // Lengths of large primes: a convolution with chirp[k] = exp(-pi i k^2 / length) (L. I.
    // Bluestein, 1970), done by a longer transform whose factors are small. `spectrum` is
    // that of the chirp's conjugate, divided by the longer length.
    const FftPlan* longer;
    const double* chirp;
    const double* spectrum;

    // Elements that a transform of so many lines at a time needs to work with.
    long room(int width) const {
        return 4L * width * (length + 1 + (longer == nullptr ? 0 : longer->length));
    }
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

struct FftKernels {
    int width;
    int largest_power;  // of two that is a radix
    // Of lines of float and of double; `work` has plan.room(width) elements.
    void (*run32)(const FftPlan& plan, const FftLines& lines, double* work);
    void (*run64)(const FftPlan& plan, const FftLines& lines, double* work);
};
LAMPAS_FAMILY(FftKernels, fft)

}  // namespace lampas
