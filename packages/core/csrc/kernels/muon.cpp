#include "kernels/muon.hpp"

#include "kernels/simd.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

template <class T>
void begin(const T* __restrict g, T* __restrict mean, float* __restrict update, long count,
           const Momentum<T>& momentum) {
    const Momentum<T> k = momentum;
    for (long i = 0; i < count; ++i) {
        const T next = mean[i] + (g[i] - mean[i]) * k.rest;
        mean[i] = next;
        update[i] = static_cast<float>(k.nesterov ? g[i] + (next - g[i]) * k.kept : next);
    }
}

template <class T>
void end(T* __restrict p, const float* __restrict update, long count, T shrink, float rate) {
    for (long i = 0; i < count; ++i) p[i] = p[i] * shrink - static_cast<T>(update[i] * rate);
}

void divide(float* x, long count, float by) {
    for (long i = 0; i < count; ++i) x[i] /= by;
}

void scale(const float* __restrict x, long count, float by, float* __restrict y) {
    for (long i = 0; i < count; ++i) y[i] = x[i] * by;
}

}  // namespace
}  // namespace LAMPAS_PATH

const MuonKernels LAMPAS_PATH_OF(muon) = {
    .f32 = {LAMPAS_PATH::begin<float>, LAMPAS_PATH::end<float>},
    .f64 = {LAMPAS_PATH::begin<double>, LAMPAS_PATH::end<double>},
    .divide = LAMPAS_PATH::divide,
    .scale = LAMPAS_PATH::scale,
};

}  // namespace lampas
