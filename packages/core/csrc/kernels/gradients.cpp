#include "kernels/gradients.hpp"

#include "kernels/map.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

constexpr int WIDE = lanes<double>;

LAMPAS_INLINE f64v size_of(f64v x) {
    return bits_of<f64v>(bits_of<i64v>(x) & 0x7fffffffffffffff);
}
LAMPAS_INLINE double size_of(double x) { return __builtin_fabs(x); }

// term(x) added up in four chains, whose order the count alone decides.
template <class T, class Term>
LAMPAS_INLINE double sum(const T* x, long count, Term term) {
    f64v a = {}, b = {}, c = {}, d = {};
    long i = 0;
    for (; i + 4 * WIDE <= count; i += 4 * WIDE) {
        a += term(load_wide(x + i));
        b += term(load_wide(x + i + WIDE));
        c += term(load_wide(x + i + 2 * WIDE));
        d += term(load_wide(x + i + 3 * WIDE));
    }
    double rest = sum_of<double>((a + b) + (c + d));
    for (; i < count; ++i) rest += term(static_cast<double>(x[i]));
    return rest;
}

template <class T>
double squares(const T* x, long count) {
    return sum(x, count, [](auto v) { return v * v; });
}

template <class T>
double sizes(const T* x, long count) {
    return sum(x, count, [](auto v) { return size_of(v); });
}

template <class T>
double largest(const T* x, long count) {
    f64v a = {}, b = {};
    long i = 0;
    for (; i + 2 * WIDE <= count; i += 2 * WIDE) {
        a = maximum(a, size_of(load_wide(x + i)));
        b = maximum(b, size_of(load_wide(x + i + WIDE)));
    }
    double most = max_of<double>(maximum(a, b));
    for (; i < count; ++i) {
        const double size = size_of(static_cast<double>(x[i]));
        if (size > most || size != size) most = size;
    }
    return most;
}

template <class T>
void scale(T* x, long count, double factor) {
    const T by = static_cast<T>(factor);
    for (long i = 0; i < count; ++i) x[i] *= by;
}

// Zero times a number that is finite is zero; times any other it is NaN.
template <class T>
bool unscale(T* x, long count, double factor) {
    const vec<T> by = all(static_cast<T>(factor));
    constexpr long W = lanes<T>;
    vec<T> faults = {};
    long i = 0;
    for (; i + W <= count; i += W) {
        const vec<T> y = load(x + i) * by;
        store<T>(x + i, y);
        faults += y * static_cast<T>(0);
    }
    if (i < count) {
        const int rest = static_cast<int>(count - i);
        const vec<T> y = load_part(x + i, rest) * by;
        store_part<T>(x + i, y, rest);
        faults += y * static_cast<T>(0);
    }
    return sum_of<T>(faults) == static_cast<T>(0);
}

template <class T>
void clamp(T* x, long count, double limit) {
    const T most = static_cast<T>(limit);
    for (long i = 0; i < count; ++i) {
        const T v = x[i] < -most ? -most : x[i];
        x[i] = v > most ? most : v;
    }
}

template <class T>
void add(T* x, const T* more, long count) {
    map2<T>(Many<T>{x}, Many<T>{more}, x, count, [](auto a, auto b) { return a + b; });
}

template <class T>
void mix(T* x, const T* other, long count, double weight) {
    const T by = static_cast<T>(weight);
    map2<T>(Many<T>{x}, Many<T>{other}, x, count,
            [by](auto a, auto b) { return a + (b - a) * by; });
}

template <class T>
constexpr GradientLoops<T> loops() {
    return {squares<T>, sizes<T>, largest<T>, scale<T>, unscale<T>, clamp<T>, add<T>, mix<T>};
}

}  // namespace
}  // namespace LAMPAS_PATH

const GradientKernels LAMPAS_PATH_OF(gradients) = {LAMPAS_PATH::loops<float>(),
                                                   LAMPAS_PATH::loops<double>()};

}  // namespace lampas
