// Running logarithms of sums of exponentials. Kept are the largest element so far and the
// sum T of the others' shares of it: y = top + log(1 + T). The next element x makes that
// (1 + T) e = T e + e if it is larger, else T + e, with e = exp(-|x - top|).
#include "kernels/log_sums.hpp"

#include "kernels/wide.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

constexpr long BLOCK = 256;  // elements of a run whose steps are known before they are taken

// T becomes T * factor + share.
struct Step {
    f32v factor, share;
};
LAMPAS_INLINE Step step_of(f32v x, f32v top) {
    const f32v away = x == top ? f32v{} : x - top;  // infinities too
    const f32v share = exp(-absolute(away));
    return {away > 0.0f ? share : all(1.0f), share};
}

void run(const float* x, float* y, long count) {
    float top = x[0];
    double total = 0.0;
    y[0] = top;
    for (long i = 1; i < count; i += BLOCK) {
        const long size = count - i < BLOCK ? count - i : BLOCK;
        float tops[BLOCK + 1], factors[BLOCK], shares[BLOCK], totals[BLOCK];
        tops[0] = top;
        for (long k = 0; k < size; ++k) {
            const float v = x[i + k];
            top = v > top || v != v ? v : top;
            tops[k + 1] = top;
        }
        for (long k = 0; k < size; k += LANES) {
            const int lanes = static_cast<int>(size - k < LANES ? size - k : LANES);
            const Step step = step_of(load_part(x + i + k, lanes), load_part(tops + k, lanes));
            store<float>(factors + k, step.factor);
            store<float>(shares + k, step.share);
        }
        for (long k = 0; k < size; ++k) {
            total = total * static_cast<double>(factors[k]) + static_cast<double>(shares[k]);
            totals[k] = static_cast<float>(total);
        }
        for (long k = 0; k < size; k += LANES) {
            const int lanes = static_cast<int>(size - k < LANES ? size - k : LANES);
            const f32v highest = load_part(tops + k + 1, lanes);
            store_part<float>(y + i + k, highest + log1p(load_part(totals + k, lanes)), lanes);
        }
    }
}

void down_f32(const void* source, void* target, long rows, long columns, long pitch, bool) {
    const float* x = static_cast<const float*>(source);
    float* y = static_cast<float*>(target);
    if (pitch == 1) return run(x, y, rows);
    float tops[RUNNING_COLUMNS];
    double totals[RUNNING_COLUMNS + LANES] = {};
    for (long c = 0; c < columns; ++c) tops[c] = y[c] = x[c];
    for (long r = 1; r < rows; ++r) {
        x += pitch;
        y += pitch;
        for (long c = 0; c < columns; c += LANES) {
            const int count = static_cast<int>(columns - c < LANES ? columns - c : LANES);
            const f32v v = load_part(x + c, count), before = load_part(tops + c, count);
            const Step step = step_of(v, before);
            f64v total[2];
            for (int half = 0; half < 2; ++half) {
                double* at = totals + c + half * lanes<double>;
                total[half] = load(at) * widened(step.factor, half) + widened(step.share, half);
                store<double>(at, total[half]);
            }
            const f32v top = maximum(before, v);
            store_part<float>(tops + c, top, count);
            store_part<float>(y + c, top + log1p(narrowed(total[0], total[1])), count);
        }
    }
}

void down_f64(const void* source, void* target, long rows, long columns, long pitch, bool) {
    const double* x = static_cast<const double*>(source);
    double* y = static_cast<double*>(target);
    double tops[RUNNING_COLUMNS], totals[RUNNING_COLUMNS] = {};
    for (long c = 0; c < columns; ++c) tops[c] = y[c] = x[c];
    for (long r = 1; r < rows; ++r) {
        x += pitch;
        y += pitch;
        for (long c = 0; c < columns; ++c) {
            const double away = x[c] == tops[c] ? 0.0 : x[c] - tops[c];
            const double share = __builtin_exp(-__builtin_fabs(away));
            if (away > 0.0 || away != away) {
                totals[c] = totals[c] * share + share;
                tops[c] = x[c];
            } else {
                totals[c] += share;
            }
            y[c] = tops[c] + __builtin_log1p(totals[c]);
        }
    }
}

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

const LogSumKernels LAMPAS_PATH_OF(log_sums) = {down_f32, down_f64};

}  // namespace lampas
