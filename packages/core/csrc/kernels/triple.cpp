#include "kernels/triple.hpp"

#include "kernels/activation.hpp"
#include "kernels/map.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

// What needs no numbers.
struct bare {
    explicit bare(const double*) {}
};

template <class T> struct clamp_between : bare {
    using bare::bare;
    LAMPAS_INLINE vec<T> operator()(vec<T> x, vec<T> low, vec<T> high) const {
        return minimum(maximum(x, low), high);
    }
};
template <class T> struct lerp : bare {
    using bare::bare;
    LAMPAS_INLINE vec<T> operator()(vec<T> x, vec<T> end, vec<T> weight) const {
        return x + weight * (end - x);
    }
};
template <class T> struct addcmul {
    vec<T> value;
    explicit addcmul(const double* n) : value(all<T>(static_cast<T>(n[0]))) {}
    LAMPAS_INLINE vec<T> operator()(vec<T> x, vec<T> a, vec<T> b) const {
        return x + value * (a * b);
    }
};
template <class T> struct addcdiv {
    vec<T> value;
    explicit addcdiv(const double* n) : value(all<T>(static_cast<T>(n[0]))) {}
    LAMPAS_INLINE vec<T> operator()(vec<T> x, vec<T> a, vec<T> b) const {
        return x + value * (a / b);
    }
};
template <class T> struct prelu : bare {
    using bare::bare;
    LAMPAS_INLINE vec<T> operator()(vec<T> x, vec<T> weight, vec<T>) const {
        return x > 0 ? x : x * weight;
    }
};
template <class T> struct prelu_backward : bare {
    using bare::bare;
    LAMPAS_INLINE vec<T> operator()(vec<T> g, vec<T> x, vec<T> weight) const {
        return x > 0 ? g : g * weight;
    }
};
template <class T> struct huber {
    vec<T> delta, slope, half_bend, half_delta;
    explicit huber(const double* n)
        : delta(all<T>(static_cast<T>(n[0]))),
          slope(all<T>(static_cast<T>(n[1]))),
          half_bend(all<T>(static_cast<T>(0.5 * n[1] / n[0]))),
          half_delta(all<T>(static_cast<T>(0.5 * n[0]))) {}
    LAMPAS_INLINE vec<T> operator()(vec<T> x, vec<T> target, vec<T>) const {
        const vec<T> gap = x - target, size = absolute(gap);
        return size < delta ? half_bend * gap * gap : slope * (size - half_delta);
    }
};
template <class T> struct huber_backward {
    vec<T> bend, slope;
    explicit huber_backward(const double* n)
        : bend(all<T>(static_cast<T>(n[1] / n[0]))), slope(all<T>(static_cast<T>(n[1]))) {}
    LAMPAS_INLINE vec<T> operator()(vec<T> g, vec<T> x, vec<T> target) const {
        return g * clip(bend * (x - target), -slope, slope);
    }
};

template <class T, class F>
void loop_with(const char* const* from, void* y, long count, const bool* one,
               const double* numbers) {
    map3<T>(from, one, static_cast<T*>(y), count, F(numbers));
}

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

#define F32(name) loop_with<float, name<float>>,
#define F64(name) loop_with<double, name<double>>,

const TripleKernels LAMPAS_PATH_OF(triple) = {{LAMPAS_TRIPLE(F32)}, {LAMPAS_TRIPLE(F64)}};

}  // namespace lampas
