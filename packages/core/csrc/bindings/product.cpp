#include "bindings/product.hpp"

#include <algorithm>

#include "kernels/gemm.hpp"
#include "kernels/matvec.hpp"
#include "runtime/array.hpp"
#include "runtime/pool.hpp"

namespace lampas {
namespace {

// Packed at once at most: 4096 lines of 4096 entries of each operand.
constexpr long MOST = 4096;
// A thread's tile: rows that with a block of k fit the second-level cache, and columns
// enough to use them often.
constexpr long TILE_ROWS = 120, TILE_COLUMNS = 512;
// Multiplications of one chunk at least: some ten microseconds.
constexpr long GRAIN = 256 * 1024;
// Up to so many columns (rows), packing A (B) costs more than it saves.
constexpr long FEW_COLUMNS = 192, FEW_ROWS = 48;
// Up to so many rows, a transposed B is read in place, row by row.
constexpr long FEW_DOTS = 6;
constexpr long ON_STACK = 16 * 1024;  // bytes

long up_to(long value, long step) { return (value + step - 1) / step * step; }

struct Grid {
    long rows, columns;  // of one chunk

    long down(long m) const { return (m + rows - 1) / rows; }
    long across(long n) const { return (n + columns - 1) / columns; }
};

// Tiles of C, smaller than the caches would like where there would be too few of them.
Grid grid_of(long m, long n, long k, long mr, long nr) {
    Grid grid{up_to(std::min(m, TILE_ROWS), mr), up_to(std::min(n, TILE_COLUMNS), nr)};
    while (grid.down(m) * grid.across(n) < 16) {
        if (grid.rows * grid.columns * k / 2 < GRAIN) break;
        if (grid.columns > 2 * grid.rows && grid.columns > nr) {
            grid.columns = up_to(grid.columns / 2, nr);
        } else if (grid.rows > mr) {
            grid.rows = up_to(grid.rows / 2, mr);
        } else {
            break;
        }
    }
    return grid;
}

template <class T>
class Product {
public:
    Product(long m, long n, long k, Matrix<T> a, Matrix<T> b, Result<T> c)
        : gemm_(gemm_of<T>()), m_(m), n_(n), k_(k), a_(a), b_(b), c_(c) {}

    bool run() {
        const long mr = gemm_.rows, nr = gemm_.columns;
        const bool near = a_.column == 1 || k_ == 1;
        pack_a_ = n_ > (near ? FEW_COLUMNS : 2 * nr);
        const bool pack_b = b_.column != 1 || m_ > FEW_ROWS;
        whole_ = pack_b ? 0 : n_ / gemm_.lanes * gemm_.lanes;  // columns of B read in place
        const long packed_n = up_to(n_ - whole_, nr);
        const long bytes =
            (packed_n + (pack_a_ ? up_to(m_, mr) : 0)) * k_ * static_cast<long>(sizeof(T));
        if (bytes > ON_STACK) {
            const Scratch scratch(static_cast<std::size_t>(bytes));
            if (scratch.get() == nullptr) return false;
            multiply(scratch.as<T>(), packed_n);
        } else {
            alignas(64) unsigned char buffer[ON_STACK];
            multiply(reinterpret_cast<T*>(buffer), packed_n);
        }
        return true;
    }

private:
    // Pack what is to be packed, then compute tile by tile.
    void multiply(T* packed, long packed_n) {
        const long mr = gemm_.rows, nr = gemm_.columns;
        b_panels_ = {packed, k_ * nr, 1, nr};
        a_panels_ = {a_.data, mr * a_.row, a_.row, a_.column};
        T* packed_a = packed + packed_n * k_;
        if (pack_a_) a_panels_ = {packed_a, k_ * mr, 1, mr};
        const Grid grid = grid_of(m_, n_, k_, mr, nr);
        const long down = grid.down(m_), across = grid.across(n_);
        if (down * across == 1) {
            if (whole_ < n_) pack_columns(packed, whole_, n_);
            if (pack_a_) gemm_.pack_a(a_.data, a_.row, a_.column, m_, k_, packed_a);
            compute(0, m_, 0, n_);
            return;
        }
        const long parts = whole_ < n_ ? across : 0;
        parallel_chunks(parts + (pack_a_ ? down : 0), [&](long chunk) {
            if (chunk < parts) {
                const long first = std::max(chunk * grid.columns, whole_);
                const long last = std::min((chunk + 1) * grid.columns, n_);
                if (first < last) pack_columns(packed, first, last);
                return;
            }
            const long first = (chunk - parts) * grid.rows;
            gemm_.pack_a(a_.data + first * a_.row, a_.row, a_.column,
                         std::min(grid.rows, m_ - first), k_, packed_a + first * k_);
        });
        parallel_chunks(down * across, [&](long chunk) {
            const long i = chunk % down * grid.rows, j = chunk / down * grid.columns;
            compute(i, std::min(i + grid.rows, m_), j, std::min(j + grid.columns, n_));
        });
    }

