#include "kernels/unary.hpp"

#include "kernels/activation.hpp"
#include "kernels/map.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

template <class V> LAMPAS_INLINE V neg_of(V x) { return -x; }
template <class V> LAMPAS_INLINE V square_of(V x) { return x * x; }
template <class V> LAMPAS_INLINE V reciprocal_of(V x) { return 1 / x; }
template <class V> LAMPAS_INLINE V rsqrt_of(V x) { return 1 / root(x); }
template <class V> LAMPAS_INLINE V relu_of(V x) { return relu(x); }
template <class V> LAMPAS_INLINE V sgn_of(V x) {
    return x > 0 ? V{} + 1 : (x < 0 ? V{} - 1 : V{});
}
template <class V> LAMPAS_INLINE V hardsigmoid_of(V x) { return clip(x + 3, V{}, V{} + 6) / 6; }
template <class V> LAMPAS_INLINE V hardswish_of(V x) { return x * hardsigmoid_of(x); }
LAMPAS_INLINE f32v abs_of(f32v x) { return absolute(x); }
LAMPAS_INLINE f64v abs_of(f64v x) { return bits_of<f64v>(bits_of<i64v>(x) & 0x7fffffffffffffff); }
template <class V> LAMPAS_INLINE V sqrt_of(V x) { return root(x); }
LAMPAS_INLINE f32v exp_of(f32v x) { return exp(x); }
LAMPAS_INLINE f32v expm1_of(f32v x) { return expm1(x); }
LAMPAS_INLINE f32v log_of(f32v x) { return log(x); }
LAMPAS_INLINE f32v log1p_of(f32v x) { return log1p(x); }
LAMPAS_INLINE f32v tanh_of(f32v x) { return tanh(x); }
LAMPAS_INLINE f32v sigmoid_of(f32v x) { return sigmoid(x); }
LAMPAS_INLINE f32v erf_of(f32v x) { return erf(x); }
LAMPAS_INLINE f32v silu_of(f32v x) { return silu(x); }
LAMPAS_INLINE f32v mish_of(f32v x) { return mish(x); }
LAMPAS_INLINE f32v gelu_of(f32v x) { return gelu(x); }
LAMPAS_INLINE f32v gelu_tanh_of(f32v x) { return gelu_tanh(x); }
LAMPAS_INLINE f32v logsigmoid_of(f32v x) { return -softplus(-x); }

// Beyond WIDE, angles are left to the C library, one by one.
LAMPAS_INLINE f32v sin_of(f32v x) {
    const f32v y = one_by_one(sine(x, 0), x, ~(absolute(x) <= WIDE),
                              [](float v) { return __builtin_sinf(v); });
    return x == 0.0f ? x : y;
}
LAMPAS_INLINE f32v cos_of(f32v x) {
    return one_by_one(sine(x, 1), x, ~(absolute(x) <= WIDE),
                      [](float v) { return __builtin_cosf(v); });
}

