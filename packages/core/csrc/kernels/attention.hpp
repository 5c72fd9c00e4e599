// Attention in blocks of queries and keys: no matrix of all weights is ever made
// (Dao et al. 2022).
#pragma once

#include "runtime/paths.hpp"

namespace lampas {

// Queries of one call of the forward pass, at most.
constexpr long ATTENTION_STRETCH = 192;

// One head: rows of `query` (queries x width), `key` (keys x width), `value` (keys x
// depth) lie their strides apart, their entries side by side.
struct Head {
    long queries, keys, width, depth;
    const float* query; long query_row;
    const float* key; long key_row;
    const float* value; long value_row;
    // Added to the scores, or bytes that say which keys are seen, or neither.
    const float* added;
    const unsigned char* seen;
    long mask_row, mask_column;  // strides of the mask
    bool causal;                 // query i sees keys 0 to i
    float factor;                // of the scores
};

struct HeadGradient {
    const float* g; long g_row;
    const float* y; long y_row;
    const float* log_sum;
    float* query; long query_row;  // gradients, of which nullptr is left out
    float* key; long key_row;      // zero at first; both or neither
    float* value; long value_row;
};

struct AttentionKernels {
    // Floats of scratch memory for one call.
    long (*forward_scratch)(const Head& head);
    long (*backward_scratch)(const Head& head);
    // Results of queries [first, last), at most ATTENTION_STRETCH.
    void (*forward)(const Head& head, long first, long last, float* y, long y_row,
                    float* log_sum, float* scratch);
    // What queries [first, last) and keys [first_key, last_key) give to the gradients.
    void (*backward)(const Head& head, const HeadGradient& gradient, long first, long last,
                     long first_key, long last_key, float* scratch);
};
LAMPAS_FAMILY(AttentionKernels, attention)

}  // namespace lampas
