#include "kernels/optimize.hpp"

#include "kernels/simd.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

// step(parameter, gradient, state...) for each element. The factors are copied, so that
// the compiler knows that no store changes them.
template <int STATES, class Factors, class Step>
LAMPAS_INLINE void each(float* const* a, long count, const Factors& factors, Step step) {
    float* __restrict p = a[0];
    const float* __restrict g = a[1];
    float* __restrict s0 = STATES > 0 ? a[2] : nullptr;
    float* __restrict s1 = STATES > 1 ? a[3] : nullptr;
    float* __restrict s2 = STATES > 2 ? a[4] : nullptr;
    const Factors k = factors;
    for (long i = 0; i < count; ++i) {
        if constexpr (STATES == 0) step(k, p[i], g[i]);
        else if constexpr (STATES == 1) step(k, p[i], g[i], s0[i]);
        else if constexpr (STATES == 2) step(k, p[i], g[i], s0[i], s1[i]);
        else step(k, p[i], g[i], s0[i], s1[i], s2[i]);
    }
}

#define LAMPAS_STEP __attribute__((always_inline))

// The gradient as the step takes it; a parameter that is infinite has a gradient yet.
LAMPAS_INLINE float slope_of(const Slope& k, float p, float g) {
    return k.decay != 0.0f ? g * k.sign + p * k.decay : g * k.sign;
}

LAMPAS_INLINE float mixed(const Mean& k, float before, float value) {
    return before * k.old + value * k.rest;
}

LAMPAS_INLINE float root(float x) { return __builtin_sqrtf(x); }

// As NumPy's maximum: NaN wherever one is.
LAMPAS_INLINE float most(float a, float b) { return a > b || a != a ? a : b; }

LAMPAS_INLINE void adam_at(const AdamFactors& k, float& p, float g, float& mean, float& square,
                           float* largest) {
    const float slope = slope_of(k.slope, p, g);
    mean = mixed(k.mean, mean, slope);
    square = mixed(k.square, square, slope * slope);
    float used = square;
    if (largest != nullptr) used = *largest = most(*largest, square);
    p = p * k.slope.shrink - mean / (root(used) * k.scale + k.eps) * k.size;
}

void adam(float* const* a, long count, const AdamFactors& f) {
    each<2>(a, count, f,
            [](const auto& k, float& p, float g, float& mean, float& square) LAMPAS_STEP {
                adam_at(k, p, g, mean, square, nullptr);
            });
}

void amsgrad(float* const* a, long count, const AdamFactors& f) {
    each<3>(a, count, f,
            [](const auto& k, float& p, float g, float& mean, float& square,
               float& largest) LAMPAS_STEP { adam_at(k, p, g, mean, square, &largest); });
}

void sgd(float* const* a, long count, const SgdFactors& f) {
    each<0>(a, count, f, [](const auto& k, float& p, float g) LAMPAS_STEP {
        p -= slope_of(k.slope, p, g) * k.lr;
    });
}

template <bool nesterov>
void heavy_sgd_of(float* const* a, long count, const SgdFactors& f) {
    each<1>(a, count, f, [](const auto& k, float& p, float g, float& velocity) LAMPAS_STEP {
        const float slope = slope_of(k.slope, p, g);
        velocity = velocity * k.momentum + slope * k.undamped;
        p -= (nesterov ? slope + velocity * k.momentum : velocity) * k.lr;
    });
}

void heavy_sgd(float* const* a, long count, const SgdFactors& f) {
    if (f.nesterov) heavy_sgd_of<true>(a, count, f);
    else heavy_sgd_of<false>(a, count, f);
}

LAMPAS_INLINE void rms_at(const RmsFactors& k, float& p, float g, float& square,
                          float* velocity, float* mean) {
    const float slope = slope_of(k.slope, p, g);
    square = mixed(k.square, square, slope * slope);
    float spread = square;
    if (mean != nullptr) {
        *mean = mixed(k.square, *mean, slope);
        spread = square - *mean * *mean;
    }
    float step = slope / (root(spread) + k.eps);
    if (velocity != nullptr) step = *velocity = *velocity * k.momentum + step;
    p -= step * k.lr;
}

void rms(float* const* a, long count, const RmsFactors& f) {
    each<1>(a, count, f, [](const auto& k, float& p, float g, float& square) LAMPAS_STEP {
        rms_at(k, p, g, square, nullptr, nullptr);
    });
}

void heavy_rms(float* const* a, long count, const RmsFactors& f) {
    each<2>(a, count, f,
            [](const auto& k, float& p, float g, float& square, float& velocity) LAMPAS_STEP {
                rms_at(k, p, g, square, &velocity, nullptr);
            });
}

void centered_rms(float* const* a, long count, const RmsFactors& f) {
    each<2>(a, count, f,
            [](const auto& k, float& p, float g, float& square, float& mean) LAMPAS_STEP {
                rms_at(k, p, g, square, nullptr, &mean);
            });
}

