#include "kernels/attention.hpp"

#include "kernels/math.hpp"
#include "kernels/microkernel.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

// Tiles of four vectors, where there are registers for them, are as wide as most heads, and
// need few operands for each FMA.
#if defined(__AVX512F__)
constexpr int HEIGHT = 6, VECTORS = 4;
#else
constexpr int HEIGHT = MR, VECTORS = 2;
#endif
constexpr long WIDTH = VECTORS * LANES;
constexpr long QUERIES = (48 + HEIGHT - 1) / HEIGHT * HEIGHT;  // of one block
constexpr long KEYS = 128;                         // of one block; whole panels
constexpr long WINDOW = 4 * KEYS;                  // keys that are packed at a time
constexpr long STRETCH = ATTENTION_STRETCH;        // queries of a call, at most
static_assert(KEYS % WIDTH == 0);

LAMPAS_INLINE long whole(long count, long step) { return (count + step - 1) / step * step; }
LAMPAS_INLINE long least(long a, long b) { return a < b ? a : b; }

// Panels of WIDTH lines: rows of `from` across (for products with their transpose).
void pack_rows(const float* from, long row, long count, long k, float* to) {
    for (long i = 0; i < count; i += WIDTH) {
        pack_panel<float, WIDTH>(from + i * row, row, 1, static_cast<int>(least(WIDTH, count - i)),
                                 k, to + i * k);
    }
}

// Panels of WIDTH lines: columns of `from` across (for products with it as it is).
void pack_columns(const float* from, long row, long count, long k, float* to) {
    for (long j = 0; j < count; j += WIDTH) {
        pack_panel<float, WIDTH>(from + j, 1, row, static_cast<int>(least(WIDTH, count - j)), k,
                                 to + j * k);
    }
}

// Terms that are added one by one: the error of a sum grows with them. What is small leaves
// time for pieces of sums, and is compared with products of small matrices that take them.
LAMPAS_INLINE long terms_of(const Head& head) {
    return head.queries * head.keys < 2048 ? 16 : 1l << 40;
}

// A tile of C (+)= A B in pieces of so many terms.
LAMPAS_INLINE void tile(long terms, long k, const float* a, long a_row, long a_step,
                        const float* b, float* c, long ldc, int rows, int columns, bool add) {
    for (long p = 0; p == 0 || p < k; p += terms) {
        micro_rows<float, HEIGHT, VECTORS>(least(terms, k - p), a + p * a_step, a_row, a_step,
                                           b + p * WIDTH, WIDTH, c, ldc, rows, columns,
                                           add || p > 0, nullptr);
    }
}

// C[:rows, :columns] (+)= A B, A read where it lies and B in panels of WIDTH columns, of
// which each has `panel` rows; the first `skip` of these are left out.
void product(long terms, long k, const float* a, long a_row, long a_step, const float* b,
             long panel, long skip, float* c, long ldc, long rows, long columns, bool add) {
    for (long i = 0; i < rows; i += HEIGHT) {
        const int height = static_cast<int>(least(HEIGHT, rows - i));
        for (long j = 0; j < columns; j += WIDTH) {
            tile(terms, k, a + i * a_row + skip * a_step, a_row, a_step,
                 b + j * panel + skip * WIDTH, c + i * ldc + j, ldc, height,
                 static_cast<int>(least(WIDTH, columns - j)), add);
        }
    }
}

// How many of the keys [first, first + count) query `row` sees.
LAMPAS_INLINE long seen_by(const Head& head, long row, long first, long count) {
    if (!head.causal) return count;
    const long last = row + 1 - first;
    return last < 0 ? 0 : least(count, last);
}

