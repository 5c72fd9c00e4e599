#include "kernels/lbfgs.hpp"

#include "kernels/map.hpp"
#include "kernels/totals.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

LAMPAS_INLINE void add_products(f64v a, f64v b, f64v* sum) { *sum += a * b; }
LAMPAS_INLINE void add_products(f32v a, f32v b, f64v* sum) {
    half_f32v x[2], y[2];
    std::memcpy(x, &a, sizeof x);
    std::memcpy(y, &b, sizeof y);
    for (int i = 0; i < 2; ++i) {
        sum[i] += __builtin_convertvector(x[i], f64v) * __builtin_convertvector(y[i], f64v);
    }
}

// q[i] = make(i) and the sum of next * q, in an order that the count alone decides.
template <class T, class Make, class Part>
LAMPAS_INLINE double pass(T* q, const T* next, long count, Make make, Part part) {
    constexpr long W = lanes<T>;
    f64v sum[4] = {};
    long i = 0;
    for (; i + 2 * W <= count; i += 2 * W) {
        const vec<T> a = make(i), b = make(i + W);
        add_products(a, load(next + i), sum);
        add_products(b, load(next + i + W), sum + 2);
        store<T>(q + i, a);
        store<T>(q + i + W, b);
    }
    if (i + W <= count) {
        const vec<T> a = make(i);
        add_products(a, load(next + i), sum);
        store<T>(q + i, a);
        i += W;
    }
    if (i < count) {
        const int rest = static_cast<int>(count - i);
        // What an infinite factor makes of the zeros behind the last lane is left out.
        const vec<T> a = first_of<T>(part(i, rest), rest);
        add_products(a, load_part(next + i, rest), sum + 2);
        store_part<T>(q + i, a, rest);
    }
    return sum_of<double>((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

template <class T>
double begin(T* q, const T* g, const T* next, long count) {
    return pass<T>(
        q, next, count, [=](long i) { return -load(g + i); },
        [=](long i, int rest) { return -load_part(g + i, rest); });
}

template <class T>
double step(T* q, const T* x, T by, const T* next, long count) {
    return pass<T>(
        q, next, count, [=](long i) { return load(q + i) + load(x + i) * by; },
        [=](long i, int rest) { return load_part(q + i, rest) + load_part(x + i, rest) * by; });
}

template <class T>
double turn(T* q, const T* x, T by, T scale, long count) {
    return pass<T>(
        q, x, count, [=](long i) { return (load(q + i) + load(x + i) * by) * scale; },
        [=](long i, int rest) {
            return (load_part(q + i, rest) + load_part(x + i, rest) * by) * scale;
        });
}

template <class T>
void end(T* q, const T* x, T by, long count) {
    map2<T>(Many<T>{q}, Many<T>{x}, q, count, [=](vec<T> a, vec<T> b) { return a + b * by; });
}

template <class T>
void pair(const T* g, const T* before, const T* d, T length, T* y, T* s, long count,
          double* sums) {
    constexpr long W = lanes<T>;
    f64v along[2] = {}, square[2] = {};
    long i = 0;
    for (; i + W <= count; i += W) {
        const vec<T> a = load(g + i) - load(before + i), b = load(d + i) * length;
        add_products(a, b, along);
        add_products(a, a, square);
        store<T>(y + i, a);
        store<T>(s + i, b);
    }
    if (i < count) {
        const int rest = static_cast<int>(count - i);
        const vec<T> a = load_part(g + i, rest) - load_part(before + i, rest);
        const vec<T> b = first_of<T>(load_part(d + i, rest) * length, rest);
        add_products(a, b, along);
        add_products(a, a, square);
        store_part<T>(y + i, a, rest);
        store_part<T>(s + i, b, rest);
    }
    sums[0] = sum_of<double>(along[0] + along[1]);
    sums[1] = sum_of<double>(square[0] + square[1]);
}

template <class T>
constexpr LbfgsLoops<T> loops() {
    return {begin<T>, step<T>, turn<T>, end<T>, pair<T>};
}

}  // namespace
}  // namespace LAMPAS_PATH

const LbfgsKernels LAMPAS_PATH_OF(lbfgs) = {LAMPAS_PATH::loops<float>(),
                                            LAMPAS_PATH::loops<double>()};

}  // namespace lampas
