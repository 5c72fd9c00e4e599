#include "bindings/pattern.hpp"

#include <cstdint>
#include <cstring>

namespace lampas {
namespace {

const Name DIM("dim"), KEEPDIM("keepdim");

constexpr long PIECE = 64 * 1024;  // elements of a run that one thread folds at a time
constexpr long RUNS = 16 * 1024;   // elements of several runs
constexpr long COLUMN_TILE = 4096;
constexpr long FEWEST_ROWS = 16;

// How results of parts are joined: the kernels of a fold, and what they begin with.
struct Doubles {
    using Number = double;
    Fold how;
    FoldOf<double> kernels;

    Doubles(Type type, Fold fold)
        : how(fold),
          kernels((type == Type::f32 ? reducer().f32 : reducer().f64)[static_cast<int>(fold)]) {}
    double start() const {
        switch (how) {
            case Fold::max: case Fold::most: return -__builtin_inf();
            case Fold::min: case Fold::least: return __builtin_inf();
            case Fold::product: return 1.0;
            default: return 0.0;
        }
    }
    double joined(double a, double b) const {
        switch (how) {
            case Fold::max: case Fold::most: return a > b || a != a ? a : b;
            case Fold::min: case Fold::least: return a < b || a != a ? a : b;
            case Fold::product: return a * b;
            default: return a + b;
        }
    }
};

struct Integers {
    using Number = std::int64_t;
    Tally how;
    TallyFold kernels;

    Integers(Type type, Tally tally) : how(tally), kernels{} {
        const TallyKernels& all = tallies();
        const TalliesOf* of = nullptr;
        switch (type) {
            case Type::i64: of = &all.i64; break;
            case Type::i32: of = &all.i32; break;
            case Type::u8: case Type::boolean: of = &all.u8; break;
            case Type::f32: of = &all.f32; break;
            case Type::f64: of = &all.f64; break;
            default: return;
        }
        kernels = of->folds[static_cast<int>(tally)];
    }
    std::int64_t start() const {
        switch (how) {
            case Tally::max: return INT64_MIN;
            case Tally::min: return INT64_MAX;
            case Tally::product: return 1;
            default: return 0;
        }
    }
    std::int64_t joined(std::int64_t a, std::int64_t b) const {
        const auto x = static_cast<std::uint64_t>(a), y = static_cast<std::uint64_t>(b);
        switch (how) {
            case Tally::max: return a > b ? a : b;
            case Tally::min: return a < b ? a : b;
            case Tally::product: return static_cast<std::int64_t>(x * y);
            default: return static_cast<std::int64_t>(x + y);
        }
    }
};

double center_of(const Pattern& pattern, const void* centers, long output) {
    if (centers == nullptr) return 0.0;
    return pattern.type == Type::f32 ? static_cast<const float*>(centers)[output]
                                     : static_cast<const double*>(centers)[output];
}

// Runs of D elements, the longer ones in pieces; then all that belong to one output.
template <class How>
bool fold_runs(const Pattern& p, const How& how, const void* centers,
               typename How::Number* result) {
    using Number = typename How::Number;
    const auto run = how.kernels.run;
    const char* x = data_of<char>(p.x);
    const long item = item_size(p.type);
    const long runs = p.a * p.b * p.c, pieces = (p.d + PIECE - 1) / PIECE;
    const long grain = p.d >= RUNS ? 1 : RUNS / p.d;
    if (p.b * pieces == 1) {
        parallel_ranges(runs, grain, [&](long first, long last) {
            for (long r = first; r < last; ++r) {
                result[r] = run(x + r * p.d * item, p.d, center_of(p, centers, r));
            }
        });
        return true;
    }
    const Scratch scratch(static_cast<std::size_t>(runs * pieces) * sizeof(Number));
    Number* parts = scratch.as<Number>();
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
        Number value = how.start();
        for (long b = 0; b < p.b; ++b) {
            const Number* of_run = parts + ((a * p.b + b) * p.c + c) * pieces;
            for (long i = 0; i < pieces; ++i) value = how.joined(value, of_run[i]);
        }
        result[output] = value;
    }
    return true;
}

// Columns of B rows: tiles of columns, and blocks of rows that are joined in their order.
template <class How>
bool fold_columns(const Pattern& p, const How& how, const void* centers,
                  typename How::Number* result) {
    using Number = typename How::Number;
    const auto columns = how.kernels.columns;
    const char* x = data_of<char>(p.x);
    const long item = item_size(p.type);
    const long width = p.c < COLUMN_TILE ? p.c : COLUMN_TILE;
    const long tiles = (p.c + width - 1) / width;
    const long wanted = PIECE / width;
    const long height = wanted > FEWEST_ROWS ? wanted : FEWEST_ROWS;
    const long blocks = (p.b + height - 1) / height;
    const Scratch scratch(blocks == 1 ? 1 : static_cast<std::size_t>(p.a * blocks * p.c) *
                                                sizeof(Number));
    Number* parts = blocks == 1 ? result : scratch.as<Number>();
    if (parts == nullptr) return false;
    const long small = width * height < PIECE / 2 ? PIECE / (width * height) : 1;
    parallel_ranges(p.a * blocks * tiles, small, [&](long first, long last) {
        for (long i = first; i < last; ++i) {
            const long a = i / (blocks * tiles), block = i / tiles % blocks;
            const long column = i % tiles * width, row = block * height;
            const long rows = p.b - row < height ? p.b - row : height;
            const long count = p.c - column < width ? p.c - column : width;
            Number* to = parts + (a * blocks + block) * p.c + column;
            for (long c = 0; c < count; ++c) to[c] = how.start();
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
            const Number* from = parts + a * blocks * p.c + column;
            Number* to = result + a * p.c + column;
            std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(Number));
            for (long block = 1; block < blocks; ++block) {
                from += p.c;
                for (long c = 0; c < count; ++c) to[c] = how.joined(to[c], from[c]);
            }
        }
    });
    return true;
}

template <class How>
bool fold_by(const Pattern& p, const How& how, const void* centers,
             typename How::Number* result) {
    const bool columns = p.d == 1 && p.c > 1;
    return columns ? fold_columns(p, how, centers, result) : fold_runs(p, how, centers, result);
}

}  // namespace

bool Pattern::read(PyArrayObject* array, const long* dims, int count) {
    if (array == nullptr || !is_contiguous(array) || PyArray_SIZE(array) == 0) return false;
    type = type_of(array);
    ndim = PyArray_NDIM(array);
    if (ndim > MOST_DIMS) return false;
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

bool read_reduction(const Arguments& arguments, int parameters, Pattern* pattern, bool* keep) {
    if (!arguments.sized(1, parameters) || !arguments.flag(KEEPDIM, keep)) return false;
    long dims[MOST_DIMS];
    const int count = arguments.integers(DIM, dims, MOST_DIMS);
    return count >= 0 && pattern->read(arguments.array(0), dims, count);
}

bool fold(const Pattern& pattern, Fold how, const void* centers, double* result) {
    return fold_by(pattern, Doubles(pattern.type, how), centers, result);
}

bool tallies_of(Type type, Tally how) {
    const bool extreme = how == Tally::max || how == Tally::min;
    if (type == Type::boolean && extreme) return false;  // NumPy's stop at the first
    return Integers(type, how).kernels.run != nullptr;
}

bool tally(const Pattern& pattern, Tally how, std::int64_t* result) {
    return fold_by(pattern, Integers(pattern.type, how), nullptr, result);
}

}  // namespace lampas