// Scores of one query as they enter the softmax: scaled, masked, -inf where not seen, up to
// whole vectors. `limit` keys are seen of those that the block has computed.
void finish_scores(const Head& head, long row, long first, long limit, long computed,
                   float* scores) {
    const float factor = head.factor;
    for (long j = 0; j < computed; ++j) scores[j] *= factor;
    if (head.added != nullptr) {
        const float* mask = head.added + row * head.mask_row + first * head.mask_column;
        for (long j = 0; j < limit; ++j) scores[j] += mask[j * head.mask_column];
    } else if (head.seen != nullptr) {
        const unsigned char* mask = head.seen + row * head.mask_row + first * head.mask_column;
        for (long j = 0; j < limit; ++j) {
            if (!mask[j * head.mask_column]) scores[j] = -INFINITY_F;
        }
    }
    for (long j = limit; j < whole(computed, LANES); ++j) scores[j] = -INFINITY_F;
}

// Raw scores of a strip of up to HEIGHT queries with the keys of one block.
LAMPAS_INLINE void score_strip(const Head& head, const float* panels, long query, int height,
                               long computed, float* scores) {
    for (long j = 0; j < computed; j += WIDTH) {
        tile(terms_of(head), head.width, head.query + query * head.query_row, head.query_row, 1,
             panels + j * head.width, scores + j, KEYS, height,
             static_cast<int>(least(WIDTH, computed - j)), false);
    }
}

// ---- forward

struct Running {
    float top, total;  // the largest score so far, and the sum of exp(score - top)
};

// Turn scores into weights relative to the largest score so far; what was summed before is
// brought to the new one.
void weigh(float* scores, long count, Running* running, float* sums, long depth) {
    f32v most = all(-INFINITY_F);
    for (long j = 0; j < count; j += LANES) most = larger(most, load(scores + j));
    float top = max_of<float>(most);
    if (!(top > running->top)) top = running->top;
    const float base = top == -INFINITY_F ? 0.0f : top;
    if (top > running->top) {
        const float scale = exp_normal(all(running->top - base))[0];
        running->total *= scale;
        for (long d = 0; d < depth; ++d) sums[d] *= scale;
        running->top = top;
    }
    f32v total = {};
    for (long j = 0; j < count; j += LANES) {
        const f32v weight = exp_normal(load(scores + j) - base);
        store(scores + j, weight);
        total += weight;
    }
    running->total += sum_of<float>(total);
}

long forward_scratch(const Head& head) {
    const long depth = whole(head.depth, WIDTH);
    return KEYS * (head.width + depth) + QUERIES * KEYS + STRETCH * depth;
}

float log_of(float x) { return __builtin_logf(x); }

// What the keys [k, k + width) give to `count` queries.
void forward_block(const Head& head, long first, long count, long k, long width,
                   const float* keys, const float* values, float* scores, Running* running,
                   float* sums) {
    const long depth = whole(head.depth, WIDTH);
    for (long i = 0; i < count; i += HEIGHT) {
        const int height = static_cast<int>(least(HEIGHT, count - i));
        const long computed = seen_by(head, first + i + height - 1, k, width);
        if (computed == 0) continue;
        float* strip = scores + i * KEYS;
        score_strip(head, keys, first + i, height, computed, strip);
        for (int r = 0; r < height; ++r) {
            const long row = first + i + r;
            finish_scores(head, row, k, seen_by(head, row, k, computed), computed,
                          strip + r * KEYS);
            weigh(strip + r * KEYS, whole(computed, LANES), &running[i + r],
                  sums + (i + r) * depth, depth);
        }
        product(terms_of(head), computed, strip, KEYS, 1, values, width, 0, sums + i * depth, depth,
                height, whole(head.depth, LANES), true);
    }
}