    void pack_columns(T* packed, long first, long last) {
        gemm_.pack_b(b_.data + first * b_.column, b_.column, b_.row, last - first, k_,
                     packed + (first - whole_) * k_);
    }

    // Rows and columns from one border of a panel to another.
    void compute(long top, long bottom, long left, long right) {
        const long mr = gemm_.rows, nr = gemm_.columns;
        Tile<T> tile{};
        tile.rows = bottom - top;
        tile.k = k_;
        tile.a = a_panels_;
        tile.a.data += top / mr * tile.a.panel;
        tile.ldc = c_.row;
        tile.add = c_.add;
        const long middle = std::clamp(whole_, left, right);
        if (left < middle) {
            tile.columns = middle - left;
            tile.b = {b_.data + left, nr, 1, b_.row};
            put(tile, top, left);
        }
        if (middle < right) {
            tile.columns = right - middle;
            tile.b = b_panels_;
            tile.b.data += (middle - whole_) / nr * b_panels_.panel;
            put(tile, top, middle);
        }
    }

    void put(Tile<T>& tile, long i, long j) {
        tile.c = c_.data + i * c_.row + j;
        tile.bias = c_.bias == nullptr ? nullptr : c_.bias + j;
        gemm_.tile(tile);
    }

    const GemmOf<T>& gemm_;
    long m_, n_, k_;
    Matrix<T> a_, b_;
    Result<T> c_;
    bool pack_a_ = false;
    long whole_ = 0;
    Panels<T> a_panels_{}, b_panels_{};
};

// With few rows, where the operands lie right: rows of A by rows of B's transpose, or for
// one row of A the sum of B's rows. A product with one column is that with one row,
// transposed.
template <class T>
bool narrow(long m, long n, long k, Matrix<T> a, Matrix<T> b, Result<T> c, long column) {
    const long lines = std::max(1L, GRAIN / std::max(m * k, 1L));
    if (a.column == 1 && b.row == 1) {
        parallel_ranges(n, lines, [&](long first, long last) {
            matvec_of<T>().dots({m, last - first, k, a.data, a.row,
                                 b.data + first * b.column, b.column,
                                 c.data + first * column, c.row, column,
                                 c.bias == nullptr ? nullptr : c.bias + first, c.add});
        });
        return true;
    }
    if (m > 1 || b.column != 1 || column != 1 || c.bias != nullptr || k == 0) return false;
    parallel_ranges(n, up_to(lines, 64), [&](long first, long last) {
        matvec_of<T>().combine(a.data, a.column, b.data + first, b.row, last - first, k,
                               c.data + first, c.add);
    });
    return true;
}

}  // namespace

template <class T>
bool product(long m, long n, long k, Matrix<T> a, Matrix<T> b, Result<T> c) {
    if (m == 0 || n == 0) return true;
    if (k == 1) a.column = b.row = 1;
    if (m <= FEW_DOTS && narrow<T>(m, n, k, a, b, c, 1)) return true;
    if (n == 1 && c.bias == nullptr &&
        narrow<T>(1, m, k, b.transposed(), a.transposed(), c, c.row)) {
        return true;
    }
    // Large operands go in parts of columns, and of k, whose products are added up.
    if (n <= MOST && m <= MOST && k <= MOST) return Product<T>(m, n, k, a, b, c).run();
    for (long p = 0; p < std::max(k, 1L); p += MOST) {
        const Result<T> part{c.data, c.row, p == 0 ? c.bias : nullptr, c.add || p > 0};
        for (long j = 0; j < n; j += MOST) {
            for (long i = 0; i < m; i += MOST) {
                const Matrix<T> rows{a.data + i * a.row + p * a.column, a.row, a.column};
                const Matrix<T> columns{b.data + p * b.row + j * b.column, b.row, b.column};
                const Result<T> into{part.data + i * c.row + j, c.row,
                                     part.bias == nullptr ? nullptr : part.bias + j,
                                     part.add};
                if (!Product<T>(std::min(m - i, MOST), std::min(n - j, MOST),
                                std::min(k - p, MOST), rows, columns, into).run()) {
                    return false;
                }
            }
        }
    }
    return true;
}

template bool product(long, long, long, Matrix<float>, Matrix<float>, Result<float>);
template bool product(long, long, long, Matrix<double>, Matrix<double>, Result<double>);

}  // namespace lampas
