#include "kernels/columns.hpp"

#include "kernels/double.hpp"
#include "kernels/totals.hpp"

namespace lampas {
namespace LAMPAS_PATH {
namespace {

// Call body(vector's place, lanes that count) for the vectors of one row.
template <class T, class Body>
LAMPAS_INLINE void across(long columns, Body body) {
    for (long c = 0; c < columns; c += lanes<T>) {
        body(c, static_cast<int>(columns - c < lanes<T> ? columns - c : lanes<T>));
    }
}
template <class T>
LAMPAS_INLINE vec<T> get(const T* from, int count) {
    return count == lanes<T> ? load(from) : load_part(from, count);
}
template <class T>
LAMPAS_INLINE void put(T* to, vec<T> v, int count) {
    if (count == lanes<T>) store<T>(to, v);
    else store_part<T>(to, v, count);
}

// The largest of each column; of a NaN it need not tell, for sums do.
template <class T>
void largest(const T* x, T* top, long rows, long columns, long pitch) {
    across<T>(columns, [&](long c, int count) { store<T>(top + c, get(x + c, count)); });
    for (long r = 1; r < rows; ++r) {
        const T* row = x + r * pitch;
        across<T>(columns, [&](long c, int count) {
            store<T>(top + c, larger(load(top + c), get(row + c, count)));
        });
    }
}

// The sum of at(row, column's vector) in each column, for rows [first, last).
template <class T, class At>
LAMPAS_INLINE void add_rows(T* sums, long first, long last, long columns, At at) {
    for (long c = 0; c < WIDEST_COLUMNS; ++c) sums[c] = 0;
    for (long r = first; r < last; ++r) {
        across<T>(columns, [&](long c, int count) {
            store<T>(sums + c, load(sums + c) + at(r, c, count));
        });
    }
}
template <class At>
LAMPAS_INLINE void add_up(float* sums, long rows, long columns, At at) {
    add_rows(sums, 0, rows, columns, at);
}
// Some rows at a time, with what rounding takes from the sums of these.
template <class At>
LAMPAS_INLINE void add_up(double* sums, long rows, long columns, At at) {
    constexpr long ROWS = 16;
    double some[WIDEST_COLUMNS], lost[WIDEST_COLUMNS] = {};
    for (long c = 0; c < WIDEST_COLUMNS; ++c) sums[c] = 0.0;
    for (long r = 0; r < rows; r += ROWS) {
        add_rows(some, r, r + ROWS < rows ? r + ROWS : rows, columns, at);
        across<double>(columns, [&](long c, int) {
            add_wide(sums + c, lost + c, load(some + c));
        });
    }
    // Of infinities and NaN nothing is lost that could be put back.
    across<double>(columns, [&](long c, int) {
        const f64v sum = load(sums + c);
        store<double>(sums + c, sum - sum == 0.0 ? sum + load(lost + c) : sum);
    });
}

template <class T>
void softmax(const T* x, T* y, long rows, long columns, long pitch) {
    T top[WIDEST_COLUMNS], sums[WIDEST_COLUMNS];
    largest(x, top, rows, columns, pitch);
    add_up(sums, rows, columns, [&](long r, long c, int count) {
        const vec<T> e = exp_normal(get(x + r * pitch + c, count) - load(top + c));
        put(y + r * pitch + c, e, count);
        return e;
    });
    across<T>(columns, [&](long c, int) { store<T>(sums + c, T{1} / load(sums + c)); });
    for (long r = 0; r < rows; ++r) {
        T* row = y + r * pitch;
        across<T>(columns, [&](long c, int count) {
            put(row + c, get(row + c, count) * load(sums + c), count);
        });
    }
}

template <class T>
void log_softmax(const T* x, T* y, long rows, long columns, long pitch) {
    T top[WIDEST_COLUMNS], sums[WIDEST_COLUMNS];
    largest(x, top, rows, columns, pitch);
    add_up(sums, rows, columns, [&](long r, long c, int count) {
        return exp_normal(get(x + r * pitch + c, count) - load(top + c));
    });
    across<T>(columns, [&](long c, int) { store<T>(sums + c, log(load(sums + c))); });
    for (long r = 0; r < rows; ++r) {
        across<T>(columns, [&](long c, int count) {
            const vec<T> v = get(x + r * pitch + c, count) - load(top + c);
            put(y + r * pitch + c, v - load(sums + c), count);
        });
    }
}

template <class T>
void logsumexp(const T* x, T* y, long rows, long columns, long pitch) {
    T top[WIDEST_COLUMNS], sums[WIDEST_COLUMNS];
    largest(x, top, rows, columns, pitch);
    across<T>(columns, [&](long c, int) {
        const vec<T> v = load(top + c);
        store<T>(top + c, v - v == 0 ? v : vec<T>{});
    });
    add_up(sums, rows, columns, [&](long r, long c, int count) {
        return exp_normal(get(x + r * pitch + c, count) - load(top + c));
    });
    across<T>(columns, [&](long c, int count) {
        put(y + c, log(load(sums + c)) + load(top + c), count);
    });
}

template <class T>
void softmax_backward(const T* g, const T* y, T* dx, long rows, long columns, long pitch,
                      bool one) {
    T sums[WIDEST_COLUMNS];
    const auto slope = [&](long at, int count) {
        return one ? all(*g) : get(g + at, count);
    };
    add_up(sums, rows, columns, [&](long r, long c, int count) {
        return slope(r * pitch + c, count) * get(y + r * pitch + c, count);
    });
    for (long r = 0; r < rows; ++r) {
        across<T>(columns, [&](long c, int count) {
            const long at = r * pitch + c;
            put(dx + at, get(y + at, count) * (slope(at, count) - load(sums + c)), count);
        });
    }
}

template <class T>
void log_softmax_backward(const T* g, const T* y, T* dx, long rows, long columns, long pitch,
                          bool one) {
    T sums[WIDEST_COLUMNS];
    const auto slope = [&](long at, int count) {
        return one ? all(*g) : get(g + at, count);
    };
    add_up(sums, rows, columns,
           [&](long r, long c, int count) { return slope(r * pitch + c, count); });
    for (long r = 0; r < rows; ++r) {
        across<T>(columns, [&](long c, int count) {
            const long at = r * pitch + c;
            const vec<T> share = exp_normal(get(y + at, count)) * load(sums + c);
            put(dx + at, slope(at, count) - share, count);
        });
    }
}

}  // namespace
}  // namespace LAMPAS_PATH

using namespace LAMPAS_PATH;

#define LAMPAS_COLUMNS_OF(T)                                        \
    {softmax<T>, log_softmax<T>, logsumexp<T>, softmax_backward<T>, \
     log_softmax_backward<T>}

const ColumnKernels LAMPAS_PATH_OF(column_wise) = {
    LAMPAS_COLUMNS_OF(float),
    LAMPAS_COLUMNS_OF(double),
};

}  // namespace lampas
