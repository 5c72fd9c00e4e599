#include "kernels/activation.hpp"
#include "kernels/map.hpp"
#include "kernels/unary.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

template <class V> LAMPAS_INLINE V sigmoid_backward_of(V g, V y) { return g * (y * (1.0f - y)); }
template <class V> LAMPAS_INLINE V tanh_backward_of(V g, V y) { return g * (1.0f - y * y); }
template <class V> LAMPAS_INLINE V hardswish_backward_of(V g, V x) {
    const V edge = x <= -3.0f ? V{} : V{} + 1;
    return g * (absolute(x) < 3.0f ? x / 3.0f + 0.5f : edge);
}
template <class V> LAMPAS_INLINE V silu_backward_of(V g, V x) { return g * silu_slope(x); }
template <class V> LAMPAS_INLINE V mish_backward_of(V g, V x) { return g * mish_slope(x); }
template <class V> LAMPAS_INLINE V gelu_backward_of(V g, V x) { return g * gelu_slope(x); }
template <class V> LAMPAS_INLINE V gelu_tanh_backward_of(V g, V x) {
    return g * gelu_tanh_slope(x);
}
template <class V> LAMPAS_INLINE V logsigmoid_backward_of(V g, V x) { return g * sigmoid(-x); }

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
template <class T> struct elu_backward {
    vec<T> below, scale, rate;
    explicit elu_backward(const double* n)
        : below(all<T>(static_cast<T>(n[0] * n[1] * n[2]))),
          scale(all<T>(static_cast<T>(n[1]))),
          rate(all<T>(static_cast<T>(n[2]))) {}
    LAMPAS_INLINE vec<T> operator()(vec<T> g, vec<T> x) const {
        return g * (x <= 0 ? exp(x * rate) * below : scale);
    }
};
template <class T> struct softplus_backward {
    vec<T> beta, limit;
    explicit softplus_backward(const double* n)
        : beta(all<T>(static_cast<T>(n[0]))), limit(all<T>(static_cast<T>(n[1]))) {}
    LAMPAS_INLINE vec<T> operator()(vec<T> g, vec<T> x) const {
        const vec<T> scaled = x * beta;
        return scaled > limit ? g : g * sigmoid(scaled);
    }
};

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

#define LOOP(T, name)                                                                        \
    [](const void* g, const void* x, void* y, long count, bool one_g, bool one_x,            \
       const double*) {                                                                      \
        map2<T>(static_cast<const T*>(g), static_cast<const T*>(x), static_cast<T*>(y),      \
                count, one_g, one_x, [](vec<T> p, vec<T> q) { return name##_of(p, q); });    \
    },
#define F32(name) LOOP(float, name)
#define F64(name) LOOP(double, name)
#define NUMBERED(T)                                                                          \
    loop_with<T, gate<T>>, loop_with<T, leaky_relu_backward<T>>,                             \
        loop_with<T, elu_backward<T>>, loop_with<T, softplus_backward<T>>

const SlopeKernels LAMPAS_PATH_OF(slope) = {
    {LAMPAS_SLOPE(F32) NUMBERED(float)},
    {LAMPAS_SLOPE(F64) NUMBERED(double)},
};

}  // namespace lampas
