#include "bindings/pattern.hpp"

#include <cstring>

namespace lampas {
namespace {

constexpr long PIECE = 64 * 1024;  // elements that one thread folds at a time
constexpr long COLUMN_TILE = 4096;
constexpr long FEWEST_ROWS = 16;

double start_of(Fold how) {
    switch (how) {
        case Fold::max: return -__builtin_inf();
        case Fold::min: return __builtin_inf();
        case Fold::product: return 1.0;
        default: return 0.0;
    }
}

double joined(Fold how, double a, double b) {
    switch (how) {
        case Fold::max: return a > b || a != a ? a : b;
        case Fold::min: return a < b || a != a ? a : b;
        case Fold::product: return a * b;
        default: return a + b;
    }
}

double center_of(const Pattern& pattern, const void* centers, long output) {
    if (centers == nullptr) return 0.0;
    return pattern.type == Type::f32 ? static_cast<const float*>(centers)[output]
                                     : static_cast<const double*>(centers)[output];
}

// Runs of D elements, the longer ones in pieces; then all that belong to one output.
bool fold_runs(const Pattern& p, Fold how, const void* centers, double* result) {
    const int index = static_cast<int>(how);
    const RunFold run = p.type == Type::f32 ? reducer().run_f32[index] : reducer().run_f64[index];
    const char* x = data_of<char>(p.x);
    const long item = item_size(p.type);
    const long runs = p.a * p.b * p.c, pieces = (p.d + PIECE - 1) / PIECE;
    const long grain = p.d >= PIECE ? 1 : PIECE / p.d;
    if (p.b * pieces == 1) {
        parallel_ranges(runs, grain, [&](long first, long last) {
            for (long r = first; r < last; ++r) {
                result[r] = run(x + r * p.d * item, p.d, center_of(p, centers, r));
            }
        });
        return true;
    }
    const Scratch scratch(static_cast<std::size_t>(runs * pieces) * sizeof(double));
    double* parts = scratch.as<double>();
    if (parts == nullptr) return false;
    parallel_ranges(runs * pieces, grain, [&](long first, long last) {
        for (long i = first; i < last; ++i) {
            const long r = i / pieces, from = i % pieces * PIECE;
            const long count = p.d - from < PIECE ? p.d - from : PIECE;
            const long output = r / (p.b * p.c) * p.c + r % p.c;
            parts[i] = run(x + (r * p.d + from) * item, count, center_of(p, centers, output));
        }
    });
    for (long output = 0; output < p.outputs(); ++output) {
        const long a = output / p.c, c = output % p.c;
        double value = start_of(how);
        for (long b = 0; b < p.b; ++b) {
            const double* of_run = parts + ((a * p.b + b) * p.c + c) * pieces;
            for (long i = 0; i < pieces; ++i) value = joined(how, value, of_run[i]);
        }
        result[output] = value;
    }
    return true;
}

// Columns of B rows: tiles of columns, and blocks of rows that are joined in their order.
bool fold_columns(const Pattern& p, Fold how, const void* centers, double* result) {
    const int index = static_cast<int>(how);
    const ColumnFold columns =
        p.type == Type::f32 ? reducer().columns_f32[index] : reducer().columns_f64[index];
    const char* x = data_of<char>(p.x);
    const long item = item_size(p.type);
    const long width = p.c < COLUMN_TILE ? p.c : COLUMN_TILE;
    const long tiles = (p.c + width - 1) / width;
    const long wanted = PIECE / width;
    const long height = wanted > FEWEST_ROWS ? wanted : FEWEST_ROWS;
    const long blocks = (p.b + height - 1) / height;
    const Scratch scratch(blocks == 1 ? 1 : static_cast<std::size_t>(p.a * blocks * p.c) *
                                                sizeof(double));
    double* parts = blocks == 1 ? result : scratch.as<double>();
    if (parts == nullptr) return false;
    const long small = width * height < PIECE / 2 ? PIECE / (width * height) : 1;
    parallel_ranges(p.a * blocks * tiles, small, [&](long first, long last) {
        for (long i = first; i < last; ++i) {
            const long a = i / (blocks * tiles), block = i / tiles % blocks;
            const long column = i % tiles * width, row = block * height;
            const long rows = p.b - row < height ? p.b - row : height;
            const long count = p.c - column < width ? p.c - column : width;
            double* to = parts + (a * blocks + block) * p.c + column;
            for (long c = 0; c < count; ++c) to[c] = start_of(how);
            const char* own = static_cast<const char*>(centers);
            if (own != nullptr) own += (a * p.c + column) * item;
            columns(x + ((a * p.b + row) * p.c + column) * item, rows, count, p.c, own, to);
        }
    });
    if (blocks == 1) return true;
    parallel_ranges(p.a * tiles, LIGHT / width, [&](long first, long last) {
        for (long i = first; i < last; ++i) {
            const long a = i / tiles, column = i % tiles * width;
            const long count = p.c - column < width ? p.c - column : width;
            const double* from = parts + a * blocks * p.c + column;
            double* to = result + a * p.c + column;
            std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(double));
            for (long block = 1; block < blocks; ++block) {
                from += p.c;
                for (long c = 0; c < count; ++c) to[c] = joined(how, to[c], from[c]);
            }
        }
    });
    return true;
}

}  // namespace

bool Pattern::read(PyArrayObject* array, const long* dims, int count) {
    if (array == nullptr || !is_contiguous(array) || PyArray_SIZE(array) == 0) return false;
    type = type_of(array);
    ndim = PyArray_NDIM(array);
    if ((type != Type::f32 && type != Type::f64) || ndim > MOST_DIMS) return false;
    x = array;
    for (int i = 0; i < count; ++i) {
        if (dims[i] < 0 || dims[i] >= ndim) return false;
        reduced[dims[i]] = true;
    }
    long* const counts[4] = {&d, &c, &b, &a};
    int stage = 0;
    for (int i = ndim - 1; i >= 0; --i) {
        const long size = PyArray_DIM(array, i);
        if (size == 1) continue;
        while (stage < 4 && reduced[i] != (stage % 2 == 0)) ++stage;
        if (stage == 4) return false;
        *counts[stage] *= size;
    }
    return true;
}

int Pattern::shape(bool keep, npy_intp* result) const {
    int length = 0;
    for (int i = 0; i < ndim; ++i) {
        if (!reduced[i]) {
            result[length++] = PyArray_DIM(x, i);
        } else if (keep) {
            result[length++] = 1;
        }
    }
    return length;
}

bool fold(const Pattern& pattern, Fold how, const void* centers, double* result) {
    const bool columns = pattern.d == 1 && pattern.c > 1;
    return columns ? fold_columns(pattern, how, centers, result)
                   : fold_runs(pattern, how, centers, result);
}

}  // namespace lampas
