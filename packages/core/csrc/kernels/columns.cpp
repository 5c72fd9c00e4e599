#include "kernels/columns.hpp"

#include "kernels/math.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

// Call body(vector's place, lanes that count) for the vectors of one row.
template <class Body>
LAMPAS_INLINE void across(long columns, Body body) {
    for (long c = 0; c < columns; c += LANES) {
        body(c, static_cast<int>(columns - c < LANES ? columns - c : LANES));
    }
}
LAMPAS_INLINE f32v get(const float* from, int count) {
    return count == LANES ? load(from) : load_part(from, count);
}
LAMPAS_INLINE void put(float* to, f32v v, int count) {
    if (count == LANES) store<float>(to, v);
    else store_part<float>(to, v, count);
}

// The largest of each column; of a NaN it need not tell, for sums do.
void largest(const float* x, float* top, long rows, long columns, long pitch) {
    across(columns, [&](long c, int count) { store<float>(top + c, get(x + c, count)); });
    for (long r = 1; r < rows; ++r) {
        const float* row = x + r * pitch;
        across(columns, [&](long c, int count) {
            store<float>(top + c, larger(load(top + c), get(row + c, count)));
        });
    }
}

// The sum of at(row, column's vector) in each column.
template <class At>
LAMPAS_INLINE void add_up(float* sums, long rows, long columns, At at) {
    for (long c = 0; c < WIDEST_COLUMNS; ++c) sums[c] = 0.0f;
    for (long r = 0; r < rows; ++r) {
        across(columns, [&](long c, int count) {
            store<float>(sums + c, load(sums + c) + at(r, c, count));
        });
    }
}

void softmax(const float* x, float* y, long rows, long columns, long pitch) {
    float top[WIDEST_COLUMNS], sums[WIDEST_COLUMNS];
    largest(x, top, rows, columns, pitch);
    add_up(sums, rows, columns, [&](long r, long c, int count) {
        const f32v e = exp_normal(get(x + r * pitch + c, count) - load(top + c));
        put(y + r * pitch + c, e, count);
        return e;
    });
    across(columns, [&](long c, int) { store<float>(sums + c, 1.0f / load(sums + c)); });
    for (long r = 0; r < rows; ++r) {
        float* row = y + r * pitch;
        across(columns, [&](long c, int count) {
            put(row + c, get(row + c, count) * load(sums + c), count);
        });
    }
}

void log_softmax(const float* x, float* y, long rows, long columns, long pitch) {
    float top[WIDEST_COLUMNS], sums[WIDEST_COLUMNS];
    largest(x, top, rows, columns, pitch);
    add_up(sums, rows, columns, [&](long r, long c, int count) {
        return exp_normal(get(x + r * pitch + c, count) - load(top + c));
    });
    across(columns, [&](long c, int) { store<float>(sums + c, log(load(sums + c))); });
    for (long r = 0; r < rows; ++r) {
        across(columns, [&](long c, int count) {
            const f32v v = get(x + r * pitch + c, count) - load(top + c);
            put(y + r * pitch + c, v - load(sums + c), count);
        });
    }
}

void logsumexp(const float* x, float* y, long rows, long columns, long pitch) {
    float top[WIDEST_COLUMNS], sums[WIDEST_COLUMNS];
    largest(x, top, rows, columns, pitch);
    across(columns, [&](long c, int) {
        const f32v v = load(top + c);
        store<float>(top + c, v - v == 0.0f ? v : f32v{});
    });
    add_up(sums, rows, columns, [&](long r, long c, int count) {
        return exp_normal(get(x + r * pitch + c, count) - load(top + c));
    });
    across(columns, [&](long c, int count) {
        put(y + c, log(load(sums + c)) + load(top + c), count);
    });
}

void softmax_backward(const float* g, const float* y, float* dx, long rows, long columns,
                      long pitch, bool one) {
    float sums[WIDEST_COLUMNS];
    const auto slope = [&](long at, int count) {
        return one ? all(*g) : get(g + at, count);
    };
    add_up(sums, rows, columns, [&](long r, long c, int count) {
        return slope(r * pitch + c, count) * get(y + r * pitch + c, count);
    });
    for (long r = 0; r < rows; ++r) {
        across(columns, [&](long c, int count) {
            const long at = r * pitch + c;
            put(dx + at, get(y + at, count) * (slope(at, count) - load(sums + c)), count);
        });
    }
}

void log_softmax_backward(const float* g, const float* y, float* dx, long rows, long columns,
                          long pitch, bool one) {
    float sums[WIDEST_COLUMNS];
    const auto slope = [&](long at, int count) {
        return one ? all(*g) : get(g + at, count);
    };
    add_up(sums, rows, columns,
           [&](long r, long c, int count) { return slope(r * pitch + c, count); });
    for (long r = 0; r < rows; ++r) {
        across(columns, [&](long c, int count) {
            const long at = r * pitch + c;
            const f32v share = exp_normal(get(y + at, count)) * load(sums + c);
            put(dx + at, slope(at, count) - share, count);
        });
    }
}

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

const ColumnKernels LAMPAS_PATH_OF(column_wise) = {
    LAMPAS_PATH::softmax,
    LAMPAS_PATH::log_softmax,
    LAMPAS_PATH::logsumexp,
    LAMPAS_PATH::softmax_backward,
    LAMPAS_PATH::log_softmax_backward,
};

}  // namespace lampas
