#include "kernels/scan.hpp"

#include "kernels/simd.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

constexpr long TILE = 512;

void run_f32(const float* x, float* y, long count, bool reverse) {
    double sum = 0.0;
    if (reverse) {
        for (long i = count - 1; i >= 0; --i) y[i] = static_cast<float>(sum += x[i]);
    } else {
        for (long i = 0; i < count; ++i) y[i] = static_cast<float>(sum += x[i]);
    }
}

void columns_f32(const float* x, float* y, long rows, long columns, long pitch, bool reverse) {
    double sums[TILE];
    for (long tile = 0; tile < columns; tile += TILE) {
        const long width = columns - tile < TILE ? columns - tile : TILE;
        for (long c = 0; c < width; ++c) sums[c] = 0.0;
        for (long r = 0; r < rows; ++r) {
            const long at = (reverse ? rows - 1 - r : r) * pitch + tile;
            const float* __restrict from = x + at;
            float* __restrict to = y + at;
            for (long c = 0; c < width; ++c) to[c] = static_cast<float>(sums[c] += from[c]);
        }
    }
}

}  // namespace
}  // namespace LAMPAS_PATH

const ScanKernels LAMPAS_PATH_OF(scanner) = {LAMPAS_PATH::run_f32, LAMPAS_PATH::columns_f32};

}  // namespace lampas
