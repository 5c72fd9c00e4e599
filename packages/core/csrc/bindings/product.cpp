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
// A thread's tile: rows that with a block of k fit the second-level cache. Up to twice so
// many stay together, and columns are split instead.
constexpr long TILE_ROWS = 120, TILE_COLUMNS = 512, MOST_COLUMNS = 2048;
// Multiplications of one chunk at least: some ten microseconds.
constexpr long GRAIN = 256 * 1024;
// Up to so many columns (rows), packing A (B) costs more than it saves.
constexpr long FEW_COLUMNS = 192, FEW_ROWS = 96;
// Rows so many bytes apart, or a multiple, fall on few places of the first-level cache:
// they are packed from this many rows of A on.
constexpr long CROWDED = 2048, FEW_CROWDED = 8;
// Up to so many rows, a transposed B is read in place, row by row.
constexpr long FEW_DOTS = 6;
// Columns of one chunk where rows are summed: wide enough for the memory's own prefetch.
constexpr long WIDE = 1024;
constexpr long ON_STACK = 16 * 1024;  // bytes

long up_to(long value, long step) { return (value + step - 1) / step * step; }

// How C is cut: by rows or by columns alone where it can be, so that each chunk packs what
// only it reads. Smaller tiles than the caches would like where there would be too few.
struct Grid {
    long rows, columns;  // of one chunk

    Grid(long m, long n, long k, long mr, long nr) {
        const bool by_rows = m > 2 * TILE_ROWS;
        rows = by_rows ? up_to(TILE_ROWS, mr) : up_to(m, mr);
        columns = up_to(std::min(n, by_rows ? MOST_COLUMNS : TILE_COLUMNS), nr);
        long& length = by_rows ? rows : columns;
        const long panel = by_rows ? mr : nr;
        while (down(m) * across(n) < 16 && length > panel && rows * columns * k / 2 >= GRAIN) {
            length = up_to(length / 2, panel);
        }
    }

    long down(long m) const { return (m + rows - 1) / rows; }
    long across(long n) const { return (n + columns - 1) / columns; }
};

template <class T>
class Product {
public:
    Product(long m, long n, long k, Matrix<T> a, Matrix<T> b, Result<T> c)
        : gemm_(gemm_of<T>()), m_(m), n_(n), k_(k), a_(a), b_(b), c_(c) {}

    bool run() {
        const long mr = gemm_.rows, nr = gemm_.columns;
        const bool near = a_.column == 1 || k_ == 1;
        pack_a_ = n_ > (near ? FEW_COLUMNS : 2 * nr);
        const bool crowded = b_.row * static_cast<long>(sizeof(T)) % CROWDED == 0;
        const bool pack_b = b_.column != 1 || m_ > (crowded ? FEW_CROWDED : FEW_ROWS);
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
    // Pack what several chunks read, then go chunk by chunk.
    void multiply(T* packed, long packed_n) {
        const long mr = gemm_.rows, nr = gemm_.columns;
        packed_b_ = packed;
        packed_a_ = packed + packed_n * k_;
        b_panels_ = {packed, k_ * nr, 1, nr};
        a_panels_ = {a_.data, mr * a_.row, a_.row, a_.column};
        if (pack_a_) a_panels_ = {packed_a_, k_ * mr, 1, mr};
        const Grid grid(m_, n_, k_, mr, nr);
        const long down = grid.down(m_), across = grid.across(n_);
        const auto rows = [&](long i, auto&& body) {
            body(i * grid.rows, std::min((i + 1) * grid.rows, m_));
        };
        const auto columns = [&](long j, auto&& body) {
            body(j * grid.columns, std::min((j + 1) * grid.columns, n_));
        };
        const auto pack_rows = [&](long top, long bottom) { pack_a(top, bottom); };
        const auto pack_columns = [&](long left, long right) { pack_b(left, right); };
        const long shared_b = down > 1 && whole_ < n_ ? across : 0;
        const long shared_a = across > 1 && pack_a_ ? down : 0;
        if (shared_a + shared_b > 0) {
            parallel_chunks(shared_b + shared_a, [&](long chunk) {
                if (chunk < shared_b) columns(chunk, pack_columns);
                else rows(chunk - shared_b, pack_rows);
            });
        }
        parallel_chunks(down * across, [&](long chunk) {
            const long i = chunk % down, j = chunk / down;
            if (shared_b == 0) columns(j, pack_columns);
            if (shared_a == 0) rows(i, pack_rows);
            rows(i, [&](long top, long bottom) {
                columns(j, [&](long left, long right) { compute(top, bottom, left, right); });
            });
        });
    }

    void pack_a(long top, long bottom) {
        if (!pack_a_) return;
        gemm_.pack_a(a_.data + top * a_.row, a_.row, a_.column, bottom - top, k_,
                     packed_a_ + top * k_);
    }

    void pack_b(long left, long right) {
        const long first = std::max(left, whole_);
        if (first >= right) return;
        gemm_.pack_b(b_.data + first * b_.column, b_.column, b_.row, right - first, k_,
                     packed_b_ + (first - whole_) * k_);
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
    T *packed_a_ = nullptr, *packed_b_ = nullptr;
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
    parallel_ranges(n, up_to(lines, WIDE), [&](long first, long last) {
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
