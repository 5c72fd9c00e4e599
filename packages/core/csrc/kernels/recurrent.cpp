#include "kernels/recurrent.hpp"

#include "kernels/math.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

// Whole vectors of a row, or the first lanes of its last one.
struct Whole {
    static LAMPAS_INLINE f32v get(const float* from, int) { return load(from); }
    static LAMPAS_INLINE void put(float* to, f32v v, int) { store(to, v); }
};
struct Part {
    static LAMPAS_INLINE f32v get(const float* from, int count) {
        return load_part(from, count);
    }
    static LAMPAS_INLINE void put(float* to, f32v v, int count) { store_part(to, v, count); }
};

template <class Body>
LAMPAS_INLINE void along(long size, const Body& body) {
    long j = 0;
    for (; j + LANES <= size; j += LANES) body(Whole{}, j, LANES);
    if (j < size) body(Part{}, j, static_cast<int>(size - j));
}

void lstm_step(const LstmStep& s) {
    const long n = s.size;
    for (long r = 0; r < s.rows; ++r) {
        const float* input = s.input + r * 4 * n;
        float* gates = s.gates + r * 4 * n;
        const float* cell = s.cell + r * n;
        float* next = s.next_cell + r * n;
        float* output = s.output + r * s.output_row;
        along(n, [&](auto span, long j, int count) {
            const auto gate = [&](long k) {
                return span.get(gates + k * n + j, count) + span.get(input + k * n + j, count);
            };
            const f32v i = sigmoid(gate(0)), f = sigmoid(gate(1));
            const f32v g = tanh(gate(2)), o = sigmoid(gate(3));
            span.put(gates + j, i, count);
            span.put(gates + n + j, f, count);
            span.put(gates + 2 * n + j, g, count);
            span.put(gates + 3 * n + j, o, count);
            const f32v c = f * span.get(cell + j, count) + i * g;
            span.put(next + j, c, count);
            span.put(output + j, o * tanh(c), count);
        });
    }
}

void lstm_back(const LstmBack& s) {
    const long n = s.size;
    for (long r = 0; r < s.rows; ++r) {
        const float* gates = s.gates + r * 4 * n;
        const float* cell = s.cell + r * n;
        const float* d_output = s.d_output + r * s.d_output_row;
        float* d_cell = s.d_cell + r * n;
        float* d_gates = s.d_gates + r * 4 * n;
        float* output = s.output == nullptr ? nullptr : s.output + r * n;
        along(n, [&](auto span, long j, int count) {
            const f32v i = span.get(gates + j, count);
            const f32v f = span.get(gates + n + j, count);
            const f32v g = span.get(gates + 2 * n + j, count);
            const f32v o = span.get(gates + 3 * n + j, count);
            const f32v c = span.get(cell + j, count);
            const f32v squashed = tanh(f * c + i * g);
            const f32v dh = span.get(d_output + j, count);
            const f32v dc = span.get(d_cell + j, count) + dh * o * (1.0f - squashed * squashed);
            span.put(d_gates + j, dc * g * i * (1.0f - i), count);
            span.put(d_gates + n + j, dc * c * f * (1.0f - f), count);
            span.put(d_gates + 2 * n + j, dc * i * (1.0f - g * g), count);
            span.put(d_gates + 3 * n + j, dh * squashed * o * (1.0f - o), count);
            span.put(d_cell + j, dc * f, count);
            if (output != nullptr) span.put(output + j, o * squashed, count);
        });
    }
}

void gru_step(const GruStep& s) {
    const long n = s.size;
    for (long row = 0; row < s.rows; ++row) {
        const float* x = s.input + row * 3 * n;
        const float* h = s.hidden + row * 3 * n;
        const float* state = s.state + row * n;
        float* gates = s.gates + row * 4 * n;
        float* output = s.output + row * n;
        along(n, [&](auto span, long j, int count) {
            const f32v q = span.get(h + 2 * n + j, count);
            const f32v r = sigmoid(span.get(x + j, count) + span.get(h + j, count));
            const f32v z = sigmoid(span.get(x + n + j, count) + span.get(h + n + j, count));
            const f32v m = tanh(span.get(x + 2 * n + j, count) + r * q);
            span.put(gates + j, r, count);
            span.put(gates + n + j, z, count);
            span.put(gates + 2 * n + j, m, count);
            span.put(gates + 3 * n + j, q, count);
            span.put(output + j, m + z * (span.get(state + j, count) - m), count);
        });
    }
}

void gru_back(const GruBack& s) {
    const long n = s.size;
    for (long row = 0; row < s.rows; ++row) {
        const float* gates = s.gates + row * 4 * n;
        const float* state = s.state + row * n;
        float* d_output = s.d_output + row * n;
        float* dx = s.d_input + row * 3 * n;
        float* dh = s.d_hidden + row * 3 * n;
        along(n, [&](auto span, long j, int count) {
            const f32v r = span.get(gates + j, count);
            const f32v z = span.get(gates + n + j, count);
            const f32v m = span.get(gates + 2 * n + j, count);
            const f32v q = span.get(gates + 3 * n + j, count);
            const f32v dy = span.get(d_output + j, count);
            const f32v dm = dy * (1.0f - z) * (1.0f - m * m);
            const f32v dr = dm * q * r * (1.0f - r);
            const f32v dz = dy * (span.get(state + j, count) - m) * z * (1.0f - z);
            span.put(dx + j, dr, count);
            span.put(dx + n + j, dz, count);
            span.put(dx + 2 * n + j, dm, count);
            span.put(dh + j, dr, count);
            span.put(dh + n + j, dz, count);
            span.put(dh + 2 * n + j, dm * r, count);
            span.put(d_output + j, dy * z, count);
        });
    }
}

void tanh_of(float* x, long count) {
    along(count, [&](auto span, long j, int part) {
        span.put(x + j, tanh(span.get(x + j, part)), part);
    });
}

void relu_of(float* x, long count) {
    along(count, [&](auto span, long j, int part) {
        span.put(x + j, maximum(span.get(x + j, part), all(0.0f)), part);
    });
}

void tanh_back(const float* output, const float* d_output, float* d_input, long count) {
    along(count, [&](auto span, long j, int part) {
        const f32v y = span.get(output + j, part);
        span.put(d_input + j, span.get(d_output + j, part) * (1.0f - y * y), part);
    });
}

void relu_back(const float* output, const float* d_output, float* d_input, long count) {
    along(count, [&](auto span, long j, int part) {
        const f32v y = span.get(output + j, part);
        const f32v slope = y > 0.0f ? all(1.0f) : y;  // 0 at 0, and NaN stays
        span.put(d_input + j, span.get(d_output + j, part) * slope, part);
    });
}

}  // namespace
}  // namespace LAMPAS_PATH

const RecurrentKernels LAMPAS_PATH_OF(recurrent) = {
    LAMPAS_PATH::lstm_step, LAMPAS_PATH::lstm_back, LAMPAS_PATH::gru_step,
    LAMPAS_PATH::gru_back,  LAMPAS_PATH::tanh_of,   LAMPAS_PATH::relu_of,
    LAMPAS_PATH::tanh_back, LAMPAS_PATH::relu_back,
};

}  // namespace lampas
