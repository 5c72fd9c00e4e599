// The steps of recurrent layers between their products: gates, states, and the gradients.
#pragma once

#include "runtime/paths.hpp"

namespace lampas {

// Some rows of one step of an LSTM. Gates lie side by side: i, f, g, o, each of `size`.
struct LstmStep {
    long rows, size;
    const float* input;   // (rows, 4 size), which is added to:
    float* gates;         // (rows, 4 size): before the activations; after it, their values
    const float* cell;    // (rows, size)
    float* next_cell;     // (rows, size)
    float* output;        // (rows, size), `output_row` from one to the next
    long output_row;
};

struct LstmBack {
    long rows, size;
    const float* gates;   // (rows, 4 size)
    const float* cell;    // (rows, size), before the step
    const float* d_output;  // (rows, size)
    long d_output_row;
    float* d_cell;        // (rows, size): of the cell after the step; then of that before
    float* d_gates;       // (rows, 4 size), before the activations
    float* output;        // (rows, size), or nullptr: what the step gave
};

// Of a GRU: r, z, n and the hidden part of n lie side by side in `gates`.
struct GruStep {
    long rows, size;
    const float* input;   // (rows, 3 size)
    const float* hidden;  // (rows, 3 size)
    const float* state;   // (rows, size)
    float* gates;         // (rows, 4 size)
    float* output;        // (rows, size)
};

struct GruBack {
    long rows, size;
    const float* gates;   // (rows, 4 size)
    const float* state;   // (rows, size)
    float* d_output;      // (rows, size); then what skips the step
    float* d_input;       // (rows, 3 size)
    float* d_hidden;      // (rows, 3 size)
};

struct RecurrentKernels {
    void (*lstm_step)(const LstmStep& step);
    void (*lstm_back)(const LstmBack& step);
    void (*gru_step)(const GruStep& step);
    void (*gru_back)(const GruBack& step);
    void (*tanh)(float* x, long count);
    void (*relu)(float* x, long count);
    // d_input = d_output * slope of the activation that gave `output`.
    void (*tanh_back)(const float* output, const float* d_output, float* d_input, long count);
    void (*relu_back)(const float* output, const float* d_output, float* d_input, long count);
};
LAMPAS_FAMILY(RecurrentKernels, recurrent)

}  // namespace lampas