// What takes numbers is a structure made from them once for each loop.
template <class T> struct leaky_relu {
    vec<T> slope;
    explicit leaky_relu(const double* n) : slope(all<T>(static_cast<T>(n[0]))) {}
    LAMPAS_INLINE vec<T> operator()(vec<T> x) const { return x > 0 ? x : x * slope; }
};
template <class T> struct hardtanh {
    vec<T> low, high;
    explicit hardtanh(const double* n)
        : low(all<T>(static_cast<T>(n[0]))), high(all<T>(static_cast<T>(n[1]))) {}
    LAMPAS_INLINE vec<T> operator()(vec<T> x) const { return clip(x, low, high); }
};
template <class T> using clamp = hardtanh<T>;
template <class T> struct threshold {
    vec<T> limit, value;
    explicit threshold(const double* n)
        : limit(all<T>(static_cast<T>(n[0]))), value(all<T>(static_cast<T>(n[1]))) {}
    LAMPAS_INLINE vec<T> operator()(vec<T> x) const { return x <= limit ? value : x; }
};
template <class T> struct hardshrink {
    vec<T> limit;
    explicit hardshrink(const double* n) : limit(all<T>(static_cast<T>(n[0]))) {}
    LAMPAS_INLINE vec<T> operator()(vec<T> x) const {
        return (x <= limit) & (x >= -limit) ? vec<T>{} : x;
    }
};
template <class T> struct softshrink {
    vec<T> limit;
    explicit softshrink(const double* n) : limit(all<T>(static_cast<T>(n[0]))) {}
    LAMPAS_INLINE vec<T> operator()(vec<T> x) const { return x - clip(x, -limit, limit); }
};
template <class T> struct elu;
template <> struct elu<float> {
    f32v below, scale, rate;
    explicit elu(const double* n)
        : below(all(static_cast<float>(n[0] * n[1]))),
          scale(all(static_cast<float>(n[1]))),
          rate(all(static_cast<float>(n[2]))) {}
    LAMPAS_INLINE f32v operator()(f32v x) const {
        return x > 0.0f ? x * scale : expm1(x * rate) * below;
    }
};
template <class T> struct softplus_op;
template <> struct softplus_op<float> {
    f32v beta, limit;
    explicit softplus_op(const double* n)
        : beta(all(static_cast<float>(n[0]))), limit(all(static_cast<float>(n[1]))) {}
    LAMPAS_INLINE f32v operator()(f32v x) const {
        const f32v scaled = x * beta;
        return scaled > limit ? x : softplus(scaled) / beta;
    }
};

template <class T, class F>
void loop_with(const void* x, void* y, long count, const double* numbers) {
    map<T>(static_cast<const T*>(x), static_cast<T*>(y), count, F(numbers));
}

// x to a small power by multiplying; the binding asks for no others.
template <class T>
void power(const void* x, void* y, long count, const double* numbers) {
    const T* from = static_cast<const T*>(x);
    T* to = static_cast<T*>(y);
    const int exponent = static_cast<int>(numbers[0]);
    if (numbers[0] == 0.5) {
        map<T>(from, to, count, [](vec<T> v) { return root(v); });
    } else if (exponent == -1) {
        map<T>(from, to, count, [](vec<T> v) { return 1 / v; });
    } else if (exponent == 1) {
        map<T>(from, to, count, [](vec<T> v) { return v; });
    } else if (exponent == 2) {
        map<T>(from, to, count, [](vec<T> v) { return v * v; });
    } else {
        map<T>(from, to, count, [](vec<T> v) { return v * v * v; });
    }
}

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

#define LOOP(T, name)                                                            \
    [](const void* x, void* y, long count, const double*) {                      \
        map<T>(static_cast<const T*>(x), static_cast<T*>(y), count,              \
               [](vec<T> v) { return name##_of(v); });             \
    },
#define F32(name) LOOP(float, name)
#define SIMPLE_F64 \
    LOOP(double, neg) LOOP(double, abs) LOOP(double, square) LOOP(double, sqrt) \
    LOOP(double, rsqrt) LOOP(double, reciprocal) LOOP(double, relu) LOOP(double, sgn) \
    LOOP(double, hardsigmoid) LOOP(double, hardswish)

const UnaryKernels LAMPAS_PATH_OF(unary) = {
    {LAMPAS_UNARY(F32) loop_with<float, leaky_relu<float>>, loop_with<float, elu<float>>,
     loop_with<float, softplus_op<float>>, loop_with<float, hardtanh<float>>,
     loop_with<float, clamp<float>>, loop_with<float, threshold<float>>,
     loop_with<float, hardshrink<float>>, loop_with<float, softshrink<float>>, power<float>},
    {SIMPLE_F64 nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
     nullptr, nullptr, nullptr, nullptr, nullptr, loop_with<double, leaky_relu<double>>, nullptr,
     nullptr, loop_with<double, hardtanh<double>>, loop_with<double, clamp<double>>,
     loop_with<double, threshold<double>>, loop_with<double, hardshrink<double>>,
     loop_with<double, softshrink<double>>, power<double>},
};

}  // namespace lampas