// Keys and values are packed a block at a time, for all of the chunk's queries: a packed
// copy of all of them would be as large as they are, in each thread.
void forward(const Head& head, long first, long last, float* y, long y_row, float* log_sum,
             float* scratch) {
    const long depth = whole(head.depth, WIDTH), count = last - first;
    float* keys = scratch;
    float* values = keys + KEYS * head.width;
    float* scores = values + KEYS * depth;
    float* sums = scores + QUERIES * KEYS;
    Running running[STRETCH];
    for (long i = 0; i < count; ++i) running[i] = {-INFINITY_F, 0.0f};
    std::memset(sums, 0, static_cast<std::size_t>(count * depth) * sizeof(float));
    const long reach = head.causal ? least(head.keys, last) : head.keys;
    for (long k = 0; k < reach; k += KEYS) {
        const long width = least(KEYS, head.keys - k);
        pack_rows(head.key + k * head.key_row, head.key_row, width, head.width, keys);
        pack_columns(head.value + k * head.value_row, head.value_row, head.depth, width, values);
        for (long i = 0; i < count; i += QUERIES) {
            forward_block(head, first + i, least(QUERIES, count - i), k, width, keys, values,
                          scores, running + i, sums + i * depth);
        }
    }
    for (long i = 0; i < count; ++i) {
        const float total = running[i].total;
        const float scale = total == 0.0f ? 0.0f : 1.0f / total;
        float* to = y + (first + i) * y_row;
        for (long d = 0; d < head.depth; ++d) to[d] = sums[i * depth + d] * scale;
        log_sum[first + i] =
            total == 0.0f ? -INFINITY_F : running[i].top + log_of(total);
    }
}

// ---- backward

struct Packed {
    float* keys;        // for scores
    float* values;      // for the slopes of the weights
    float* columns;     // keys, for the gradient of the query
    float* queries;     // of this block, for the gradient of the keys
    float* slopes;      // g of this block, for the gradient of the values
    float* weights;     // QUERIES x KEYS
    float* score_slopes;
    float centres[QUERIES];  // of this block: the slopes of the weights, averaged
};

LAMPAS_INLINE float dot(const float* a, const float* b, long count) {
    f32v sum = {};
    long i = 0;
    for (; i + LANES <= count; i += LANES) sum += load(a + i) * load(b + i);
    if (i < count) {
        const int rest = static_cast<int>(count - i);
        sum += load_part(a + i, rest) * load_part(b + i, rest);
    }
    return sum_of<float>(sum);
}

long backward_scratch(const Head& head) {
    const long depth = whole(head.depth, WIDTH), width = whole(head.width, WIDTH);
    return WINDOW * (head.width + head.depth + width) + QUERIES * (width + depth + 2 * KEYS);
}

// Weights of one query, and the slopes of its scores from those of its weights.
LAMPAS_INLINE void slope_row(float* weights, float* slopes, long count, float log_sum,
                             float centre, float factor) {
    const float base = log_sum == -INFINITY_F ? 0.0f : log_sum;
    for (long j = 0; j < count; j += LANES) {
        const f32v weight = exp_normal(load(weights + j) - base);
        store(weights + j, weight);
        store(slopes + j, weight * (load(slopes + j) - centre) * factor);
    }
}

