#include "kernels/rows.hpp"

#include "kernels/map.hpp"
#include "kernels/math.hpp"
#include "kernels/totals.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

LAMPAS_INLINE float largest(const float* x, long size) {
    return extreme<float>(x, size, [](f32v a, f32v b) { return larger(a, b); });
}

// sum exp(x - top)
LAMPAS_INLINE double sum_of_exp(const float* x, long size, float top) {
    return total<float>(
        size, [&](long i) { return exp_normal(load(x + i) - top); },
        [&](long i, int rest) { return exp_normal(load_part(x + i, rest) - top); });
}

void softmax(const float* x, float* y, long first, long last, long size) {
    for (long row = first; row < last; ++row) {
        const float* from = x + row * size;
        float* to = y + row * size;
        // Of a NaN the largest may not tell, but the sum does; -inf alone gives NaN too.
        const float top = largest(from, size);
        const double sum = total<float>(
            size,
            [&](long i) {
                const f32v e = exp_normal(load(from + i) - top);
                store<float>(to + i, e);
                return e;
            },
            [&](long i, int rest) {
                const f32v e = exp_normal(load_part(from + i, rest) - top);
                store_part<float>(to + i, e, rest);
                return e;
            });
        const f32v factor = all(static_cast<float>(1.0 / sum));
        map<float>(to, to, size, [&](f32v e) { return e * factor; });
    }
}

void log_softmax(const float* x, float* y, long first, long last, long size) {
    for (long row = first; row < last; ++row) {
        const float* from = x + row * size;
        const f32v top = all(largest(from, size));
        const double sum = sum_of_exp(from, size, top[0]);
        const f32v shift = all(static_cast<float>(__builtin_log(sum)));
        map<float>(from, y + row * size, size, [&](f32v v) { return (v - top) - shift; });
    }
}

void logsumexp(const float* x, float* y, long first, long last, long size) {
    for (long row = first; row < last; ++row) {
        const float* from = x + row * size;
        float top = largest(from, size);
        if (!(top - top == 0.0f)) top = 0.0f;
        y[row] = static_cast<float>(__builtin_log(sum_of_exp(from, size, top)) + top);
    }
}

template <class G>
LAMPAS_INLINE void softmax_back(G g, const float* y, float* dx, long size) {
    const double sum = total<float>(
        size, [&](long i) { return g.at(i) * load(y + i); },
        [&](long i, int rest) { return g.part(i, rest) * load_part(y + i, rest); });
    const f32v inner = all(static_cast<float>(sum));
    map2<float>(g, Many<float>{y}, dx, size, [&](f32v d, f32v p) { return p * (d - inner); });
}

template <class G>
LAMPAS_INLINE void log_softmax_back(G g, const float* y, float* dx, long size) {
    const double sum = total<float>(
        size, [&](long i) { return g.at(i); }, [&](long i, int rest) { return g.part(i, rest); });
    const f32v share = all(static_cast<float>(sum));
    map2<float>(g, Many<float>{y}, dx, size,
                [&](f32v d, f32v p) { return d - exp_normal(p) * share; });
}

void softmax_backward(const float* g, const float* y, float* dx, long first, long last, long size,
                      bool one) {
    for (long row = first; row < last; ++row) {
        const long at = row * size;
        if (one) {
            softmax_back(One<float>{all(*g)}, y + at, dx + at, size);
        } else {
            softmax_back(Many<float>{g + at}, y + at, dx + at, size);
        }
    }
}

void log_softmax_backward(const float* g, const float* y, float* dx, long first, long last,
                          long size, bool one) {
    for (long row = first; row < last; ++row) {
        const long at = row * size;
        if (one) {
            log_softmax_back(One<float>{all(*g)}, y + at, dx + at, size);
        } else {
            log_softmax_back(Many<float>{g + at}, y + at, dx + at, size);
        }
    }
}

void cross_entropy(const float* x, const EntropyTerms& terms, float* loss, float* lse, long first,
                   long last, long size) {
    for (long row = first; row < last; ++row) {
        const float* from = x + row * size;
        const float top = largest(from, size);
        const double sum = sum_of_exp(from, size, top);
        lse[row] = static_cast<float>(__builtin_log(sum)) + top;
        const float picked = from[terms.target[row]] * terms.peak[row * terms.peak_step];
        const float of_row = lse[row] * terms.total[row * terms.total_step] - picked;
        // Scores of ignored rows may be infinite.
        loss[row] = terms.valid == nullptr || terms.valid[row] ? of_row : 0.0f;
    }
}

void cross_entropy_backward(const float* g, long g_step, const float* x, const float* lse,
                            const EntropyTerms& terms, float* dx, long first, long last,
                            long size) {
    for (long row = first; row < last; ++row) {
        float* to = dx + row * size;
        if (terms.valid != nullptr && !terms.valid[row]) {
            const float nothing = 0.0f * g[row * g_step];
            for (long i = 0; i < size; ++i) to[i] = nothing;
            continue;
        }
        const f32v shift = all(lse[row]);
        const float factor = g[row * g_step];
        const f32v scale = all(terms.total[row * terms.total_step] * factor);
        map<float>(x + row * size, to, size,
                   [&](f32v v) { return exp_normal(v - shift) * scale; });
        to[terms.target[row]] -= terms.peak[row * terms.peak_step] * factor;
    }
}

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

const RowKernels LAMPAS_PATH_OF(rows) = {
    softmax,
    log_softmax,
    logsumexp,
    softmax_backward,
    log_softmax_backward,
    cross_entropy,
    cross_entropy_backward,
};

}  // namespace lampas
