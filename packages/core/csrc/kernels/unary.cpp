#include "kernels/unary.hpp"

#include "kernels/activation.hpp"
#include "kernels/past.hpp"

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
template <class V> LAMPAS_INLINE V abs_of(V x) { return absolute(x); }
template <class V> LAMPAS_INLINE V sqrt_of(V x) { return root(x); }
template <class V> LAMPAS_INLINE V exp_of(V x) { return exp(x); }
template <class V> LAMPAS_INLINE V expm1_of(V x) { return expm1(x); }
template <class V> LAMPAS_INLINE V log_of(V x) { return log(x); }
template <class V> LAMPAS_INLINE V log1p_of(V x) { return log1p(x); }
template <class V> LAMPAS_INLINE V tanh_of(V x) { return tanh(x); }
template <class V> LAMPAS_INLINE V sigmoid_of(V x) { return sigmoid(x); }
template <class V> LAMPAS_INLINE V erf_of(V x) { return erf(x); }
template <class V> LAMPAS_INLINE V silu_of(V x) { return silu(x); }
template <class V> LAMPAS_INLINE V mish_of(V x) { return mish(x); }
template <class V> LAMPAS_INLINE V gelu_of(V x) { return gelu(x); }
template <class V> LAMPAS_INLINE V gelu_tanh_of(V x) { return gelu_tanh(x); }
template <class V> LAMPAS_INLINE V logsigmoid_of(V x) { return -softplus(-x); }

// Beyond these, angles are left to the C library.
LAMPAS_INLINE float widest(f32v) { return WIDE; }
LAMPAS_INLINE double widest(f64v) { return WIDE_D; }
LAMPAS_INLINE float sine_of(float x) { return __builtin_sinf(x); }
LAMPAS_INLINE double sine_of(double x) { return __builtin_sin(x); }
LAMPAS_INLINE float cosine_of(float x) { return __builtin_cosf(x); }
LAMPAS_INLINE double cosine_of(double x) { return __builtin_cos(x); }

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
template <class T> struct elu {
    vec<T> below, scale, rate;
    explicit elu(const double* n)
        : below(all<T>(static_cast<T>(n[0] * n[1]))),
          scale(all<T>(static_cast<T>(n[1]))),
          rate(all<T>(static_cast<T>(n[2]))) {}
    LAMPAS_INLINE vec<T> operator()(vec<T> x) const {
        return x > 0 ? x * scale : expm1(x * rate) * below;
    }
};
template <class T> struct softplus_op {
    vec<T> beta, limit;
    explicit softplus_op(const double* n)
        : beta(all<T>(static_cast<T>(n[0]))), limit(all<T>(static_cast<T>(n[1]))) {}
    LAMPAS_INLINE vec<T> operator()(vec<T> x) const {
        const vec<T> scaled = x * beta;
        return scaled > limit ? x : softplus(scaled) / beta;
    }
};

// sin, and cos a quadrant further on.
template <class T, int QUADRANTS>
LAMPAS_INLINE vec<T> angle_of(vec<T> x) {
    const vec<T> y = sine(x, QUADRANTS);
    return QUADRANTS == 0 ? (x == 0 ? x : y) : y;
}

// Beyond the limit, angles are left to the C library, one by one: in a loop of its own, as
// the loop around a call keeps no constants in registers.
template <class T, int QUADRANTS>
void angles(const void* x, void* y, long count, const double*) {
    constexpr long BLOCK = 1024;
    for (long first = 0; first < count; first += BLOCK) {
        const T* from = static_cast<const T*>(x) + first;
        T* to = static_cast<T*>(y) + first;
        const long size = count - first < BLOCK ? count - first : BLOCK;
        const auto far = [](vec<T> v) { return absolute(v) > widest(v); };
        if (!any_in(from, size, far)) {
            map<T>(from, to, size, [](vec<T> v) { return angle_of<T, QUADRANTS>(v); });
            continue;
        }
        map<T>(from, to, size, [&](vec<T> v) {
            return one_by_one(angle_of<T, QUADRANTS>(v), v, far(v), [](T angle) {
                return QUADRANTS == 0 ? sine_of(angle) : cosine_of(angle);
            });
        });
    }
}

// The same past the caches; arrays with an angle beyond the limit are computed once more.
template <int QUADRANTS>
void angles_past(const void* x, void* y, long count, const double* numbers) {
    const float* from = static_cast<const float*>(x);
    auto far = absolute(f32v{}) > widest(f32v{});
    map_past<float>(from, static_cast<float*>(y), count, [&](f32v v) {
        far |= absolute(v) > widest(v);
        return angle_of<float, QUADRANTS>(v);
    });
    if (any_of(far)) angles<float, QUADRANTS>(x, y, count, numbers);
}

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
#define F64(name) LOOP(double, name)
#define PAST_F32(name)                                                           \
    [](const void* x, void* y, long count, const double*) {                      \
        map_past<float>(static_cast<const float*>(x), static_cast<float*>(y), count, \
                        [](f32v v) { return name##_of(v); });                    \
    },
#define NUMBERED(T)                                                                     \
    loop_with<T, leaky_relu<T>>, loop_with<T, elu<T>>, loop_with<T, softplus_op<T>>,    \
        loop_with<T, hardtanh<T>>, loop_with<T, clamp<T>>, loop_with<T, threshold<T>>,  \
        loop_with<T, hardshrink<T>>, loop_with<T, softshrink<T>>, power<T>

const UnaryKernels LAMPAS_PATH_OF(unary) = {
    {LAMPAS_UNARY(F32) angles<float, 0>, angles<float, 1>, NUMBERED(float)},
    {LAMPAS_UNARY(F64) angles<double, 0>, angles<double, 1>, NUMBERED(double)},
    {LAMPAS_UNARY(PAST_F32) angles_past<0>, angles_past<1>},
};

}  // namespace lampas