void backward_block(const Head& head, const HeadGradient& to, const Packed& packed, long first,
                    long count, long k, long width, long packed_from, bool add_query) {
    const long column_width = whole(head.width, WIDTH), terms = terms_of(head);
    const float* keys = packed.keys + (k - packed_from) * head.width;
    const float* values = packed.values + (k - packed_from) * head.depth;
    const float* columns = packed.columns + (k - packed_from) * column_width;
    for (long i = 0; i < count; i += HEIGHT) {
        const int height = static_cast<int>(least(HEIGHT, count - i));
        float* weights = packed.weights + i * KEYS;
        float* slopes = packed.score_slopes + i * KEYS;
        const long computed = seen_by(head, first + i + height - 1, k, width);
        if (computed > 0) {
            score_strip(head, keys, first + i, height, computed, weights);
            product(terms, head.depth, to.g + (first + i) * to.g_row, to.g_row, 1, values,
                    head.depth, 0, slopes, KEYS, height, computed, false);
        }
        for (int r = 0; r < height; ++r) {
            const long row = first + i + r;
            float* weight = weights + r * KEYS;
            float* slope = slopes + r * KEYS;
            const long ready = whole(computed, LANES);
            if (computed > 0) {
                for (long j = computed; j < ready; ++j) slope[j] = 0.0f;
                finish_scores(head, row, k, seen_by(head, row, k, computed), computed, weight);
                slope_row(weight, slope, ready, to.log_sum[row], packed.centres[i + r],
                          head.factor);
            }
            for (long j = ready; j < width; ++j) weight[j] = slope[j] = 0.0f;
        }
        if (to.query != nullptr && computed > 0) {
            product(terms, computed, slopes, KEYS, 1, columns, width, 0,
                    to.query + (first + i) * to.query_row, to.query_row, height, head.width,
                    add_query);
        }
    }
    if (to.key == nullptr) return;
    for (long j = 0; j < width; j += HEIGHT) {
        // Queries before these keys don't see them.
        const long skip = head.causal && k + j > first ? least(count, k + j - first) : 0;
        if (skip == count) continue;
        const long height = least(HEIGHT, width - j);
        product(terms, count - skip, packed.score_slopes + j, 1, KEYS, packed.queries, count, skip,
                to.key + (k + j) * to.key_row, to.key_row, height, head.width, true);
        product(terms, count - skip, packed.weights + j, 1, KEYS, packed.slopes, count, skip,
                to.value + (k + j) * to.value_row, to.value_row, height, head.depth, true);
    }
}

// Keys and values are packed for a window of keys, queries for each block of queries in it.
void backward(const Head& head, const HeadGradient& to, long first, long last, long first_key,
              long last_key, float* scratch) {
    const long column_width = whole(head.width, WIDTH), depth = whole(head.depth, WIDTH);
    Packed packed;
    packed.keys = scratch;
    packed.values = packed.keys + WINDOW * head.width;
    packed.columns = packed.values + WINDOW * head.depth;
    packed.queries = packed.columns + WINDOW * column_width;
    packed.slopes = packed.queries + QUERIES * column_width;
    packed.weights = packed.slopes + QUERIES * depth;
    packed.score_slopes = packed.weights + QUERIES * KEYS;
    const long reach = head.causal ? least(last_key, last) : last_key;
    for (long begin = first_key; begin < reach; begin += WINDOW) {
        const long end = least(begin + WINDOW, last_key);
        for (long k = begin; k < least(end, reach); k += KEYS) {
            const long width = least(KEYS, end - k), at = k - begin;
            pack_rows(head.key + k * head.key_row, head.key_row, width, head.width,
                      packed.keys + at * head.width);
            pack_rows(head.value + k * head.value_row, head.value_row, width, head.depth,
                      packed.values + at * head.depth);
            pack_columns(head.key + k * head.key_row, head.key_row, head.width, width,
                         packed.columns + at * column_width);
        }
        for (long q = first; q < last; q += QUERIES) {
            const long count = least(QUERIES, last - q);
            const long seen = head.causal ? least(end, q + count) : end;
            if (seen <= begin) continue;
            if (to.key != nullptr) {
                pack_columns(head.query + q * head.query_row, head.query_row, head.width, count,
                             packed.queries);
                pack_columns(to.g + q * to.g_row, to.g_row, head.depth, count, packed.slopes);
            }
            for (long i = 0; i < count; ++i) {
                packed.centres[i] =
                    dot(to.g + (q + i) * to.g_row, to.y + (q + i) * to.y_row, head.depth);
            }
            for (long k = begin; k < seen; k += KEYS) {
                backward_block(head, to, packed, q, count, k, least(KEYS, end - k), begin,
                               k > first_key);
            }
        }
    }
}

}  // namespace
}  // namespace LAMPAS_PATH

const AttentionKernels LAMPAS_PATH_OF(attention) = {
    LAMPAS_PATH::forward_scratch, LAMPAS_PATH::backward_scratch, LAMPAS_PATH::forward,
    LAMPAS_PATH::backward};

}  // namespace lampas