void heavy_centered_rms(float* const* a, long count, const RmsFactors& f) {
    each<3>(a, count, f,
            [](const auto& k, float& p, float g, float& square, float& velocity,
               float& mean) LAMPAS_STEP { rms_at(k, p, g, square, &velocity, &mean); });
}

void adagrad(float* const* a, long count, const AdagradFactors& f) {
    each<1>(a, count, f, [](const auto& k, float& p, float g, float& sum) LAMPAS_STEP {
        const float slope = slope_of(k.slope, p, g);
        sum += slope * slope;
        p -= slope / (root(sum) + k.eps) * k.lr;
    });
}

void adadelta(float* const* a, long count, const AdadeltaFactors& f) {
    each<2>(a, count, f,
            [](const auto& k, float& p, float g, float& square, float& changes) LAMPAS_STEP {
                const float slope = slope_of(k.slope, p, g);
                square = mixed(k.square, square, slope * slope);
                const float step = root((changes + k.eps) / (square + k.eps)) * slope;
                changes = mixed(k.square, changes, step * step);
                p -= step * k.lr;
            });
}

void adamax(float* const* a, long count, const AdamaxFactors& f) {
    each<2>(a, count, f,
            [](const auto& k, float& p, float g, float& mean, float& largest) LAMPAS_STEP {
                const float slope = slope_of(k.slope, p, g);
                mean = mixed(k.mean, mean, slope);
                largest = most(largest * k.beta2, __builtin_fabsf(slope) + k.eps);
                p -= mean / largest * k.size;
            });
}

void nadam(float* const* a, long count, const NadamFactors& f) {
    each<2>(a, count, f,
            [](const auto& k, float& p, float g, float& mean, float& square) LAMPAS_STEP {
                const float slope = slope_of(k.slope, p, g);
                mean = mixed(k.mean, mean, slope);
                square = mixed(k.square, square, slope * slope);
                const float step = slope * k.of_gradient + mean * k.of_mean;
                p = p * k.slope.shrink - step / (root(square / k.correction) + k.eps);
            });
}

void radam(float* const* a, long count, const RadamFactors& f) {
    each<2>(a, count, f,
            [](const auto& k, float& p, float g, float& mean, float& square) LAMPAS_STEP {
                const float slope = slope_of(k.slope, p, g);
                mean = mixed(k.mean, mean, slope);
                square = mixed(k.square, square, slope * slope);
                float step = mean * k.plain;
                if (k.rectified != 0.0f) step = step / (root(square) + k.eps) * k.rectified;
                p = p * k.slope.shrink - step;
            });
}

void rprop(float* const* a, long count, const RpropFactors& f) {
    each<2>(a, count, f,
            [](const auto& k, float& p, float g, float& before, float& size) LAMPAS_STEP {
                const float slope = g * k.sign, turn = slope * before;
                float next = size * (turn > 0.0f ? k.grow : turn < 0.0f ? k.shrink : 1.0f);
                next = next < k.smallest ? k.smallest : next;
                size = next = next > k.largest ? k.largest : next;
                const float kept = turn < 0.0f ? 0.0f : slope;
                before = kept;
                // NaN has no sign and stays.
                p -= (kept > 0.0f ? 1.0f : kept < 0.0f ? -1.0f : kept) * next;
            });
}

void asgd(float* const* a, long count, const AsgdFactors& f) {
    each<1>(a, count, f, [](const auto& k, float& p, float g, float& average) LAMPAS_STEP {
        const float slope = slope_of(k.slope, p, g);
        p = p * k.slope.shrink - slope * k.eta;
        average = k.mu == 1.0f ? p : average + (p - average) * k.mu;
    });
}

}  // namespace
}  // namespace LAMPAS_PATH

const OptimizeKernels LAMPAS_PATH_OF(optimize) = {
    .adam = LAMPAS_PATH::adam,
    .amsgrad = LAMPAS_PATH::amsgrad,
    .sgd = LAMPAS_PATH::sgd,
    .heavy_sgd = LAMPAS_PATH::heavy_sgd,
    .rms = LAMPAS_PATH::rms,
    .heavy_rms = LAMPAS_PATH::heavy_rms,
    .centered_rms = LAMPAS_PATH::centered_rms,
    .heavy_centered_rms = LAMPAS_PATH::heavy_centered_rms,
    .adagrad = LAMPAS_PATH::adagrad,
    .adadelta = LAMPAS_PATH::adadelta,
    .adamax = LAMPAS_PATH::adamax,
    .nadam = LAMPAS_PATH::nadam,
    .radam = LAMPAS_PATH::radam,
    .rprop = LAMPAS_PATH::rprop,
    .asgd = LAMPAS_PATH::asgd,
};

}  // namespace lampas
