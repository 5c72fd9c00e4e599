#include "kernels/activation.hpp"
#include "kernels/map.hpp"
#include "kernels/unary.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

LAMPAS_INLINE f32v sigmoid_backward_of(f32v g, f32v y) { return g * (y * (1.0f - y)); }
LAMPAS_INLINE f32v tanh_backward_of(f32v g, f32v y) { return g * (1.0f - y * y); }
LAMPAS_INLINE f32v hardswish_backward_of(f32v g, f32v x) {
    const f32v edge = x <= -3.0f ? f32v{} : all(1.0f);
    return g * (absolute(x) < 3.0f ? x / 3.0f + 0.5f : edge);
}
LAMPAS_INLINE f32v silu_backward_of(f32v g, f32v x) { return g * silu_slope(x); }
LAMPAS_INLINE f32v mish_backward_of(f32v g, f32v x) { return g * mish_slope(x); }
LAMPAS_INLINE f32v gelu_backward_of(f32v g, f32v x) { return g * gelu_slope(x); }
LAMPAS_INLINE f32v gelu_tanh_backward_of(f32v g, f32v x) { return g * gelu_tanh_slope(x); }
LAMPAS_INLINE f32v logsigmoid_backward_of(f32v g, f32v x) { return g * sigmoid(-x); }

template <class T, class F>
void loop_with(const void* g, const void* x, void* y, long count, bool one_g, bool one_x,
               const double* numbers) {
    map2<T>(static_cast<const T*>(g), static_cast<const T*>(x), static_cast<T*>(y), count, one_g,
            one_x, F(numbers));
}

// An absent limit is NaN, with which every comparison is false.
template <class T> struct gate {
    vec<T> low, high;
    explicit gate(const double* n)
        : low(all<T>(static_cast<T>(n[0]))), high(all<T>(static_cast<T>(n[1]))) {}
    LAMPAS_INLINE vec<T> operator()(vec<T> g, vec<T> x) const {
        return (x <= low) | (x >= high) ? vec<T>{} : g;
    }
};
template <class T> struct leaky_relu_backward {
    vec<T> slope;
    explicit leaky_relu_backward(const double* n) : slope(all<T>(static_cast<T>(n[0]))) {}
    LAMPAS_INLINE vec<T> operator()(vec<T> g, vec<T> x) const { return x > 0 ? g : g * slope; }
};
struct elu_backward {
    f32v below, scale, rate;
    explicit elu_backward(const double* n)
        : below(all(static_cast<float>(n[0] * n[1] * n[2]))),
          scale(all(static_cast<float>(n[1]))),
          rate(all(static_cast<float>(n[2]))) {}
    LAMPAS_INLINE f32v operator()(f32v g, f32v x) const {
        return g * (x <= 0.0f ? exp(x * rate) * below : scale);
    }
};
struct softplus_backward {
    f32v beta, limit;
    explicit softplus_backward(const double* n)
        : beta(all(static_cast<float>(n[0]))), limit(all(static_cast<float>(n[1]))) {}
    LAMPAS_INLINE f32v operator()(f32v g, f32v x) const {
        const f32v scaled = x * beta;
        return scaled > limit ? g : g * sigmoid(scaled);
    }
};

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

#define LOOP(name)                                                                           \
    [](const void* g, const void* x, void* y, long count, bool one_g, bool one_x,            \
       const double*) {                                                                      \
        map2<float>(static_cast<const float*>(g), static_cast<const float*>(x),              \
                    static_cast<float*>(y), count, one_g, one_x,                             \
                    [](f32v p, f32v q) { return name##_of(p, q); });                         \
    },

const SlopeKernels LAMPAS_PATH_OF(slope) = {
    {LAMPAS_SLOPE(LOOP) loop_with<float, gate<float>>,
     loop_with<float, leaky_relu_backward<float>>, loop_with<float, elu_backward>,
     loop_with<float, softplus_backward>},
    {nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
     loop_with<double, gate<double>>, loop_with<double, leaky_relu_backward<double>>, nullptr,
     nullptr},
};

}  // namespace lampas
