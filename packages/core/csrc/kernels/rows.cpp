#include "kernels/rows.hpp"

#include "kernels/double.hpp"
#include "kernels/map.hpp"
#include "kernels/totals.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

template <class T>
LAMPAS_INLINE T largest(const T* x, long size) {
    return extreme<T>(x, size, [](vec<T> a, vec<T> b) { return larger(a, b); });
}

// sum exp(x - top)
template <class T>
LAMPAS_INLINE double sum_of_exp(const T* x, long size, T top) {
    return total<T>(
        size, [&](long i) { return exp_normal(load(x + i) - top); },
        [&](long i, int rest) { return exp_normal(load_part(x + i, rest) - top); });
}

template <class T>
void softmax(const T* x, T* y, long first, long last, long size) {
    for (long row = first; row < last; ++row) {
        const T* from = x + row * size;
        T* to = y + row * size;
        // Of a NaN the largest may not tell, but the sum does; -inf alone gives NaN too.
        const T top = largest(from, size);
        const double sum = total<T>(
            size,
            [&](long i) {
                const vec<T> e = exp_normal(load(from + i) - top);
                store<T>(to + i, e);
                return e;
            },
            [&](long i, int rest) {
                const vec<T> e = exp_normal(load_part(from + i, rest) - top);
                store_part<T>(to + i, e, rest);
                return e;
            });
        const vec<T> factor = all(static_cast<T>(1.0 / sum));
        map<T>(to, to, size, [&](vec<T> e) { return e * factor; });
    }
}

template <class T>
void log_softmax(const T* x, T* y, long first, long last, long size) {
    for (long row = first; row < last; ++row) {
        const T* from = x + row * size;
        const vec<T> top = all(largest(from, size));
        const double sum = sum_of_exp(from, size, top[0]);
        const vec<T> shift = all(static_cast<T>(__builtin_log(sum)));
        map<T>(from, y + row * size, size, [&](vec<T> v) { return (v - top) - shift; });
    }
}

template <class T>
void logsumexp(const T* x, T* y, long first, long last, long size) {
    for (long row = first; row < last; ++row) {
        const T* from = x + row * size;
        T top = largest(from, size);
        if (!(top - top == 0)) top = 0;
        y[row] = static_cast<T>(__builtin_log(sum_of_exp(from, size, top)) + top);
    }
}

template <class T, class G>
LAMPAS_INLINE void softmax_back(G g, const T* y, T* dx, long size) {
    const double sum = total<T>(
        size, [&](long i) { return g.at(i) * load(y + i); },
        [&](long i, int rest) { return g.part(i, rest) * load_part(y + i, rest); });
    const vec<T> inner = all(static_cast<T>(sum));
    map2<T>(g, Many<T>{y}, dx, size, [&](vec<T> d, vec<T> p) { return p * (d - inner); });
}

template <class T, class G>
LAMPAS_INLINE void log_softmax_back(G g, const T* y, T* dx, long size) {
    const double sum = total<T>(
        size, [&](long i) { return g.at(i); }, [&](long i, int rest) { return g.part(i, rest); });
    const vec<T> share = all(static_cast<T>(sum));
    map2<T>(g, Many<T>{y}, dx, size,
            [&](vec<T> d, vec<T> p) { return d - exp_normal(p) * share; });
}

template <class T>
void softmax_backward(const T* g, const T* y, T* dx, long first, long last, long size, bool one) {
    for (long row = first; row < last; ++row) {
        const long at = row * size;
        if (one) {
            softmax_back(One<T>{all(*g)}, y + at, dx + at, size);
        } else {
            softmax_back(Many<T>{g + at}, y + at, dx + at, size);
        }
    }
}

template <class T>
void log_softmax_backward(const T* g, const T* y, T* dx, long first, long last, long size,
                          bool one) {
    for (long row = first; row < last; ++row) {
        const long at = row * size;
        if (one) {
            log_softmax_back(One<T>{all(*g)}, y + at, dx + at, size);
        } else {
            log_softmax_back(Many<T>{g + at}, y + at, dx + at, size);
        }
    }
}

template <class T>
void cross_entropy(const T* x, const EntropyTerms<T>& terms, T* loss, T* lse, long first,
                   long last, long size) {
    for (long row = first; row < last; ++row) {
        const T* from = x + row * size;
        const T top = largest(from, size);
        const double sum = sum_of_exp(from, size, top);
        lse[row] = static_cast<T>(__builtin_log(sum)) + top;
        const T picked = from[terms.target[row]] * terms.peak[row * terms.peak_step];
        const T of_row = lse[row] * terms.total[row * terms.total_step] - picked;
        // Scores of ignored rows may be infinite.
        loss[row] = terms.valid == nullptr || terms.valid[row] ? of_row : T{};
    }
}

template <class T>
void cross_entropy_backward(const T* g, long g_step, const T* x, const T* lse,
                            const EntropyTerms<T>& terms, T* dx, long first, long last,
                            long size) {
    for (long row = first; row < last; ++row) {
        T* to = dx + row * size;
        if (terms.valid != nullptr && !terms.valid[row]) {
            const T nothing = 0 * g[row * g_step];
            for (long i = 0; i < size; ++i) to[i] = nothing;
            continue;
        }
        const vec<T> shift = all(lse[row]);
        const T factor = g[row * g_step];
        const vec<T> scale = all(terms.total[row * terms.total_step] * factor);
        map<T>(x + row * size, to, size,
                   [&](vec<T> v) { return exp_normal(v - shift) * scale; });
        to[terms.target[row]] -= terms.peak[row * terms.peak_step] * factor;
    }
}

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

#define LAMPAS_ROWS_OF(T)                                             \
    {softmax<T>,          log_softmax<T>,          logsumexp<T>,      \
     softmax_backward<T>, log_softmax_backward<T>, cross_entropy<T>,  \
     cross_entropy_backward<T>}

const RowKernels LAMPAS_PATH_OF(rows) = {
    LAMPAS_ROWS_OF(float),
    LAMPAS_ROWS_OF(double),
};

}  // namespace lampas
