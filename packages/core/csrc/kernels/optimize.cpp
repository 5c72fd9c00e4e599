#include "kernels/optimize.hpp"

#include "kernels/simd.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

// step(parameter, gradient, state...) for each element. The factors are copied, so that
// the compiler knows that no store changes them.
template <int STATES, class T, class Factors, class Step>
LAMPAS_INLINE void each(T* const* a, long count, const Factors& factors, Step step) {
    T* __restrict p = a[0];
    const T* __restrict g = a[1];
    T* __restrict s0 = STATES > 0 ? a[2] : nullptr;
    T* __restrict s1 = STATES > 1 ? a[3] : nullptr;
    T* __restrict s2 = STATES > 2 ? a[4] : nullptr;
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
template <class T>
LAMPAS_INLINE T slope_of(const Slope<T>& k, T p, T g) {
    return k.decay != 0 ? g * k.sign + p * k.decay : g * k.sign;
}

template <class T>
LAMPAS_INLINE T mixed(const Mean<T>& k, T before, T value) {
    return before * k.old + value * k.rest;
}

LAMPAS_INLINE float root(float x) { return __builtin_sqrtf(x); }
LAMPAS_INLINE double root(double x) { return __builtin_sqrt(x); }

LAMPAS_INLINE float size_of(float x) { return __builtin_fabsf(x); }
LAMPAS_INLINE double size_of(double x) { return __builtin_fabs(x); }

// As NumPy's maximum: NaN wherever one is.
template <class T>
LAMPAS_INLINE T most(T a, T b) { return a > b || a != a ? a : b; }

template <class T>
LAMPAS_INLINE void adam_at(const AdamFactors<T>& k, T& p, T g, T& mean, T& square, T* largest) {
    const T slope = slope_of(k.slope, p, g);
    mean = mixed(k.mean, mean, slope);
    square = mixed(k.square, square, slope * slope);
    T used = square;
    if (largest != nullptr) used = *largest = most(*largest, square);
    p = p * k.slope.shrink - mean / (root(used) * k.scale + k.eps) * k.size;
}

template <class T>
void adam(T* const* a, long count, const AdamFactors<T>& f) {
    each<2>(a, count, f, [](const auto& k, T& p, T g, T& mean, T& square) LAMPAS_STEP {
        adam_at<T>(k, p, g, mean, square, nullptr);
    });
}

template <class T>
void amsgrad(T* const* a, long count, const AdamFactors<T>& f) {
    each<3>(a, count, f,
            [](const auto& k, T& p, T g, T& mean, T& square, T& largest) LAMPAS_STEP {
                adam_at<T>(k, p, g, mean, square, &largest);
            });
}

template <class T>
void sgd(T* const* a, long count, const SgdFactors<T>& f) {
    each<0>(a, count, f, [](const auto& k, T& p, T g) LAMPAS_STEP {
        p -= slope_of(k.slope, p, g) * k.lr;
    });
}

template <bool nesterov, class T>
void heavy_sgd_of(T* const* a, long count, const SgdFactors<T>& f) {
    each<1>(a, count, f, [](const auto& k, T& p, T g, T& velocity) LAMPAS_STEP {
        const T slope = slope_of(k.slope, p, g);
        velocity = velocity * k.momentum + slope * k.undamped;
        p -= (nesterov ? slope + velocity * k.momentum : velocity) * k.lr;
    });
}

template <class T>
void heavy_sgd(T* const* a, long count, const SgdFactors<T>& f) {
    if (f.nesterov) heavy_sgd_of<true>(a, count, f);
    else heavy_sgd_of<false>(a, count, f);
}

template <class T>
LAMPAS_INLINE void rms_at(const RmsFactors<T>& k, T& p, T g, T& square, T* velocity, T* mean) {
    const T slope = slope_of(k.slope, p, g);
    square = mixed(k.square, square, slope * slope);
    T spread = square;
    if (mean != nullptr) {
        *mean = mixed(k.square, *mean, slope);
        spread = square - *mean * *mean;
    }
    T step = slope / (root(spread) + k.eps);
    if (velocity != nullptr) step = *velocity = *velocity * k.momentum + step;
    p -= step * k.lr;
}

template <class T>
void rms(T* const* a, long count, const RmsFactors<T>& f) {
    each<1>(a, count, f, [](const auto& k, T& p, T g, T& square) LAMPAS_STEP {
        rms_at<T>(k, p, g, square, nullptr, nullptr);
    });
}

template <class T>
void heavy_rms(T* const* a, long count, const RmsFactors<T>& f) {
    each<2>(a, count, f, [](const auto& k, T& p, T g, T& square, T& velocity) LAMPAS_STEP {
        rms_at<T>(k, p, g, square, &velocity, nullptr);
    });
}

template <class T>
void centered_rms(T* const* a, long count, const RmsFactors<T>& f) {
    each<2>(a, count, f, [](const auto& k, T& p, T g, T& square, T& mean) LAMPAS_STEP {
        rms_at<T>(k, p, g, square, nullptr, &mean);
    });
}

template <class T>
void heavy_centered_rms(T* const* a, long count, const RmsFactors<T>& f) {
    each<3>(a, count, f,
            [](const auto& k, T& p, T g, T& square, T& velocity, T& mean) LAMPAS_STEP {
                rms_at<T>(k, p, g, square, &velocity, &mean);
            });
}

template <class T>
void adagrad(T* const* a, long count, const AdagradFactors<T>& f) {
    each<1>(a, count, f, [](const auto& k, T& p, T g, T& sum) LAMPAS_STEP {
        const T slope = slope_of(k.slope, p, g);
        sum += slope * slope;
        p -= slope / (root(sum) + k.eps) * k.lr;
    });
}

template <class T>
void adadelta(T* const* a, long count, const AdadeltaFactors<T>& f) {
    each<2>(a, count, f, [](const auto& k, T& p, T g, T& square, T& changes) LAMPAS_STEP {
        const T slope = slope_of(k.slope, p, g);
        square = mixed(k.square, square, slope * slope);
        const T step = root((changes + k.eps) / (square + k.eps)) * slope;
        changes = mixed(k.square, changes, step * step);
        p -= step * k.lr;
    });
}

template <class T>
void adamax(T* const* a, long count, const AdamaxFactors<T>& f) {
    each<2>(a, count, f, [](const auto& k, T& p, T g, T& mean, T& largest) LAMPAS_STEP {
        const T slope = slope_of(k.slope, p, g);
        mean = mixed(k.mean, mean, slope);
        largest = most(largest * k.beta2, size_of(slope) + k.eps);
        p -= mean / largest * k.size;
    });
}

template <class T>
void nadam(T* const* a, long count, const NadamFactors<T>& f) {
    each<2>(a, count, f, [](const auto& k, T& p, T g, T& mean, T& square) LAMPAS_STEP {
        const T slope = slope_of(k.slope, p, g);
        mean = mixed(k.mean, mean, slope);
        square = mixed(k.square, square, slope * slope);
        const T step = slope * k.of_gradient + mean * k.of_mean;
        p = p * k.slope.shrink - step / (root(square / k.correction) + k.eps);
    });
}

template <class T>
void radam(T* const* a, long count, const RadamFactors<T>& f) {
    each<2>(a, count, f, [](const auto& k, T& p, T g, T& mean, T& square) LAMPAS_STEP {
        const T slope = slope_of(k.slope, p, g);
        mean = mixed(k.mean, mean, slope);
        square = mixed(k.square, square, slope * slope);
        T step = mean * k.plain;
        if (k.rectified != 0) step = step / (root(square) + k.eps) * k.rectified;
        p = p * k.slope.shrink - step;
    });
}

template <class T>
void rprop(T* const* a, long count, const RpropFactors<T>& f) {
    each<2>(a, count, f, [](const auto& k, T& p, T g, T& before, T& size) LAMPAS_STEP {
        const T slope = g * k.sign, turn = slope * before;
        T next = T(size * (turn > 0 ? k.grow : turn < 0 ? k.shrink : 1));
        next = next < k.smallest ? k.smallest : next;
        size = next = next > k.largest ? k.largest : next;
        const T kept = turn < 0 ? 0 : slope;
        before = kept;
        // NaN has no sign and stays.
        p -= (kept > 0 ? 1 : kept < 0 ? -1 : kept) * next;
    });
}

template <class T>
void asgd(T* const* a, long count, const AsgdFactors<T>& f) {
    each<1>(a, count, f, [](const auto& k, T& p, T g, T& average) LAMPAS_STEP {
        const T slope = slope_of(k.slope, p, g);
        p = p * k.slope.shrink - slope * k.eta;
        average = k.mu == 1 ? p : average + (p - average) * k.mu;
    });
}

template <class T>
void sparse_adam(const ListedRows<T>& rows, long first, long last,
                 const SparseAdamFactors<T>& factors) {
    const SparseAdamFactors<T> k = factors;
    const long width = rows.width;
    for (long r = first; r < last; ++r) {
        const long start = rows.places[r] * width;
        const T* __restrict g = rows.parts + r * width;
        T* __restrict p = rows.table + start;
        T* __restrict mean = rows.mean + start;
        T* __restrict square = rows.square + start;
        for (long i = 0; i < width; ++i) {
            const T slope = g[i] * k.sign;
            mean[i] += (slope - mean[i]) * k.mean;
            square[i] += (slope * slope - square[i]) * k.square;
            p[i] -= mean[i] / (root(square[i]) + k.eps) * k.size;
        }
    }
}

template <class T>
constexpr OptimizeLoops<T> loops() {
    return {
        .adam = adam<T>,
        .amsgrad = amsgrad<T>,
        .sgd = sgd<T>,
        .heavy_sgd = heavy_sgd<T>,
        .rms = rms<T>,
        .heavy_rms = heavy_rms<T>,
        .centered_rms = centered_rms<T>,
        .heavy_centered_rms = heavy_centered_rms<T>,
        .adagrad = adagrad<T>,
        .adadelta = adadelta<T>,
        .adamax = adamax<T>,
        .nadam = nadam<T>,
        .radam = radam<T>,
        .rprop = rprop<T>,
        .asgd = asgd<T>,
        .sparse_adam = sparse_adam<T>,
    };
}

}  // namespace
}  // namespace LAMPAS_PATH

const OptimizeKernels LAMPAS_PATH_OF(optimize) = {LAMPAS_PATH::loops<float>(),
                                                  LAMPAS_PATH::loops<double>()};

}  // namespace lampas
